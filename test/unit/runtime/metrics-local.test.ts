// What an agent shows about its local ports.
import { expect, test } from "bun:test";
import { addLocalMetrics, localDrops } from "../../../src/runtime/metrics-local.ts";
import { MetricsPage } from "../../../src/runtime/metrics-page.ts";
import { LocalWorld, SOCKS } from "../../support/local-world.ts";

test("connections, datagrams and what became of them are shown", async () => {
  const world = new LocalWorld();
  const program = world.accept(0);
  world.say(program, "hello");
  world.say(world.accept(SOCKS), "GET /");
  world.datagram(1, { host: "127.0.0.1", port: 1 }, new Uint8Array(9));
  world.datagram(1, { host: "127.0.0.1", port: 1 }, new Uint8Array(2000));
  const page = new MetricsPage();
  addLocalMetrics(page, world.flows);
  const lines = new Set((await page.text()).split("\n"));
  for (const line of [
    "ztna_agent_local_connections_accepted_total 2",
    "ztna_agent_local_connections_opened_total 1",
    'ztna_agent_local_refused_total{reason="not-socks5"} 1',
    "ztna_agent_local_datagrams_received_total 2",
    "ztna_agent_local_datagrams_forwarded_total 1",
    "ztna_agent_local_datagrams_forwarded_bytes_total 9",
    "ztna_agent_local_flows_opened_total 1",
    'ztna_agent_local_open{kind="connections"} 1',
    'ztna_agent_local_open{kind="flows"} 1',
    'ztna_agent_local_open{kind="associations"} 0',
    'ztna_agent_local_tcp_total{event="resetsReceived"} 0',
  ]) {
    expect(lines).toContain(line);
  }
  expect(localDrops(world.flows, 3)).toEqual([
    [["local-port", "too-large"], 1],
    [["local-program", "send-blocked"], 3],
  ]);
});
