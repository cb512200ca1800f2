// The relay against a plain model of it, under random lives of agents and connectors: where each packet goes or why it is
// dropped, that every payload arrives unchanged, that addresses are unique and stable, and that the accounts balance.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { RelayStats } from "../../src/relay/stats.ts";
import { ipv4Destination, ipv4Source, setIpv4Destination, setIpv4Source } from "../../src/wire/ipv4.ts";
import { type Outcome, RelayModel } from "../support/relay-model.ts";
import { certificate, ip, RelayWorld, reply, request, type Sent } from "../support/relay-world.ts";

const AGENTS = [1, 2, 3, 4];
const CONNECTORS = [5, 6, 7, 8];
const SERVICES = ["a", "b"];
const INNER = [ip("100.64.0.1"), ip("192.168.7.7")];

const agent = fc.constantFrom(...AGENTS);
const connector = fc.constantFrom(...CONNECTORS);
const peer = fc.constantFrom(...AGENTS, ...CONNECTORS);
const service = fc.constantFrom(...SERVICES);
const size = fc.constantFrom(0, 5, 500, 1200);

const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), peer }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("use" as const), peer: agent, service }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("serve" as const), peer: connector, service }) },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("send" as const), peer: agent, service, inner: fc.nat(1), size }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("reply" as const), peer: connector, to: fc.nat(20), size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fall silent" as const), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("answer again" as const), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("limit" as const), peer, limit: fc.constantFrom(300, 1306) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("full" as const), peer, full: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(5, 400, 1000, 3000) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The relay and its model, doing the same. */
class Comparison {
  private readonly world: RelayWorld;
  private readonly model: RelayModel;
  /** The number of the connection that each of the eight has now. */
  private readonly current = new Map<number, number>();
  /** Packets as connectors received them. */
  private readonly received: Uint8Array[] = [];
  /** The address that each identity's source had first, and whose each address is. */
  private readonly addressOf = new Map<string, number>();
  private readonly ownerOf = new Map<number, string>();
  private numbered = 0;

  constructor(takeover: "pool" | "replace") {
    this.world = new RelayWorld({ takeover });
    this.model = new RelayModel(takeover);
    this.world.onHeard = (id) => {
      this.model.passed(this.world.now, false);
      this.model.heard(id);
    };
  }

  run(operations: readonly Operation[]): void {
    for (const each of operations) {
      this.step(each);
      expect(this.world.accounts.received).toBe(this.world.accounts.accountedFor);
    }
  }

  private step(operation: Operation): void {
    if (operation.do === "wait") {
      this.world.advance(operation.ms);
      return this.model.passed(this.world.now, true);
    }
    if (operation.do === "connect") return this.connect(operation.peer);
    const id = this.current.get(operation.peer);
    if (id === undefined) return;
    switch (operation.do) {
      case "disconnect":
        this.world.disconnect(id);
        this.model.disconnect(id, this.world.now);
        this.current.delete(operation.peer);
        return;
      case "use":
        this.world.register(id, "agent", operation.service);
        return this.model.registerAgent(id, operation.service);
      case "serve":
        this.world.register(id, "connector", operation.service);
        return this.model.registerConnector(id, operation.service, this.world.now);
      case "send":
        return this.send(id, operation.service, INNER[operation.inner]!, operation.size);
      case "reply":
        return this.reply(id, operation.to, operation.size);
      case "fall silent":
        this.world.dead.add(id);
        return;
      case "answer again":
        this.world.dead.delete(id);
        this.world.onHeard(id);
        this.world.handle({ type: "heard", peer: id });
        return;
      case "limit":
        this.world.handle({ type: "datagram-limit", peer: id, maxDatagram: operation.limit });
        this.model.peers.get(id)!.limit = operation.limit;
        return;
      case "full":
        this.world.full[operation.full ? "add" : "delete"](id);
        this.model.peers.get(id)!.full = operation.full;
    }
  }

  /** Two of the four connectors share a certificate. */
  private connect(number: number): void {
    if (this.current.has(number)) return;
    const name = CONNECTORS.includes(number) ? `connector-${Math.max(number, 6)}` : `agent-${number}`;
    const id = this.world.connect({ identity: certificate(name) });
    this.model.connect(id, name);
    this.current.set(number, id);
  }

