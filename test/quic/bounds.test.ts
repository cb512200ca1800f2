// What packets of strangers and of peers leave behind in an endpoint is bounded, beyond connections themselves.
import { beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { ConnectionIds } from "../../src/quic/connection-id.ts";
import { clientHost, connect, relayHost, send } from "../support/endpoint-hosts.ts";
import { exchange, type Host } from "../support/endpoint-pair.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

/** The relay's own id for the client, from a packet that the client sends. */
function pairWithId(): { relay: Host; client: Host; header: Uint8Array; peer: number } {
  const relay = relayHost(pki);
  const client = clientHost(pki);
  const peer = connect(client, relay);
  send(client, peer, new Uint8Array(50));
  const [packet] = client.transmit();
  const header = packet!.bytes.slice(0, 21);
  relay.receive(packet!.bytes, client);
  exchange(client, relay);
  return { relay, client, header, peer };
}

describe("answers without state", () => {
  test("wait in bounded number for a socket that takes nothing", () => {
    const relay = relayHost(pki);
    const unknownVersion = new Uint8Array(1200);
    unknownVersion.set([0xc0, 0, 0, 0, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
    for (let i = 0; i < 5000; i++) relay.receive(unknownVersion, { host: "203.0.113.9", port: 999 });
    expect(relay.endpoint.stats.dropped["version-negotiated"]).toBe(5000);
    expect(relay.transmit()).toHaveLength(4096);
  });

  test("resets are limited per second, and come again a second later", () => {
    const secret = new TextEncoder().encode("a relay that was here before");
    const ids = new ConnectionIds(secret, (bytes) => randomFillSync(bytes));
    const relay = relayHost(pki, {}, { secret });
    const from = relay.sees({ host: "198.51.100.7", port: 1 });
    const packet = new Uint8Array(60);
    packet[0] = 0x40;
    packet.set(ids.mint(), 1);
    const now = performance.now();
    for (let i = 0; i < 5100; i++) relay.endpoint.receive(packet.slice(), from, now);
    expect(relay.endpoint.stats.dropped).toMatchObject({ "reset-sent": 5000, "unknown-connection": 100 });
    relay.endpoint.receive(packet.slice(), from, now + 1000);
    expect(relay.endpoint.stats.dropped["reset-sent"]).toBe(5001);
  });
});

describe("a path", () => {
  test("stays the same when its address is interned anew", () => {
    const { relay, client, peer } = pairWithId();
    send(client, peer, Uint8Array.of(1));
    const renewed = { ...relay.sees(client) };
    for (const { bytes } of client.transmit()) relay.endpoint.receive(bytes.slice(), renewed, performance.now());
    relay.collect();
    expect(relay.take("moved")).toEqual([]);
    send(relay, 1, Uint8Array.of(2));
    const packets = relay.batch();
    relay.endpoint.transmit(packets, performance.now());
    expect(packets.packets.map(({ to }) => to === renewed)).toEqual([true]);
  });

  test("may be claimed from any number of addresses: only the latest few are remembered, and the true one holds", () => {
    const { relay, client, header, peer } = pairWithId();
    for (let port = 1; port <= 500; port++) {
      const forged = randomFillSync(new Uint8Array(80));
      forged.set(header);
      relay.receive(forged, { host: "203.0.113.9", port });
    }
    relay.events.length = 0;
    client.port = 40_001; // its NAT gives it another port
    send(client, peer, Uint8Array.of(3));
    exchange(client, relay);
    exchange(client, relay);
    expect(relay.take("moved").map(({ address }) => address.port)).toEqual([40_001]);
    expect(relay.take("datagram").map(({ bytes }) => [...bytes])).toEqual([[3]]);
  });
});
