// What the relay shows to scrapers: the reference's names and types, values of the moment, names that peers chose.

import { expect, test } from "bun:test";
import { EndpointStats } from "../../../src/quic/stats.ts";
import { RelayStats, type ServiceSnapshot } from "../../../src/relay/stats.ts";
import { MetricsPage } from "../../../src/runtime/metrics-page.ts";
import { addRelayMetrics } from "../../../src/runtime/metrics-relay.ts";
import { newUdpSocketStats } from "../../../src/runtime/udp-socket.ts";
import { parseMetrics } from "../../support/metrics.ts";

const SOCKET = newUdpSocketStats();

function setUp() {
  const services: ServiceSnapshot[] = [];
  const relay = { stats: new RelayStats(), services: () => services };
  const endpoint = { stats: new EndpointStats(), connections: 0, halfOpen: 0 };
  const page = new MetricsPage();
  const socket = { ...SOCKET };
  addRelayMetrics(page, relay, endpoint, socket, () => 61);
  return { relay, endpoint, socket, services, scrape: async () => parseMetrics(await page.text()) };
}

test("the reference's names are there, with its types and without labels", async () => {
  const { types, values } = await setUp().scrape();
  const reference = {
    ztna_active_connections: "gauge",
    ztna_relay_bytes_total: "counter",
    ztna_registrations_total: "counter",
    ztna_registration_rejections_total: "counter",
    ztna_datagrams_relayed_total: "counter",
    ztna_signaling_sessions_total: "counter",
    ztna_retry_tokens_validated: "counter",
    ztna_retry_token_failures: "counter",
    ztna_uptime_seconds: "gauge",
  };
  for (const [name, type] of Object.entries(reference)) {
    expect([name, types.get(name)]).toEqual([name, type]);
    expect(values.has(name)).toBe(true);
  }
  expect(values.get("ztna_uptime_seconds")).toBe(61);
});

test("every value is read when it is scraped", async () => {
  const { relay, endpoint, socket, scrape } = setUp();
  await scrape();
  endpoint.connections = 3;
  endpoint.stats.retryTokensValidated = 4;
  endpoint.stats.receivedPackets = 12;
  endpoint.stats.acceptedPackets = 10;
  endpoint.stats.drop("small-initial");
  endpoint.stats.drop("small-initial");
  endpoint.stats.refuse("no-client-cert");
  relay.stats.registrations = 5;
  relay.stats.rejected["not-granted"] = 2;
  relay.stats.rejected.rate = 1;
  relay.stats.hops.agent.relayed = 6;
  relay.stats.hops.connector.relayedBytes = 700;
  relay.stats.hops.unregistered.dropped["no-role"] = 8;
  socket.kernelDrops = 11;
  socket.sendBufferDrops = 13;
  endpoint.stats.datagramsTaken = 20;
  endpoint.stats.datagramsSent = 17;
  endpoint.stats.datagramsWaiting = 3;
  const { values } = await scrape();
  expect(Object.fromEntries(values)).toMatchObject({
    ztna_active_connections: 3,
    ztna_retry_tokens_validated: 4,
    ztna_packets_received_total: 12,
    ztna_packets_accepted_total: 10,
    'ztna_dropped_total{hop="packet",reason="small-initial"}': 2,
    'ztna_dropped_total{hop="unregistered",reason="no-role"}': 8,
    'ztna_dropped_total{hop="socket",reason="kernel"}': 11,
    'ztna_dropped_total{hop="socket",reason="send-buffer"}': 13,
    ztna_datagrams_taken_total: 20,
    ztna_datagrams_sent_total: 17,
    ztna_datagrams_waiting: 3,
    'ztna_peers_refused_total{reason="no-client-cert"}': 1,
    ztna_registrations_total: 5,
    ztna_registration_rejections_total: 3,
    'ztna_rejections_total{reason="not-granted"}': 2,
    ztna_datagrams_relayed_total: 6,
    ztna_relay_bytes_total: 700,
  });
  relay.stats.registrations = 6;
  expect((await scrape()).values.get("ztna_registrations_total")).toBe(6);
});

test("a service appears with its numbers, whatever its name, and disappears with it", async () => {
  const { services, scrape } = setUp();
  const rest = {
    connectors: 2,
    displaced: 1,
    silent: 0,
    agents: 5,
    denied: 3,
    datagramsToConnectors: 0,
    datagramsToAgents: 0,
  };
  services.push({ service: 'a"b\\\n', ...rest });
  const { values } = await scrape();
  const name = 'a\\"b\\\\\\n';
  expect(values.get(`ztna_service_connectors{service="${name}",state="serving"}`)).toBe(2);
  expect(values.get(`ztna_service_connectors{service="${name}",state="displaced"}`)).toBe(1);
  expect(values.get(`ztna_service_agents{service="${name}"}`)).toBe(5);
  expect(values.get(`ztna_service_denied{service="${name}"}`)).toBe(3);
  services.pop();
  expect([...(await scrape()).values.keys()].filter((key) => key.startsWith("ztna_service_"))).toEqual([]);
});
