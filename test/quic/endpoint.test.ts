// The endpoint's own behaviour on the real quiche: resets, addresses, ids, drain and reload.
import { beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { clientHost, connect, pem, relayHost, send } from "../support/endpoint-hosts.ts";
import { exchange, type Host, run } from "../support/endpoint-pair.ts";
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

describe("a restarted relay", () => {
  test("resets the clients that it does not know, and they notice at once", () => {
    const { client, peer } = pair();
    const restarted = relayHost(pki);
    send(client, peer, new Uint8Array(100));
    exchange(client, restarted);
    expect(client.take("disconnected")[0]).toMatchObject({ by: "reset", peer });
    expect(restarted.endpoint.stats.dropped["reset-sent"]).toBe(1);
  });

  test("with another key says nothing, nor to ids that nobody issued", () => {
    const { client, peer } = pair();
    const other = relayHost(pki, {}, { secret: pem("another key") });
    send(client, peer, new Uint8Array(100));
    exchange(client, other);
    const forged = randomFillSync(new Uint8Array(100));
    forged[0] = 0x40;
    other.receive(forged, client);
    expect(other.transmit()).toEqual([]);
    expect(client.take("disconnected")).toEqual([]);
    expect(other.endpoint.stats.dropped["unknown-connection"]).toBeGreaterThanOrEqual(2);
  });

  test("answers with a reset that is smaller than what it answers", () => {
    const { client, peer } = pair();
    const restarted = relayHost(pki);
    send(client, peer, new Uint8Array(0));
    const [packet] = client.transmit();
    restarted.receive(packet!.bytes, client);
    const [reset] = restarted.transmit();
    expect(reset!.bytes.length).toBeLessThan(packet!.bytes.length);
  });
});

describe("a peer's address", () => {
  test("follows a NAT that gave it another port, once the new path is validated", () => {
    const { relay, client, peer } = pair();
    client.port = 40_001;
    send(client, peer, new Uint8Array(5));
    exchange(client, relay);
    expect(relay.take("moved").map(({ address }) => address.port)).toEqual([40_001]);
    send(relay, 1, Uint8Array.of(7));
    const packets = relay.transmit();
    expect(packets.map(({ to }) => to.port)).toEqual([40_001]);
  });

  test("is not moved by forged or replayed packets that carry its connection id", () => {
    const { relay, client, peer } = pair();
    send(client, peer, new Uint8Array(50));
    const [packet] = client.transmit();
    relay.receive(packet!.bytes, client);
    const attacker = { host: "203.0.113.9", port: 999 };
    const forged = randomFillSync(new Uint8Array(80));
    forged.set(packet!.bytes.subarray(0, 21));
    relay.receive(forged, attacker);
    relay.receive(packet!.bytes, attacker);
    exchange(client, relay);
    expect(relay.take("moved")).toEqual([]);
    send(relay, 1, Uint8Array.of(7));
    expect(relay.transmit().map(({ to }) => to.port)).toEqual([40_000]);
  });
});

describe("a ping", () => {
  test("is answered by a living peer, and only then `heard`", () => {
    const { relay, client, peer } = pair();
    send(client, peer, new Uint8Array(50));
    const [genuine] = client.transmit();
    relay.receive(genuine!.bytes, client);
    relay.endpoint.perform({ type: "ping", peer: 1 });
    const packets = relay.transmit();
    const accepted = relay.endpoint.stats.acceptedPackets;
    const forged = randomFillSync(new Uint8Array(80));
    forged.set(genuine!.bytes.subarray(0, 21));
    relay.receive(forged, client);
    expect(relay.endpoint.stats.acceptedPackets).toBe(accepted + 1); // quiche says nothing about it
    expect(relay.take("heard")).toEqual([]);
    for (const { bytes } of packets) client.receive(bytes, relay);
    exchange(client, relay);
    expect(relay.take("heard")).toHaveLength(1);
  });

  test("that a farewell follows was not answered: whoever waits for a sign of life is not told of one", () => {
    const { relay, client, peer } = pair();
    relay.endpoint.perform({ type: "ping", peer: 1 });
    relay.transmit();
    client.endpoint.perform({ type: "close", peer, layer: "application", code: 0, reason: "superseded" });
    exchange(client, relay);
    expect(relay.take("disconnected")).toHaveLength(1);
    expect(relay.take("heard")).toEqual([]);
  });
});

describe("connection ids", () => {
  test("change on the wire when rotated, old ones are given back, and nothing is lost", async () => {
    const relay = relayHost(pki, {}, { rotationMs: 100 });
    const client = clientHost(pki);
    const peer = connect(client, relay);
    const seen = new Set<string>();
    let sent = 0;
    const more = setInterval(() => send(client, peer, Uint8Array.of(++sent & 0xff)), 10);
    const watch = (bytes: Uint8Array, from: Host) => {
      if (from === client && (bytes[0]! & 0x80) === 0) seen.add(Buffer.from(bytes.subarray(1, 21)).toString("hex"));
      return bytes;
    };
    while (seen.size < 4) {
      exchange(client, relay, watch);
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const host of [client, relay]) host.endpoint.handleTimeout(performance.now());
    }
    clearInterval(more);
    exchange(client, relay, watch);
    expect(relay.take("datagram")).toHaveLength(sent);
    expect(Object.keys(relay.endpoint.stats.dropped)).toEqual(["retry-sent"]);
  });
});

