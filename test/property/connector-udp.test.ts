// The UDP proxy under anything that agents and backends can send.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import { checkUdp, encodeUdp, udpDestinationPort, udpPayloadStart, udpSourcePort } from "../../src/wire/udp.ts";
import { anyPayload, damaged, innerPacket, tunnelDatagram, udpPacket } from "../support/arbitraries.ts";
import { ConnectorWorld } from "../support/connector-world.ts";

const OPEN = { id: "open", backend: { host: "127.0.0.1", port: 9999 } };
const LIMITS = { flows: 12, flowsPerAgent: 4, newFlowsPerSecond: 1000, newFlowsBurst: 1000 };

const fewAddresses = fc.integer({ min: 0x6440_0001, max: 0x6440_0005 });
const fewPorts = fc.integer({ min: 1, max: 5 });
const crowdedUdp = fc
  .record({
    source: fewAddresses,
    destination: fewAddresses,
    sourcePort: fewPorts,
    destinationPort: fewPorts,
    payload: fc.uint8Array({ maxLength: 8 }),
  })
  .map(encodeUdp);

type Action =
  | { readonly type: "request"; readonly bytes: Uint8Array }
  | { readonly type: "reply"; readonly pick: number; readonly bytes: Uint8Array }
  | { readonly type: "fail"; readonly pick: number }
  | { readonly type: "wait"; readonly ms: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("request" as const), bytes: crowdedUdp }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("request" as const),
      bytes: damaged(fc.oneof(innerPacket, tunnelDatagram)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("reply" as const), pick: fc.nat(20), bytes: anyPayload }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("fail" as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.nat(70_000) }) },
);

describe("UDP flows", () => {
  test("every reply mirrors the packet that opened its flow, and its checksums are right", () => {
    fc.assert(
      fc.property(udpPacket, anyPayload, (request, payload) => {
        fc.pre(udpDestinationPort(request) !== 0);
        const world = new ConnectorWorld([OPEN]).connect(1500);
        const [open] = world.fromRelay("open", request);
        expect(open).toMatchObject({ type: "udp-open" });
        const [reply] = world.fromBackend(open!.backend, payload);
        expect(checkIpv4(reply!) ?? checkUdp(reply!)).toBeUndefined();
        expect(ipv4Source(reply!)).toBe(ipv4Destination(request));
        expect(ipv4Destination(reply!)).toBe(ipv4Source(request));
        expect(udpSourcePort(reply!)).toBe(udpDestinationPort(request));
        expect(udpDestinationPort(reply!)).toBe(udpSourcePort(request));
        expect(reply!.subarray(udpPayloadStart(reply!))).toEqual(payload);
      }),
    );
  });

  test("no life of agents and backends breaks the bounds, the books or the pairing of flow and socket", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const life = new Life();
        for (const each of actions) life.act(each);
        life.checkBooks();
      }),
      { numRuns: 200 },
    );
  });
});

/** A connector, and the sockets that its shell would have open. */
class Life {
  private readonly world = new ConnectorWorld([OPEN], { udp: LIMITS }).connect(1500);
  /** Open sockets, and the agent and virtual endpoint that each was opened for. */
  private readonly sockets = new Map<number, string>();

  act(action: Action): void {
    const { world } = this;
    world.commands.length = 0;
    if (action.type === "request") this.request(action.bytes);
    else if (action.type === "reply") this.reply(this.pick(action.pick), action.bytes);
    else if (action.type === "wait") world.advance(action.ms);
    else this.fail(this.pick(action.pick));
    this.follow("");
    expect(world.connector.flowCount).toBe(this.sockets.size);
    expect(this.sockets.size).toBeLessThanOrEqual(LIMITS.flows);
    const agents = [...this.sockets.values()].map((endpoints) => endpoints.split(":")[0]);
    for (const agent of agents) {
      expect(agents.filter((other) => other === agent).length).toBeLessThanOrEqual(LIMITS.flowsPerAgent);
    }
  }

  checkBooks(): void {
    const { hops, control, answered } = this.world.connector.stats;
    const sum = (counts: object) => Object.values(counts).reduce((total: number, count: number) => total + count, 0);
    expect(hops.agent.received).toBe(control + hops.agent.forwarded + answered + sum(hops.agent.dropped));
    expect(hops.backend.received).toBe(hops.backend.forwarded + sum(hops.backend.dropped));
  }

  private request(bytes: Uint8Array): void {
    this.world.fromRelay("open", bytes);
    const isUdp = checkIpv4(bytes) === undefined && bytes[9] === 17 && checkUdp(bytes) === undefined;
    this.follow(isUdp ? endpointsOf(bytes) : "");
    const send = this.world.commands.find((command) => command.type === "udp-send");
    if (send !== undefined) expect(this.sockets.get(send.backend)).toBe(endpointsOf(bytes));
    this.world.commands.length = 0;
  }

  private reply(backend: number, payload: Uint8Array): void {
    const endpoints = this.sockets.get(backend);
    const replies = this.world.fromBackend(backend, payload);
    expect(replies).toHaveLength(endpoints === undefined || payload.length + 28 > 1500 ? 0 : 1);
    if (replies[0] !== undefined) expect(reversed(replies[0])).toBe(endpoints!);
  }

  private fail(backend: number): void {
    this.world.handle({ type: "udp-failed", backend, reason: "refused" });
    this.sockets.delete(backend);
  }

  /** An open socket most of the time. */
  private pick(index: number): number {
    return [...this.sockets.keys()][index] ?? index;
  }

  /** Does what the shell would do. */
  private follow(endpoints: string): void {
    for (const command of this.world.commands) {
      if (command.type === "udp-open") {
        expect(this.sockets.has(command.backend)).toBe(false);
        this.sockets.set(command.backend, endpoints);
      } else if (command.type === "udp-close") {
        expect(this.sockets.delete(command.backend)).toBe(true);
      }
    }
  }
}

function endpointsOf(packet: Uint8Array): string {
  return [ipv4Source(packet), udpSourcePort(packet), ipv4Destination(packet), udpDestinationPort(packet)].join(":");
}

function reversed(packet: Uint8Array): string {
  return [ipv4Destination(packet), udpDestinationPort(packet), ipv4Source(packet), udpSourcePort(packet)].join(":");
}
