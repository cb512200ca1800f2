// Acknowledgements that wait for company: how long, for how many, and what is never kept waiting for them.
import { beforeAll, describe, expect, test } from "bun:test";
import { MAX_DELAY_MS, MAX_PACKETS } from "../../src/quic/delayed-acks.ts";
import { OFFERED_DATAGRAMS } from "../../src/quic/settings.ts";
import { clientHost, connect, relayHost, send } from "../support/endpoint-hosts.ts";
import { exchange, type Host, type Packet } from "../support/endpoint-pair.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

function pair() {
  const relay = relayHost(pki);
  const client = clientHost(pki);
  const peer = connect(client, relay);
  return { relay, client, peer, atRelay: relay.take("connected")[0]!.peer };
}

/** What a host writes at `now` when no time passes for it before. */
function write(host: Host, now = performance.now()): Packet[] {
  const batch = host.batch();
  host.endpoint.transmit(batch, now);
  return batch.packets.map(({ bytes, to }) => ({ bytes, to, from: to }));
}

/** `count` packets of one datagram each reach the relay. */
function deliver({ relay, client, peer }: ReturnType<typeof pair>, count: number): void {
  for (let i = 0; i < count; i++) {
    send(client, peer, new Uint8Array(1000));
    for (const { bytes } of write(client)) relay.receive(bytes, client);
  }
}

describe("an acknowledgement", () => {
  test("waits a few milliseconds, then leaves by itself", () => {
    const ends = pair();
    deliver(ends, 1);
    const { endpoint } = ends.relay;
    expect([endpoint.pending, write(ends.relay)]).toEqual([false, []]);
    const due = endpoint.deadline()!;
    expect(due).toBeLessThanOrEqual(performance.now() + MAX_DELAY_MS);
    endpoint.handleTimeout(due);
    expect(write(ends.relay)).toHaveLength(1);
    endpoint.handleTimeout(due + MAX_DELAY_MS);
    expect(write(ends.relay)).toEqual([]);
  });

  test("is one for many packets, and leaves at once when there are enough", () => {
    const ends = pair();
    deliver(ends, MAX_PACKETS - 1);
    expect(write(ends.relay)).toEqual([]);
    deliver(ends, 1);
    expect(write(ends.relay)).toHaveLength(1);
  });

  test("goes along with data, and is not sent again", () => {
    const ends = pair();
    deliver(ends, 3);
    send(ends.relay, ends.atRelay, new Uint8Array(100));
    expect(write(ends.relay)).toHaveLength(1);
    ends.relay.endpoint.handleTimeout(performance.now() + MAX_DELAY_MS);
    expect(write(ends.relay)).toEqual([]);
  });

  test("of many connections costs one deadline", () => {
    const relay = relayHost(pki);
    const clients = Array.from({ length: 20 }, (_, i) => clientHost(pki, { port: 6000 + i }));
    const peers = clients.map((client) => connect(client, relay));
    for (const [i, client] of clients.entries()) deliver({ relay, client, peer: peers[i]!, atRelay: 0 }, 1);
    expect(write(relay)).toEqual([]);
    relay.endpoint.handleTimeout(relay.endpoint.deadline()!);
    expect(new Set(write(relay).map(({ to }) => to.port)).size).toBe(clients.length);
  });
});

describe("without delay", () => {
  test("a handshake goes on", () => {
    const [relay, client] = [relayHost(pki), clientHost(pki)];
    client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    for (let round = 0; round < 4; round++) {
      for (const { bytes } of write(client)) relay.receive(bytes, client);
      for (const { bytes } of write(relay)) client.receive(bytes, relay);
    }
    expect([relay.take("connected"), client.take("connected")].map((events) => events.length)).toEqual([1, 1]);
  });

  test("a congested connection goes on when something is acknowledged", () => {
    const { relay, client, peer } = pair();
    for (let i = 0; i < OFFERED_DATAGRAMS; i++) send(client, peer, new Uint8Array(1000));
    for (const { bytes } of write(client)) relay.receive(bytes, client);
    expect(client.endpoint.pending).toBe(false);
    for (const { bytes } of write(relay)) client.receive(bytes, relay);
    const more = write(client);
    expect(more.length).toBeGreaterThan(0);
    for (const { bytes } of more) relay.receive(bytes, client);
    exchange(client, relay);
    expect(relay.take("datagram")).toHaveLength(OFFERED_DATAGRAMS);
  });
});
