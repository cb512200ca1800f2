// From the TUN device to a service: what leaves, what is counted, what programs of the host are told.
import { describe, expect, test } from "bun:test";
import { writeU16 } from "../../../src/wire/bytes.ts";
import { finish, sum16 } from "../../../src/wire/checksum.ts";
import { checkIcmp, icmpCode, icmpType } from "../../../src/wire/icmp.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import { encodeTcp, TCP_ACK } from "../../../src/wire/tcp.ts";
import { encodeRouted, NACK_NOT_GRANTED } from "../../../src/wire/tunnel.ts";
import { GSO_TCP4 } from "../../../src/wire/virtio-net.ts";
import { AgentWorld, TUN_ADDRESS, tunRead } from "../../support/agent-world.ts";
import { ip, udp } from "../../support/connector-world.ts";
import { hex } from "../../support/vectors.ts";

const OURS = "100.64.0.1:5000";
const WEB = "10.100.0.2:80";

function withFragmentField(packet: Uint8Array, field: number): Uint8Array {
  const changed = packet.slice();
  writeU16(changed, 6, field);
  writeU16(changed, 10, 0);
  writeU16(changed, 10, finish(sum16(changed, 0, 20)));
  return changed;
}

describe("from the device to a service", () => {
  test("a packet goes out in a routed datagram for the service that has its destination", () => {
    const world = new AgentWorld().connect();
    const packet = udp(OURS, WEB);
    expect(world.fromTun(packet)).toEqual([encodeRouted("web", packet)]);
    const other = udp(OURS, "10.100.0.1:7");
    expect(world.fromTun(other)).toEqual([encodeRouted("echo-service", other)]);
    expect(world.agent.stats.hops.tun).toMatchObject({ received: 2, forwarded: 2, dropped: {} });
  });

  test("every packet that goes no further is counted with one reason", () => {
    const world = new AgentWorld().connect(1306, { "echo-service": NACK_NOT_GRANTED });
    const damaged = udp(OURS, WEB);
    damaged[10]! ^= 1;
    const cases: [Uint8Array, string][] = [
      [hex("60000000 00000000"), "ipv6"],
      [hex("00"), "not-ipv4"],
      [new Uint8Array(0), "short"],
      [damaged, "bad-checksum"],
      [withFragmentField(udp(OURS, WEB), 0x2000), "fragment"],
      [udp("192.0.2.1:1", WEB), "foreign-source"],
      [udp(OURS, "10.100.0.9:80"), "no-route"],
      [udp(OURS, "10.100.0.1:7"), "denied"],
      [udp(OURS, WEB, new Uint8Array(1280)), "too-large"],
    ];
    for (const [packet, reason] of cases) {
      expect(world.fromTun(packet)).toEqual([]);
      expect(world.dropped).toHaveProperty(reason, 1);
    }
    expect(Object.keys(world.dropped)).toHaveLength(cases.length);
    expect(world.agent.stats.hops.tun).toMatchObject({ received: cases.length, forwarded: 0 });
  });

  test("nothing is sent before the relay has acknowledged the service, or while it is away", () => {
    const world = new AgentWorld();
    expect(world.fromTun(udp(OURS, WEB))).toEqual([]);
    expect(world.dropped).toEqual({ "not-connected": 1 });
    world.connect();
    world.disconnect();
    expect(world.fromTun(udp(OURS, WEB))).toEqual([]);
    expect(world.dropped).toEqual({ "not-connected": 2 });
  });

  test("a packet that is too large is answered with what gets through, if it must not be cut", () => {
    const world = new AgentWorld().connect(1306);
    const packet = udp(OURS, WEB, new Uint8Array(1301 - 28 + 1));
    world.fromTun(packet);
    const [answer] = world.written;
    expect(checkIpv4(answer!)).toBeUndefined();
    expect([checkIcmp(answer!), icmpType(answer!), icmpCode(answer!)]).toEqual([undefined, 3, 4]);
    expect([ipv4Source(answer!), ipv4Destination(answer!)]).toEqual([ip("10.100.0.2"), TUN_ADDRESS]);
    expect(answer!.subarray(26, 28)).toEqual(Uint8Array.of(1301 >> 8, 1301 & 0xff));
    world.written.length = 0;
    world.fromTun(withFragmentField(packet, 0));
    expect(world.written).toEqual([]);
    expect(world.agent.stats.answers["fragmentation-needed"]).toBe(1);
    expect(world.fromTun(udp(OURS, WEB, new Uint8Array(1301 - 28)))).toHaveLength(1);
  });

  test("what the relay refused is answered at once, so that programs do not wait", () => {
    const world = new AgentWorld().connect(1306, { web: NACK_NOT_GRANTED });
    world.fromTun(udp(OURS, WEB));
    const [answer] = world.written;
    expect([checkIpv4(answer!), icmpType(answer!), icmpCode(answer!)]).toEqual([undefined, 3, 13]);
    expect([...world.agent.status()][0]).toMatchObject({
      service: "web",
      registration: "denied",
      reason: "not-granted",
    });
  });

  test("answers are limited", () => {
    const world = new AgentWorld().connect(1306, { web: NACK_NOT_GRANTED });
    for (let i = 0; i < 150; i++) world.fromTun(udp(OURS, WEB));
    expect(world.agent.stats.answers.unreachable).toBe(100);
    expect(world.agent.stats.answersSuppressed).toBe(50);
  });
});

