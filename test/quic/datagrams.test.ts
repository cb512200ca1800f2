// Datagrams on the real quiche: sizes, order, the queues that they wait in and what becomes of them.
import { beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { MAX_WAIT_MS } from "../../src/quic/connection.ts";
import type { Endpoint } from "../../src/quic/endpoint.ts";
import {
  DATAGRAMS_PER_TURN,
  MOST_WAITING_DATAGRAMS,
  OFFERED_DATAGRAMS,
  WAITING_DATAGRAMS,
  WAITING_IN_ALL,
} from "../../src/quic/settings.ts";
import { clientHost, connect, relayHost, send } from "../support/endpoint-hosts.ts";
import { carry, exchange, type Host } from "../support/endpoint-pair.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

function pair(): { relay: Host; client: Host; peer: number } {
  const relay = relayHost(pki);
  const client = clientHost(pki);
  return { relay, client, peer: connect(client, relay) };
}

/** Whatever was to be sent was, or waits, or was dropped for a reason. */
function expectAccounted({ endpoint: { stats } }: { endpoint: Endpoint }): void {
  const dropped = Object.values(stats.datagramsDropped).reduce((sum, count) => sum + count, 0);
  expect(stats.datagramsSent + stats.datagramsWaiting + dropped).toBe(stats.datagramsTaken);
}

describe("datagrams", () => {
  test("of 0 to 1306 bytes arrive as they were sent; one more is counted and dropped", () => {
    const { relay, client, peer } = pair();
    expect(client.take("connected")[0]?.maxDatagram).toBe(1306);
    const sizes = [0, 1, 64, 1200, 1305, 1306];
    for (const size of sizes) send(client, peer, new Uint8Array(randomFillSync(new Uint8Array(size))));
    send(client, peer, new Uint8Array(1307));
    exchange(client, relay);
    expect(relay.take("datagram").map(({ bytes }) => bytes.length)).toEqual(sizes);
    expect(client.endpoint.stats.datagramsDropped).toMatchObject({
      "not-connected": 0,
      "queue-full": 0,
      "too-large": 1,
    });
  });

  test("beyond what the queues hold are counted, and `writable` follows when there is room again", () => {
    const { relay, client, peer } = pair();
    const queued = OFFERED_DATAGRAMS + MOST_WAITING_DATAGRAMS;
    for (let i = 0; i < queued + 5; i++) send(client, peer, new Uint8Array(1000));
    expect(client.endpoint.room(peer)).toBe(0);
    expect(client.endpoint.stats.datagramsDropped["queue-full"]).toBe(5);
    exchange(client, relay);
    expect(client.take("writable")).toHaveLength(1);
    expect(client.endpoint.room(peer)).toBe(MOST_WAITING_DATAGRAMS);
    // On a machine that is slower than that some are late by then.
    expect(relay.take("datagram")).toHaveLength(queued - client.endpoint.stats.datagramsDropped.late);
    expectAccounted(client);
  });

  test("of a sender that can wait never queue behind more than a turn of its own", () => {
    const { relay, client, peer } = pair();
    const { endpoint, events } = client;
    let sent = 0;
    let mostWaiting = 0;
    while (sent < 2000) {
      for (let left = endpoint.window(peer); left > 0; left--, sent++) send(client, peer, new Uint8Array(1000));
      expect(endpoint.window(peer)).toBe(0);
      events.length = 0;
      while (client.take("writable").length === 0) {
        expect(carry(client, relay) + carry(relay, client)).toBeGreaterThan(0);
        mostWaiting = Math.max(mostWaiting, sent - relay.take("datagram").length);
      }
    }
    expect(mostWaiting).toBeLessThanOrEqual(DATAGRAMS_PER_TURN);
    expect(endpoint.stats).toMatchObject({ datagramsWaiting: 0, datagramsTaken: sent, datagramsSent: sent });
  });

  test("of one connection may fill what others leave; of many, each has its share", () => {
    const relay = relayHost(pki);
    const client = clientHost(pki);
    const most = OFFERED_DATAGRAMS + MOST_WAITING_DATAGRAMS;
    const count = WAITING_IN_ALL / MOST_WAITING_DATAGRAMS + 2;
    const peers = Array.from({ length: count }, () => connect(client, relay));
    for (const peer of peers) for (let i = 0; i < most; i++) send(client, peer, new Uint8Array(10));
    const { stats } = client.endpoint;
    // Whoever comes last finds the common part taken.
    expect(stats.datagramsWaiting).toBe(WAITING_IN_ALL + 2 * WAITING_DATAGRAMS);
    expect(peers.map((peer) => client.endpoint.room(peer))).toEqual(peers.map(() => 0));
    expectAccounted(client);
  });

  test("that wait when their connection ends are counted as dropped", () => {
    const { client, peer } = pair();
    for (let i = 0; i < OFFERED_DATAGRAMS + 10; i++) send(client, peer, new Uint8Array(1000));
    expect(client.endpoint.stats.datagramsWaiting).toBe(10);
    expectAccounted(client);
    client.endpoint.perform({ type: "close", peer, layer: "application", code: 0, reason: "" });
    expect(client.endpoint.stats).toMatchObject({ datagramsWaiting: 0, datagramsDropped: { "not-connected": 10 } });
    expectAccounted(client);
  });

  test("that wait for a congested connection are given up in time also when nothing else happens", () => {
    const { client, peer } = pair();
    for (let i = 0; i < OFFERED_DATAGRAMS + 10; i++) send(client, peer, new Uint8Array(1000));
    client.transmit();
    const now = performance.now();
    expect(client.endpoint.deadline()).toBeLessThanOrEqual(now + MAX_WAIT_MS + 2);
    client.endpoint.handleTimeout(now + MAX_WAIT_MS + 2);
    client.endpoint.transmit(client.batch(), now + MAX_WAIT_MS + 2);
    expect(client.endpoint.stats.datagramsDropped.late).toBe(10);
    expectAccounted(client);
  });

  test("wait a bounded time for a congested connection, then the oldest are dropped first", () => {
    const { relay, client, peer } = pair();
    const count = OFFERED_DATAGRAMS + 500;
    for (let i = 0; i < count; i++) send(client, peer, Uint8Array.of(i >> 8, i & 0xff, ...new Uint8Array(1000)));
    const leaving = client.transmit(); // as much as the first congestion window takes, and no acknowledgement
    client.endpoint.handleTimeout(performance.now() + MAX_WAIT_MS + 1);
    send(client, peer, Uint8Array.of(0xff, 0xff));
    const { late } = client.endpoint.stats.datagramsDropped;
    expect(late).toBe(500);
    for (const { bytes } of leaving) relay.receive(bytes, client);
    exchange(relay, client);
    exchange(client, relay);
    const numbers = relay.take("datagram").map(({ bytes }) => (bytes[0]! << 8) | bytes[1]!);
    expect(numbers).toEqual([...Array(OFFERED_DATAGRAMS).keys(), 0xffff]);
  });

  test("to a peer that is gone are counted", () => {
    const { client } = pair();
    send(client, 12345, new Uint8Array(1));
    expect(client.endpoint.stats.datagramsDropped["not-connected"]).toBe(1);
    expectAccounted(client);
  });
});