  private send(id: number, service: string, source: number, size: number): void {
    const packet = request(this.payload(size), { source });
    const before = snapshot(this.world.relay.stats);
    const sent = this.world.routed(id, service, packet);
    const expected = this.model.routed(id, service, source, packet.length, this.world.now);
    const arrived = this.check(expected, sent, before, "agent");
    const owned = this.addressOf.get(`${this.model.peers.get(id)?.identity} ${source}`);
    if ("dropped" in expected && owned !== undefined && HAS_ADDRESS.has(expected.dropped))
      this.model.sentFrom(owned, id);
    if (arrived === undefined) return;
    const address = ipv4Source(arrived);
    this.checkAddress(id, source, address);
    this.model.sentFrom(address, id);
    this.received.push(arrived.slice());
    setIpv4Source(arrived, 0, source);
    expect(arrived).toEqual(packet);
  }

  private reply(id: number, to: number, size: number): void {
    const template = this.received.at(-1 - (to % Math.max(1, this.received.length)));
    if (template === undefined) return;
    const packet = reply(template, this.payload(size));
    const address = ipv4Destination(packet);
    const before = snapshot(this.world.relay.stats);
    const sent = this.world.datagram(id, packet);
    const expected = this.model.reply(id, address, packet.length, this.world.now);
    const arrived = this.check(expected, sent, before, "connector");
    if (arrived === undefined) return;
    const { identity } = this.model.peers.get((expected as { to: number }).to)!;
    expect(`${identity} ${ipv4Destination(arrived)}`).toBe(this.ownerOf.get(address)!);
    setIpv4Destination(arrived, 0, address);
    expect(arrived).toEqual(packet);
  }

  /** The packet that went through, if it should. A connector that is heard again may change who is told what. */
  private check(expected: Outcome, sent: Sent[], before: Counts, hop: "agent" | "connector"): Uint8Array | undefined {
    const { stats } = this.world.relay;
    if ("to" in expected) {
      const packets = sent.filter(({ bytes }) => bytes[0] === 0x45);
      expect(packets.map(({ to }) => to)).toEqual([expected.to]);
      expect(stats.hops[hop].relayed).toBe(before.relayed[hop] + 1);
      return packets[0]!.bytes;
    }
    expect(stats.datagramsRelayed).toBe(before.relayed.agent + before.relayed.connector);
    const dropped = Object.entries(stats.dropped).filter(([reason, count]) => count !== before.dropped[reason]);
    expect(dropped.map(([reason]) => reason)).toEqual([expected.dropped]);
    return undefined;
  }

  /** One address for each identity's source, over all its connections; nobody else ever has it. */
  private checkAddress(id: number, source: number, address: number): void {
    const owner = `${this.model.peers.get(id)?.identity} ${source}`;
    expect(this.addressOf.get(owner) ?? address).toBe(address);
    this.addressOf.set(owner, address);
    expect(this.ownerOf.get(address) ?? owner).toBe(owner);
    this.ownerOf.set(address, owner);
  }

  private payload(size: number): string {
    return `${this.numbered++}`.padEnd(size, ".");
  }
}

/** Drops of packets that had been given their address already. */
const HAS_ADDRESS = new Set(["too-large", "queue-full"]);

interface Counts {
  readonly relayed: { readonly agent: number; readonly connector: number };
  readonly dropped: Readonly<Record<string, number>>;
}

function snapshot(stats: RelayStats): Counts {
  const relayed = { agent: stats.hops.agent.relayed, connector: stats.hops.connector.relayed };
  return { relayed, dropped: { ...stats.dropped } };
}

test.each(["pool", "replace"] as const)("under %s the relay does what the model says", (takeover) => {
  const everybody = [...AGENTS, ...CONNECTORS].map((number) => ({ do: "connect" as const, peer: number }));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120, size: "max" }), (operations) => {
      new Comparison(takeover).run([...everybody, ...operations]);
    }),
    { numRuns: 300 },
  );
});