describe("back-pressure", () => {
  test("what the connection does not take waits, and the device is not read meanwhile", () => {
    const world = new AgentWorld().connect();
    world.room = 0;
    expect(world.agent.takesPackets).toBe(false);
    expect(world.fromTun(udp(OURS, WEB))).toEqual([]);
    world.room = 1;
    expect(world.agent.takesPackets).toBe(false);
    world.handle({ type: "writable", peer: world.peer });
    expect(world.sent).toHaveLength(1);
    expect(world.agent.takesPackets).toBe(true);
    expect(world.dropped).toEqual({});
  });

  test("what waits when the relay goes away is counted as lost", () => {
    const world = new AgentWorld().connect();
    world.room = 0;
    world.fromTun(udp(OURS, WEB));
    world.disconnect();
    expect(world.dropped).toEqual({ "not-connected": 1 });
    expect(world.agent.takesPackets).toBe(true);
  });

  test("a read that comes although the last one waits takes its place, and that is counted", () => {
    const world = new AgentWorld().connect();
    world.room = 0;
    world.fromTun(udp(OURS, WEB, "one"));
    const two = udp(OURS, WEB, "two");
    world.fromTun(two);
    world.room = 1;
    world.drain();
    expect(world.sent).toEqual([encodeRouted("web", two)]);
    expect(world.dropped).toEqual({ overrun: 1 });
  });
});

test("a read shorter than its header costs one count", () => {
  const world = new AgentWorld().connect();
  const read = tunRead(new Uint8Array(0));
  world.handle({ ...read, end: read.end - 4 });
  expect(world.dropped).toEqual({ short: 1 });
});

test("a large read leaves as one datagram for each segment, as fast as the connection takes them", () => {
  const world = new AgentWorld().connect();
  const ends = { source: TUN_ADDRESS, sourcePort: 5000, destination: ip("10.100.0.2"), destinationPort: 80 };
  const payload = Uint8Array.from({ length: 60_000 }, (_, index) => index % 251);
  const header = { ...ends, sequence: 9, acknowledgement: 1, window: 100, flags: TCP_ACK };
  world.room = 0;
  world.fromTun(encodeTcp({ ...header, payload }), { gsoType: GSO_TCP4, gsoSize: 1250 });
  expect([world.sent.length, world.agent.takesPackets]).toEqual([0, false]);
  world.room = 10;
  world.drain();
  expect([world.sent.length, world.agent.takesPackets]).toEqual([48, true]);
  const expected = Array.from({ length: 48 }, (_, index) =>
    encodeTcp({ ...header, sequence: 9 + index * 1250, payload: payload.subarray(index * 1250, (index + 1) * 1250) }),
  );
  for (const [index, bytes] of expected.entries()) {
    bytes[5] = index;
    writeU16(bytes, 10, 0);
    writeU16(bytes, 10, finish(sum16(bytes, 0, 20)));
  }
  expect(world.sent).toEqual(expected.map((bytes) => encodeRouted("web", bytes)));
  expect(world.agent.stats.hops.tun).toMatchObject({ received: 48, forwarded: 48 });
});
