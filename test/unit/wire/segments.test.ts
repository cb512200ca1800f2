// What one read of a TUN device is cut into: sound packets that carry the same bytes in the same order.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkIpv4, ipv4HeaderLength } from "../../../src/wire/ipv4.ts";
import { Segments } from "../../../src/wire/segments.ts";
import {
  encodeTcp,
  TCP_ACK,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  tcpFlags,
  tcpPayloadStart,
  tcpSequence,
} from "../../../src/wire/tcp.ts";
import { encodeUdp, UDP_OVERHEAD } from "../../../src/wire/udp.ts";
import { GSO_TCP4, GSO_UDP, VNET_NEEDS_CHECKSUM, type VnetHeader } from "../../../src/wire/virtio-net.ts";
import { tunRead } from "../../support/agent-world.ts";
import { anyBytes, tcpPacket, udpPacket } from "../../support/arbitraries.ts";
import { ip } from "../../support/connector-world.ts";
import { transportFault } from "../../support/inner-packets.ts";

const ENDS = { source: ip("100.64.0.1"), sourcePort: 5000, destination: ip("10.100.0.2"), destinationPort: 80 };
const LARGEST = 65_535;

/** Every packet that a read is cut into, copied as it is made. */
function cut(packet: Uint8Array, header: Partial<VnetHeader>, limit = LARGEST): Uint8Array[] | string {
  const { bytes, at, end } = tunRead(packet, header);
  const segments = new Segments();
  const fault = segments.begin(bytes, at, end) ?? (segments.limit(limit) ? undefined : "too-large");
  if (fault !== undefined) return fault;
  const expected = segments.remaining;
  const packets: Uint8Array[] = [];
  while (segments.next()) packets.push(bytes.slice(segments.start, segments.end));
  expect(packets).toHaveLength(expected);
  return packets;
}

function tcp(payload: Uint8Array, flags = TCP_ACK, options?: Uint8Array): Uint8Array {
  const header = { ...ENDS, sequence: 0xffff_fff0, acknowledgement: 7, window: 500, flags, payload };
  return encodeTcp(options === undefined ? header : { ...header, options });
}

const numbered = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251);

describe("a TCP segment larger than the path", () => {
  test("is cut at the size; sequence numbers go on and wrap; FIN and PSH are on the last, CWR on the first", () => {
    const packet = tcp(numbered(25), TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR);
    packet.set([0xff, 0xff], 4); // an identification that wraps too
    const packets = cut(packet, { gsoType: GSO_TCP4, gsoSize: 10 }) as Uint8Array[];
    expect(packets.map((each) => each.length - 40)).toEqual([10, 10, 5]);
    expect(packets.map((each) => tcpSequence(each))).toEqual([0xffff_fff0, 0xffff_fffa, 4]);
    expect(packets.map((each) => tcpFlags(each))).toEqual([TCP_ACK | TCP_CWR, TCP_ACK, TCP_ACK | TCP_PSH | TCP_FIN]);
    expect(packets.map((each) => (each[4]! << 8) | each[5]!)).toEqual([0xffff, 0, 1]);
    for (const each of packets) expect([checkIpv4(each), transportFault(each)]).toEqual([undefined, undefined]);
  });

  test("is cut smaller where the path takes less", () => {
    const packets = cut(tcp(numbered(3000)), { gsoType: GSO_TCP4, gsoSize: 1400 }, 1040) as Uint8Array[];
    expect(packets.map((each) => each.length)).toEqual([1040, 1040, 1040]);
    expect(cut(tcp(numbered(100)), { gsoType: GSO_TCP4, gsoSize: 50 }, 40)).toBe("too-large");
  });

  test("of any shape is cut into sound segments that hold its payload", () => {
    const size = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(tcpPacket, size, (packet, gsoSize) => {
        const payload = packet.subarray(tcpPayloadStart(packet));
        if (payload.length === 0) return;
        const packets = cut(packet, { gsoType: GSO_TCP4, gsoSize }) as Uint8Array[];
        expect(packets.flatMap((each) => [...each.subarray(tcpPayloadStart(each))])).toEqual([...payload]);
        for (const [index, each] of packets.entries()) {
          expect([checkIpv4(each), transportFault(each)]).toEqual([undefined, undefined]);
          expect(tcpSequence(each)).toBe((tcpSequence(packet) + index * gsoSize) >>> 0);
        }
      }),
    );
  });
});

