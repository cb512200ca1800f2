// What the agent shows to scrapers: every hop, every reason, the state of each service.
import { expect, test } from "bun:test";
import { AgentStats } from "../../../src/agent/stats.ts";
import { EndpointStats } from "../../../src/quic/stats.ts";
import { addAgentMetrics } from "../../../src/runtime/metrics-agent.ts";
import { MetricsPage } from "../../../src/runtime/metrics-page.ts";
import { TunStats } from "../../../src/runtime/tun.ts";
import { newUdpSocketStats } from "../../../src/runtime/udp-socket.ts";
import { parseMetrics } from "../../support/metrics.ts";

function setUp(tun: TunStats | undefined) {
  const stats = new AgentStats();
  const services = [
    { service: "web", registration: "registered", maxPacket: 1301 },
    { service: "lab", registration: "denied", maxPacket: 1301 },
  ];
  const agent = { stats, uplink: { stats: { reconnections: 2 } }, status: () => services };
  const endpoint = { stats: new EndpointStats(), connections: 1, halfOpen: 0 };
  const page = new MetricsPage();
  addAgentMetrics(page, { agent, tun, endpoint, socket: newUdpSocketStats() });
  return { stats, scrape: async () => parseMetrics(await page.text()) };
}

test("what was received, passed on and dropped is there for each hop", async () => {
  const { stats, scrape } = setUp(undefined);
  stats.hops.tun.receive(100, 3);
  stats.hops.tun.forward(40);
  stats.hops.tun.drop("no-route", 2);
  stats.hops.relay.drop("foreign-source");
  const { values } = await scrape();
  expect(values.get('ztna_agent_received_packets_total{hop="tun"}')).toBe(3);
  expect(values.get('ztna_agent_received_bytes_total{hop="tun"}')).toBe(100);
  expect(values.get('ztna_agent_forwarded_packets_total{hop="tun"}')).toBe(1);
  expect(values.get('ztna_agent_forwarded_bytes_total{hop="tun"}')).toBe(40);
  expect(values.get('ztna_dropped_total{hop="tun",reason="no-route"}')).toBe(2);
  expect(values.get('ztna_dropped_total{hop="relay",reason="foreign-source"}')).toBe(1);
  expect(values.get("ztna_agent_reconnections_total")).toBe(2);
  expect([...values.keys()].some((name) => name.startsWith("ztna_tun_"))).toBe(false);
});

test("a TUN device shows how many packets its reads and writes held", async () => {
  const tun = new TunStats();
  Object.assign(tun, { reads: 1, readBytes: 2, writes: 3, writtenPackets: 4, writtenBytes: 5, writeFailures: 6 });
  const { values } = await setUp(tun).scrape();
  const names = ["reads", "read_bytes", "writes", "written_packets", "written_bytes"];
  expect(names.map((name) => values.get(`ztna_tun_${name}_total`))).toEqual([1, 2, 3, 4, 5]);
  expect(values.get('ztna_dropped_total{hop="device",reason="write-failed"}')).toBe(6);
});

test("each service shows its state and its largest packet", async () => {
  const { values } = await setUp(undefined).scrape();
  expect(values.get('ztna_service_registration{service="web",state="registered"}')).toBe(1);
  expect(values.get('ztna_service_registration{service="lab",state="registered"}')).toBe(0);
  expect(values.get('ztna_service_registration{service="lab",state="denied"}')).toBe(1);
  expect(values.get('ztna_service_max_packet_bytes{service="web"}')).toBe(1301);
});
