// What strangers can send to the relay's port, on the real quiche: every packet is counted, none costs a connection.
import { beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { DEFAULT_ADMISSION } from "../../src/quic/admission.ts";
import { clientHost, connect, relayHost, send } from "../support/endpoint-hosts.ts";
import { carry, exchange, type Host } from "../support/endpoint-pair.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

/** received = accepted + Σ dropped, always. */
function expectBalance(host: Host): void {
  const { receivedPackets, acceptedPackets, dropped } = host.endpoint.stats;
  expect(receivedPackets).toBe(acceptedPackets + Object.values(dropped).reduce((sum, count) => sum + count, 0));
}

describe("the relay's port", () => {
  test("survives random and mutated packets, counts every one, and goes on serving", () => {
    const relay = relayHost(pki);
    const client = clientHost(pki);
    const peer = connect(client, relay);
    const recorded: Uint8Array[] = [];
    send(client, peer, new Uint8Array(900));
    exchange(client, relay, (bytes) => {
      recorded.push(bytes.slice());
      return bytes;
    });
    const stranger = { host: "203.0.113.9", port: 999 };
    for (let i = 0; i < 20_000; i++) {
      relay.receive(i % 2 === 0 ? noise(i) : mutated(recorded[i % recorded.length]!), i % 3 === 0 ? client : stranger);
    }
    expectBalance(relay);
    expect(relay.endpoint.connections).toBeLessThan(10);
    relay.events.length = 0;
    send(client, peer, Uint8Array.of(1, 2, 3));
    exchange(client, relay);
    expect(relay.take("datagram").map(({ bytes }) => [...bytes])).toEqual([[1, 2, 3]]);
  });

  test("sends at most three times what an unvalidated address sent", () => {
    const relay = relayHost(pki);
    const client = clientHost(pki);
    client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    let received = 0;
    let sent = 0;
    for (let round = 0; round < 3; round++) {
      for (const { bytes } of client.transmit()) {
        received += bytes.length;
        relay.receive(bytes, client);
      }
      for (const { bytes } of relay.transmit()) {
        sent += bytes.length;
        if (relay.endpoint.stats.handshakesCompleted === 0) expect(sent).toBeLessThanOrEqual(3 * received);
        client.receive(bytes, relay);
      }
    }
    expect(relay.endpoint.stats.handshakesCompleted).toBe(1);
  });

  test("makes one connection of an Initial that arrives twice where Retry is off", () => {
    const relay = relayHost(pki, { retry: undefined });
    const client = clientHost(pki);
    client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    const [first] = client.transmit();
    relay.receive(first!.bytes, client);
    relay.receive(first!.bytes, client);
    expect(relay.endpoint.connections).toBe(1);
    carry(relay, client);
    exchange(client, relay);
    expect(relay.take("connected")).toHaveLength(1);
    expect(relay.endpoint.halfOpen).toBe(0);
  });

  test("drops a corrupt first Initial without keeping a connection for it", () => {
    const relay = relayHost(pki, { retry: undefined });
    const client = clientHost(pki);
    client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    const [first] = client.transmit();
    first!.bytes.fill(0xff, 60);
    relay.receive(first!.bytes, client);
    relay.transmit();
    expect(relay.endpoint.stats.dropped["rejected-by-quic"]).toBe(1);
    expect([relay.endpoint.connections, relay.endpoint.halfOpen]).toEqual([0, 0]);
    expectBalance(relay);
  });

  test("bounds handshakes under way, and one that is not completed gives its place back", async () => {
    const relay = relayHost(pki, { retry: undefined, admission: { ...DEFAULT_ADMISSION, halfOpen: 2 } });
    for (let port = 1; port <= 3; port++) {
      const client = clientHost(pki, { port });
      client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
      carry(client, relay);
    }
    expect(relay.endpoint.halfOpen).toBe(2);
    expect(relay.endpoint.stats.dropped["limit-half-open"]).toBe(1);
    relay.endpoint.handleTimeout(performance.now() + 10_001);
    expect([relay.endpoint.halfOpen, relay.endpoint.connections]).toEqual([0, 0]);
    expect(relay.endpoint.stats.connectionsGone).toBe(2);
    const late = clientHost(pki, { port: 4 });
    connect(late, relay);
    expect(late.take("connected")).toHaveLength(1);
  });

  test("is not closed by somebody who begins handshakes and completes none", () => {
    const relay = relayHost(pki, { admission: { ...DEFAULT_ADMISSION, halfOpen: 50 } });
    const stranger = clientHost(pki, { port: 1 });
    for (let i = 0; i < 60; i++) {
      stranger.endpoint.connect(stranger.sees(relay), ["ztna-server"], performance.now());
    }
    carry(stranger, relay);
    carry(relay, stranger); // the Retry packets
    carry(stranger, relay);
    expect(relay.endpoint.halfOpen).toBe(50);
    const client = clientHost(pki, { port: 2 });
    client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    const later = performance.now() + 1000;
    for (let round = 0; round < 4; round++) {
      for (const { bytes } of client.transmit()) relay.endpoint.receive(bytes.slice(), relay.sees(client), later);
      relay.collect();
      carry(relay, client);
    }
    expect(client.take("connected")).toHaveLength(1);
    expect(relay.endpoint.halfOpen).toBe(49);
    expectBalance(relay);
  });
});

function noise(i: number): Uint8Array {
  const bytes = new Uint8Array(randomFillSync(new Uint8Array((i * 7) % 1400)));
  if (bytes.length > 6 && i % 4 === 0) bytes.set([0xc0, 0, 0, 0, 1]);
  return bytes;
}

function mutated(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  for (let i = 0; i < 3; i++) copy[Math.floor(Math.random() * copy.length)] = Math.floor(Math.random() * 256);
  return copy;
}