describe("a UDP super-datagram", () => {
  test("is cut into datagrams of their own", () => {
    const packet = encodeUdp({ ...ENDS, payload: numbered(250) });
    const packets = cut(packet, { gsoType: GSO_UDP, gsoSize: 100 }) as Uint8Array[];
    expect(packets).toEqual(
      [numbered(250).subarray(0, 100), numbered(250).subarray(100, 200), numbered(250).subarray(200)].map(
        (payload, index) => withIdentification(encodeUdp({ ...ENDS, payload }), index),
      ),
    );
  });

  test("is never cut elsewhere: a datagram is a datagram", () => {
    const packet = encodeUdp({ ...ENDS, payload: numbered(250) });
    expect(cut(packet, { gsoType: GSO_UDP, gsoSize: 100 }, 100 + UDP_OVERHEAD - 1)).toBe("too-large");
    expect(cut(packet, { gsoType: GSO_UDP, gsoSize: 100 }, 100 + UDP_OVERHEAD)).toHaveLength(3);
  });
});

describe("a single packet", () => {
  test("stays as it is", () => {
    const packet = tcp(numbered(100));
    expect(cut(packet, {})).toEqual([packet]);
    expect(cut(packet, {}, packet.length)).toHaveLength(1);
    expect(cut(packet, {}, packet.length - 1)).toBe("too-large");
  });

  test("gets the checksum that the kernel left to us", () => {
    fc.assert(
      fc.property(fc.oneof(tcpPacket, udpPacket), (packet) => {
        const transport = ipv4HeaderLength(packet);
        const checksumOffset = packet[9] === 6 ? 16 : 6;
        const field = transport + checksumOffset;
        const partial = packet.slice();
        partial.set(pseudoHeaderSum(packet, transport), field);
        const header = { flags: VNET_NEEDS_CHECKSUM, checksumStart: transport, checksumOffset };
        const [completed] = cut(partial, header) as Uint8Array[];
        expect(transportFault(completed!)).toBeUndefined();
      }),
    );
  });
});

describe("what makes no sense", () => {
  test("is refused", () => {
    const packet = tcp(numbered(100));
    const datagram = encodeUdp({ ...ENDS, payload: numbered(100) });
    const wrong: [Uint8Array, Partial<VnetHeader>][] = [
      [packet, { gsoType: GSO_TCP4, gsoSize: 0 }],
      [packet, { gsoType: GSO_UDP, gsoSize: 10 }],
      [datagram, { gsoType: GSO_TCP4, gsoSize: 10 }],
      [packet, { gsoType: 4, gsoSize: 10 }],
      [packet, { gsoType: 0x81, gsoSize: 10 }],
      [tcp(numbered(0)), { gsoType: GSO_TCP4, gsoSize: 10 }],
      [packet, { flags: VNET_NEEDS_CHECKSUM, checksumStart: 20, checksumOffset: 119 }],
      [packet, { flags: VNET_NEEDS_CHECKSUM, checksumStart: 0, checksumOffset: 10 }],
    ];
    for (const [bytes, header] of wrong) expect(cut(bytes, header)).toBe("bad-offload");
  });

  test("never throws, and never leaves the packet", () => {
    const u16 = fc.oneof(fc.nat(80), fc.nat(0xffff));
    const header = fc.record({
      flags: fc.nat(255),
      gsoType: fc.oneof(fc.constantFrom(0, 1, 5), fc.nat(255)),
      headerLength: u16,
      gsoSize: u16,
      checksumStart: u16,
      checksumOffset: u16,
    });
    fc.assert(
      fc.property(fc.oneof(tcpPacket, udpPacket, anyBytes()), header, fc.nat(1500), (packet, fields, limit) => {
        const { bytes, at, end } = tunRead(packet, fields);
        const segments = new Segments();
        if (segments.begin(bytes, at, end) !== undefined || !segments.limit(limit)) return;
        while (segments.next()) {
          expect(segments.start).toBeGreaterThanOrEqual(at);
          expect(segments.end).toBeLessThanOrEqual(end);
          expect(segments.end - segments.start).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test("can be given up half-way", () => {
    const { bytes, at, end } = tunRead(tcp(numbered(100)), { gsoType: GSO_TCP4, gsoSize: 10 });
    const segments = new Segments();
    expect(segments.begin(bytes, at, end)).toBeUndefined();
    expect([segments.remaining, segments.next(), segments.remaining]).toEqual([10, true, 9]);
    segments.drop();
    expect([segments.remaining, segments.next()]).toEqual([0, false]);
  });
});

function withIdentification(packet: Uint8Array, identification: number): Uint8Array {
  packet[5] = identification;
  const sum = ((packet[10]! << 8) | packet[11]!) - identification;
  packet.set([sum >> 8, sum & 0xff], 10);
  return packet;
}

/** What Linux puts into the checksum field when it leaves the rest to the device. */
function pseudoHeaderSum(packet: Uint8Array, transport: number): [number, number] {
  let sum = packet[9]! + packet.length - transport;
  for (let i = 12; i < 20; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return [sum >> 8, sum & 0xff];
}