describe("packets that pretend to come from the server", () => {
  test("are offered to a bounded number of connections a second", () => {
    const client = clientHost(pki);
    const server = { host: "192.0.2.1", port: 4433 };
    for (let i = 0; i < 1000; i++) client.endpoint.connect(client.sees(server), ["ztna-server"], performance.now());
    const { stats } = client.endpoint;
    const now = performance.now();
    const forge = (packets: number, at: number) => {
      for (let i = 0; i < packets; i++) client.endpoint.receive(forged(), client.sees(server), at);
    };
    forge(20, now);
    expect(stats.dropped["unknown-connection"]).toBe(15);
    forge(20, now + 1000);
    expect(stats.dropped["unknown-connection"]).toBe(30);
    expect(stats.acceptedPackets + (stats.dropped["rejected-by-quic"] ?? 0)).toBe(10);
  });

  function forged(): Uint8Array {
    const packet = new Uint8Array(randomFillSync(new Uint8Array(43)));
    packet[0] = 0x40 | (packet[0]! & 0x3f);
    return packet;
  }
});

describe("the endpoint", () => {
  test("closes every connection and refuses new ones while it drains", () => {
    const { relay, client } = pair();
    relay.endpoint.drain("server shutting down");
    expect(relay.endpoint.drained).toBe(false);
    exchange(relay, client);
    expect(relay.endpoint.drained).toBe(true);
    const closed = { by: "peer", layer: "application", code: 0, reason: "server shutting down" };
    expect(client.take("disconnected")[0]).toMatchObject(closed);
    const late = clientHost(pki, { port: 5 });
    connect(late, relay);
    expect(late.take("connected")).toEqual([]);
    expect(relay.endpoint.stats.dropped.draining).toBe(1);
  });

  test("serves new connections with reloaded credentials and leaves the others alone", async () => {
    const { relay, client, peer } = pair();
    const fresh = await pki.craft("fresh-server", {
      dnsNames: ["ztna-server"],
      extendedKeyUsages: ["1.3.6.1.5.5.7.3.1"],
    });
    const tls = { ca: pem(pki.ca.certPem), certChain: pem(fresh.certPem), key: pem(fresh.keyPem) };
    relay.endpoint.reload({ server: { tls, clientAuth: "required" } });
    const later = clientHost(pki, { port: 6 });
    connect(later, relay);
    const serial = (host: Host) => {
      const identity = host.take("connected")[0]!.identity;
      return identity.kind === "certificate" ? identity.serial : "";
    };
    expect(serial(later)).not.toBe(serial(client));
    send(client, peer, Uint8Array.of(1));
    exchange(client, relay);
    expect(relay.take("datagram")).toHaveLength(1);
  });

  test("tells a client that dials into the void that it is unreachable", () => {
    const client = clientHost(pki);
    const peer = client.endpoint.connect(client.sees({ host: "192.0.2.1", port: 4433 }), [], performance.now());
    client.transmit();
    client.endpoint.handleTimeout(performance.now() + 10_001);
    client.collect();
    expect(client.take("dial-failed")[0]).toMatchObject({ peer, reason: "unreachable" });
    expect(client.endpoint.connections).toBe(0);
  });

  test("closes a client's connection on its role's word, and the relay is told", async () => {
    const { relay, client, peer } = pair();
    client.endpoint.perform({ type: "close", peer, layer: "application", code: 0, reason: "bye" });
    exchange(client, relay);
    expect(relay.take("disconnected")[0]).toMatchObject({ by: "peer", layer: "application", code: 0, reason: "bye" });
    await run([client, relay], () => relay.endpoint.connections === 0 && client.endpoint.connections === 0);
    expect(relay.endpoint.deadline()).toBeUndefined();
  });
});
