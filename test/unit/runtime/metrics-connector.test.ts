// What the connector shows to scrapers: the reference's names and types, and the state of each service.

import { expect, test } from "bun:test";
import { ConnectorStats } from "../../../src/connector/stats.ts";
import { EndpointStats } from "../../../src/quic/stats.ts";
import { BackendsStats } from "../../../src/runtime/backends.ts";
import { addConnectorMetrics } from "../../../src/runtime/metrics-connector.ts";
import { MetricsPage } from "../../../src/runtime/metrics-page.ts";
import { newUdpSocketStats } from "../../../src/runtime/udp-socket.ts";
import { newTcpStats } from "../../../src/tcp/stats.ts";
import { parseMetrics } from "../../support/metrics.ts";

function setUp() {
  const services = [
    { service: "web", connection: "connected", registration: "registered", maxDatagram: 1306, reconnections: 2 },
    { service: "db", connection: "connected", registration: "registered", maxDatagram: 1306, reconnections: 1 },
    { service: "lab", connection: "connected", registration: "denied", maxDatagram: 1306, reconnections: 0 },
  ];
  const connector = {
    ...{ stats: new ConnectorStats(), flowCount: 7, sessionCount: 4, segments: { ...newTcpStats() } },
    status: () => services,
  };
  const backends = { stats: new BackendsStats(), size: 6 };
  const endpoint = { stats: new EndpointStats(), connections: 3, halfOpen: 0 };
  const socket = newUdpSocketStats();
  const page = new MetricsPage();
  addConnectorMetrics(page, { connector, backends, endpoint, socket, uptimeSeconds: () => 5 });
  return { connector, backends, services, scrape: async () => parseMetrics(await page.text()) };
}

test("the reference's names are there, with its types", async () => {
  const { types, values } = await setUp().scrape();
  const counters = [
    "forwarded_packets_total",
    "forwarded_bytes_total",
    "tcp_sessions_total",
    "tcp_errors_total",
    "reconnections_total",
  ];
  for (const name of counters) expect([name, types.get(`ztna_connector_${name}`)]).toEqual([name, "counter"]);
  expect(types.get("ztna_connector_uptime_seconds")).toBe("gauge");
  expect(values.get("ztna_connector_uptime_seconds")).toBe(5);
  expect(values.get("ztna_connector_reconnections_total")).toBe(3);
});

test("every service is in exactly one state", async () => {
  const { scrape, services } = setUp();
  const states = async () => {
    const { values } = await scrape();
    const set = [...values].filter(([key, value]) => key.startsWith("ztna_service_registration{") && value === 1);
    return set.map(([key]) => /service="(\w+)",state="(\w+)"/.exec(key)?.slice(1).join(" "));
  };
  expect(await states()).toEqual(["web registered", "db registered", "lab denied"]);
  services[2]!.registration = "pending";
  expect(await states()).toEqual(["web registered", "db registered", "lab pending"]);
});

test("what is forwarded and what is dropped on each side is read when it is scraped", async () => {
  const { connector, backends, scrape } = setUp();
  connector.stats.hops.agent.forwarded = 4;
  connector.stats.hops.agent.forwardedBytes = 400;
  connector.stats.hops.agent.drop("foreign-address");
  connector.stats.hops.backend.drop("reply-too-large");
  backends.stats.dropped["queue-full"] = 9;
  const { values } = await scrape();
  expect(Object.fromEntries(values)).toMatchObject({
    ztna_connector_forwarded_packets_total: 4,
    ztna_connector_forwarded_bytes_total: 400,
    ztna_connector_flows: 7,
    'ztna_dropped_total{hop="agent",reason="foreign-address"}': 1,
    'ztna_dropped_total{hop="backend",reason="reply-too-large"}': 1,
    'ztna_dropped_total{hop="backend-socket",reason="queue-full"}': 9,
  });
});
