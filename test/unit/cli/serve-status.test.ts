// What a relay tells about itself: who is there, what was relayed and dropped; bounded, and nobody is named.
import { expect, test } from "bun:test";
import { MAX_SERVICES } from "../../../src/cli/daemon-status.ts";
import { relayStatus } from "../../../src/cli/serve-status.ts";
import { parseStatus } from "../../../src/cli/status-document.ts";
import { EndpointStats } from "../../../src/quic/stats.ts";
import { newUdpSocketStats } from "../../../src/runtime/udp-socket.ts";
import { certificate, RelayWorld, request } from "../../support/relay-world.ts";

const FACTS = { notReady: undefined, uptimeSeconds: 5, dates: [], wallNow: 0 };

function statusOf({ relay }: RelayWorld, stats = new EndpointStats(), kernelDrops = 0) {
  const endpoint = { stats, connections: 7, halfOpen: 1 };
  const socket = { ...newUdpSocketStats(), kernelDrops };
  return relayStatus({ relay, endpoint, socket, listening: [{ host: "::", port: 4433 }] }, FACTS);
}

test("connections by their registrations, services by who serves and uses them, no name of a peer", () => {
  const world = new RelayWorld({ takeover: "replace" });
  const [older, agent] = [world.connector("web", { identity: certificate("office") }), world.agent("web")];
  world.register(agent, "agent", "db");
  world.register(older, "agent", "db");
  world.connector("web", { identity: certificate("office-2") });
  world.connector("lab", { identity: certificate("laptop", []) });
  world.connect();
  world.routed(agent, "web", request());
  world.routed(agent, "db", request());
  const status = statusOf(world);
  expect(status).toMatchObject({
    listening: ["[::]:4433"],
    connections: { open: 7, half_open: 1, agents: 2, connectors: 2 },
    datagrams_relayed: 1,
    service_count: 3,
    services: [
      { service: "web", connectors: 1, displaced: 1, silent: 0, agents: 1, denied: 0 },
      { service: "db", connectors: 0, displaced: 0, silent: 0, agents: 2, denied: 0 },
      { service: "lab", connectors: 0, agents: 0, denied: 1 },
    ],
  });
  const hop = status.hops.find((one) => one.hop === "agent");
  expect(hop).toMatchObject({ received: 2, forwarded: 1, dropped: { "no-connector": 1, "too-large": 0 } });
  expect(JSON.stringify(status)).not.toMatch(/office|laptop|198\.51/);
});

test("packets that the kernel or the endpoint dropped, and datagrams that connections did not take", () => {
  const counts = { receivedPackets: 10, acceptedPackets: 7, dropped: { empty: 3 } };
  const queue = { datagramsTaken: 5, datagramsSent: 3, datagramsDropped: { late: 1 } };
  const { hops } = statusOf(new RelayWorld(), Object.assign(new EndpointStats(), counts, queue), 4);
  expect(hops).toContainEqual({ hop: "socket", received: 14, forwarded: 10, dropped: { kernel: 4 } });
  expect(hops).toContainEqual({ hop: "packet", received: 10, forwarded: 7, dropped: { empty: 3 } });
  expect(hops).toContainEqual({
    hop: "queue",
    received: 5,
    forwarded: 3,
    dropped: expect.objectContaining({ late: 1 }),
  });
});

test("thousands of services with the worst names still fit into an answer", () => {
  const world = new RelayWorld({
    limits: { servicesPerConnection: 3000, registrations: { perSecond: 1e6, burst: 1e6 } },
  });
  const peer = world.connect();
  for (let index = 0; index < 3000; index++) {
    world.register(peer, "connector", `${String(index).padStart(4, "0")}${"\u0001".repeat(251)}`);
  }
  const status = statusOf(world);
  expect([status.services.length, status.service_count]).toEqual([MAX_SERVICES, 3000]);
  const text = JSON.stringify(status);
  expect(text.length).toBeLessThan(1024 * 1024);
  expect(parseStatus(text)).toEqual(status);
});
