// Local flows as a part of the agent: what comes in and goes out besides connections, and the laws of every machine.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LocalCommand, LocalEvent } from "../../../src/agent/local.ts";
import { LocalFlows } from "../../../src/agent/local-flows.ts";
import type { Machine, Millis, Timeout } from "../../../src/core/machine.ts";
import type { Notice } from "../../../src/tunnel/peer.ts";
import { encodeEchoRequest } from "../../../src/wire/icmp.ts";
import { encodeTcp, TCP_ACK, TCP_RST, TCP_SYN, tcpFlags } from "../../../src/wire/tcp.ts";
import { encodeUdp } from "../../../src/wire/udp.ts";
import { anyBytes, innerPacket } from "../../support/arbitraries.ts";
import { DNS, LISTENERS, LocalWorld, WEB } from "../../support/local-world.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { Random } from "../../support/random.ts";

const CLIENT = { host: "127.0.0.1", port: 5000 };
const text = (value: string) => new TextEncoder().encode(value);

describe("datagrams to a listener", () => {
  test("go to the port of its service, and everything that was received is accounted for", () => {
    const world = new LocalWorld();
    world.datagram(1, CLIENT, text("question"));
    world.datagram(1, CLIENT, new Uint8Array(1400));
    world.datagram(9, CLIENT, text("nobody's"));
    world.register("dns", "denied");
    world.datagram(1, CLIENT, text("denied"));
    expect(world.packets).toHaveLength(1);
    expect(world.packets[0]!.service).toBe("dns");
    const { stats } = world.flows;
    expect(stats.dropped).toEqual({ "too-large": 1, "foreign-client": 1, "service-denied": 1 });
    const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
    expect(stats.received).toBe(stats.forwarded + dropped);
    expect(stats.forwardedBytes).toBe(8);
  });

  test("are answered by their target alone", () => {
    const world = new LocalWorld();
    world.datagram(1, CLIENT, text("question"));
    const flow = world.packets[0]!.bytes;
    const port = flow[20]! * 256 + flow[21]!;
    const reply = { destination: world.flows.address, destinationPort: port, payload: text("yes") };
    expect(world.deliver(encodeUdp({ ...reply, source: WEB.virtualIp, sourcePort: 53 }))).toBe(false);
    expect(world.deliver(encodeUdp({ ...reply, source: DNS.virtualIp, sourcePort: 53 }))).toBe(true);
    expect(world.datagrams).toEqual([{ type: "local-datagram", socket: 1, to: CLIENT, bytes: text("yes") }]);
  });
});

describe("packets of nobody's flow", () => {
  const segment = (flags: number) =>
    encodeTcp({
      ...{ source: WEB.virtualIp, sourcePort: 80, destination: 0x6460_0000, destinationPort: 5000 },
      ...{ sequence: 7, acknowledgement: 9, flags, window: 1000 },
    });

  test("of TCP are answered with a reset, so that the other end forgets them", () => {
    const world = new LocalWorld();
    world.behave("silent");
    expect(world.deliver(segment(TCP_ACK))).toBe(false);
    expect(world.packets.map(({ bytes, service }) => [service, tcpFlags(bytes)])).toEqual([["web", TCP_RST]]);
    expect(world.deliver(segment(TCP_SYN))).toBe(false);
    expect(world.packets).toHaveLength(2);
  });

  test("are not answered when they are resets, damaged, too many, or of no service", () => {
    const world = new LocalWorld();
    world.behave("silent");
    world.deliver(segment(TCP_RST));
    const damaged = segment(TCP_ACK);
    damaged[30]! ^= 1;
    world.deliver(damaged);
    const foreign = segment(TCP_ACK);
    foreign[15]! ^= 0x40;
    world.deliver(foreign);
    expect(world.packets).toHaveLength(0);
    for (let i = 0; i < 1000; i++) world.deliver(segment(TCP_ACK));
    expect(world.packets).toHaveLength(100);
  });

  test("of other protocols are not ours", () => {
    const world = new LocalWorld();
    const echo = { source: WEB.virtualIp, destination: world.flows.address, identifier: 1, sequence: 1 };
    expect(world.deliver(encodeEchoRequest({ ...echo, payload: text("ping") }))).toBe(false);
    expect(world.packets).toHaveLength(0);
  });
});

test("two agents seldom have the same inner address, and none has that of a TUN device", () => {
  const random = new Random(3);
  const options = { services: [WEB], listeners: LISTENERS, random: () => random.next(), hash: () => 0 };
  const addresses = Array.from({ length: 200 }, () => new LocalFlows(options).address);
  expect(new Set(addresses).size).toBeGreaterThan(195);
  for (const address of addresses) expect(address >>> 21).toBe(0x6460_0000 >>> 21);
});

test("after stop() nothing is left but resets", () => {
  const world = new LocalWorld();
  const program = world.accept(0);
  world.flows.stop(world.now);
  world.settle();
  expect(program.closed).toBe("reset");
  expect(world.fars[0]!.over).toBe("reset");
});

describe("the laws of machines", () => {
  type Input =
    | (LocalEvent & object)
    | { readonly type: "packet"; readonly bytes: Uint8Array }
    | { readonly type: "state"; readonly service: string; readonly state: "registered" | "denied" | "unavailable" };

  /** Packets in and out are inputs and outputs here. */
  class Flows implements Machine<Input, LocalCommand | Notice | { readonly packet: string }> {
    private readonly flows: LocalFlows;
    private readonly out = new Uint8Array(2048);
    private now: Millis;

    constructor(now: Millis) {
      const random = new Random(5);
      const options = { services: [WEB, DNS], listeners: LISTENERS, random: () => random.next(), hash: () => 17 };
      this.flows = new LocalFlows({ ...options, udp: { flows: 3 }, connections: { connections: 4, handshakes: 2 } });
      this.flows.setLimit(() => 1300);
      this.now = now;
      for (const { id } of [WEB, DNS]) this.flows.registration(id, "registered", undefined, now);
    }

    handle(input: Input | Timeout, now: Millis): void {
      this.now = now;
      if (input.type === "timeout") this.flows.timeout(now);
      else if (input.type === "packet") this.flows.receive(input.bytes, now);
      else if (input.type === "state") this.flows.registration(input.service, input.state, undefined, now);
      else this.flows.handle(input, now);
    }

    poll() {
      const output = this.flows.poll();
      if (output !== undefined) return "bytes" in output ? { ...output, bytes: output.bytes.slice() } : output;
      const length = this.flows.transmit(this.out, 0, this.now);
      return length === 0 ? undefined : { packet: this.out.slice(0, length).toHex() };
    }

    deadline(): Millis | undefined {
      return this.flows.deadline();
    }
  }

  const stream = fc.integer({ min: 1, max: 5 });
  const socket = fc.constantFrom(0, 1, 2, 0x10000, 0x10001);
  const socks = fc.constantFrom("050100", "050100050100030377656200500102", "0501000503000100000000" + "0000", "04");
  const bytes = fc.oneof(
    anyBytes(),
    socks.map((hex) => Uint8Array.fromHex(hex)),
  );
  const from = fc.constantFrom({ host: "127.0.0.1", port: 1 }, { host: "127.0.0.1", port: 2 }, CLIENT);
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.record({
      type: fc.constant("local-accepted" as const),
      listener: fc.nat(3),
      stream,
      host: fc.constant("127.0.0.1"),
    }),
    fc.record({ type: fc.constant("stream-data" as const), stream, bytes }),
    fc.record({ type: fc.constantFrom("stream-ended" as const, "stream-broken" as const), stream }),
    fc.record({ type: fc.constantFrom("stream-writable" as const, "stream-opened" as const), stream }),
    fc.record({ type: fc.constant("stream-taken" as const), stream, count: fc.nat(40) }),
    fc.record({ type: fc.constant("local-datagram" as const), socket, from, bytes }),
    fc.record({
      type: fc.constant("local-udp-opened" as const),
      socket,
      host: fc.constantFrom("127.0.0.1", "::1", "nonsense"),
      port: fc.nat(65_535),
    }),
    fc.record({ type: fc.constant("local-udp-failed" as const), socket }),
    fc.record({ type: fc.constant("packet" as const), bytes: innerPacket }),
    fc.record({
      type: fc.constant("state" as const),
      service: fc.constantFrom("web", "dns", "none"),
      state: fc.constantFrom("registered" as const, "denied" as const, "unavailable" as const),
    }),
  );

  test("hold whatever programs, services and the relay do", () => {
    checkMachineLaws({ create: (now) => new Flows(now), input, runs: 300 });
  });
});
