// Inner packets of every kind: written and read back, answered, and damaged in every way.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { toHex } from "../../src/wire/bytes.ts";
import { flowPorts } from "../../src/wire/flow.ts";
import * as icmp from "../../src/wire/icmp.ts";
import * as ipv4 from "../../src/wire/ipv4.ts";
import * as tcp from "../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions, tcpOptionsLength, writeTcpOptions } from "../../src/wire/tcp-options.ts";
import * as udp from "../../src/wire/udp.ts";
import {
  anyBytes,
  anyIpv4,
  anyPayload,
  anyPort,
  anyU16,
  anyU32,
  damaged,
  echoPacket,
  hostIpv4,
  innerPacket,
  tcpPacket,
  transportPacket,
  udpPacket,
  withIpv4Options,
} from "../support/arbitraries.ts";
import { hasUdpChecksum, transportFault, withFreshHeader } from "../support/inner-packets.ts";

const RUNS = { numRuns: 500 };
const endpoints = { source: hostIpv4, sourcePort: anyPort, destination: hostIpv4, destinationPort: anyPort };

describe("what is written is read back", () => {
  test("UDP", () => {
    fc.assert(
      fc.property(fc.record({ ...endpoints, payload: anyPayload, checksum: fc.boolean() }), (datagram) => {
        const packet = udp.encodeUdp(datagram);
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
        expect(udp.checkUdp(packet)).toBeUndefined();
        expect(ipv4.ipv4Source(packet)).toBe(datagram.source);
        expect(ipv4.ipv4Destination(packet)).toBe(datagram.destination);
        expect(udp.udpSourcePort(packet)).toBe(datagram.sourcePort);
        expect(udp.udpDestinationPort(packet)).toBe(datagram.destinationPort);
        expect(flowPorts(packet)).toEqual({ source: datagram.sourcePort, destination: datagram.destinationPort });
        expect(packet.subarray(udp.udpPayloadStart(packet), udp.udpPayloadEnd(packet))).toEqual(datagram.payload);
        expect(packet[26] === 0 && packet[27] === 0).toBe(!datagram.checksum);
      }),
    );
  });

  test("TCP", () => {
    const segment = fc.record({
      ...{ ...endpoints, sequence: anyU32, acknowledgement: anyU32, window: anyU16, payload: anyPayload },
      flags: fc.integer({ min: 0, max: 255 }),
      options: fc.nat(10).chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
    });
    fc.assert(
      fc.property(segment, (written) => {
        const packet = tcp.encodeTcp(written);
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
        expect(tcp.checkTcp(packet)).toBeUndefined();
        expect({
          source: ipv4.ipv4Source(packet),
          sourcePort: tcp.tcpSourcePort(packet),
          destination: ipv4.ipv4Destination(packet),
          destinationPort: tcp.tcpDestinationPort(packet),
          sequence: tcp.tcpSequence(packet),
          acknowledgement: tcp.tcpAcknowledgement(packet),
          window: tcp.tcpWindow(packet),
          payload: packet.subarray(tcp.tcpPayloadStart(packet)),
          flags: tcp.tcpFlags(packet),
          options: packet.subarray(tcp.tcpOptionsStart(packet), tcp.tcpPayloadStart(packet)),
        }).toEqual(written);
      }),
    );
  });

  test("TCP options, as many as fit", () => {
    fc.assert(
      fc.property(anyTcpOptions, (options) => {
        const bytes = new Uint8Array(tcpOptionsLength(options));
        expect(writeTcpOptions(bytes, 0, options)).toBe(bytes.length);
        expect(bytes.length % 4).toBe(0);
        const read = new TcpOptions();
        const header = { source: 1, sourcePort: 1, destination: 2, destinationPort: 2, flags: 0, window: 0 };
        readTcpOptions(tcp.encodeTcp({ ...header, sequence: 1, acknowledgement: 1, options: bytes }), 0, read);
        const fitting = read.sackBlocks;
        expect(fitting === options.sackBlocks || bytes.length > 40 - 8).toBe(true);
        expect({ ...read, sackBlocks: 0, sackEdges: [...read.sackEdges.subarray(0, fitting * 2)] }).toEqual({
          ...options,
          sackBlocks: 0,
          sackEdges: [...options.sackEdges.subarray(0, fitting * 2)],
        });
      }),
    );
  });

  test("echo, and its reply", () => {
    const echo = { source: hostIpv4, destination: hostIpv4, identifier: anyU16, sequence: anyU16, payload: anyPayload };
    fc.assert(
      fc.property(fc.record(echo), (written) => {
        const request = icmp.encodeEchoRequest(written);
        const reply = icmp.encodeEchoReply(request)!;
        for (const packet of [request, reply]) {
          expect(ipv4.checkIpv4(packet)).toBeUndefined();
          expect(icmp.checkIcmp(packet)).toBeUndefined();
          expect(icmp.icmpIdentifier(packet)).toBe(written.identifier);
          expect(icmp.icmpSequence(packet)).toBe(written.sequence);
          expect(packet.subarray(icmp.icmpDataStart(packet))).toEqual(written.payload);
        }
        expect([icmp.icmpType(request), icmp.icmpType(reply)]).toEqual([8, 0]);
        expect([ipv4.ipv4Source(reply), ipv4.ipv4Destination(reply)]).toEqual([written.destination, written.source]);
      }),
    );
  });

  test("every generated packet passes its checks, with IPv4 options too", () => {
    fc.assert(
      fc.property(fc.oneof(innerPacket, withIpv4Options(transportPacket.filter(hasNoOptions))), (packet) => {
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
        expect(transportFault(packet)).toBeUndefined();
      }),
    );
  });
});

describe("answers", () => {
  test("a reset to any segment but a reset passes the checks and goes back where the segment came from", () => {
    fc.assert(
      fc.property(tcpPacket, (packet) => {
        const reset = tcp.encodeRst(packet);
        expect(reset === undefined).toBe((tcp.tcpFlags(packet) & tcp.TCP_RST) !== 0);
        if (reset === undefined) return;
        expect(ipv4.checkIpv4(reset)).toBeUndefined();
        expect(tcp.checkTcp(reset)).toBeUndefined();
        const { source, destination } = flowPorts(packet)!;
        expect(flowPorts(reset)).toEqual({ source: destination, destination: source });
        expect(ipv4.ipv4Destination(reset)).toBe(ipv4.ipv4Source(packet));
      }),
    );
  });

  test("an error about any packet is small, passes the checks and quotes its beginning", () => {
    fc.assert(
      fc.property(innerPacket, hostIpv4, anyU16, (packet, source, nextHopMtu) => {
        const error = icmp.encodeFragmentationNeeded({ packet, source, nextHopMtu });
        const aboutError = ipv4.ipv4Protocol(packet) === 1 && ipv4.isIcmpError(icmp.icmpType(packet));
        expect(error === undefined).toBe(aboutError);
        if (error === undefined) return;
        expect(ipv4.checkIpv4(error)).toBeUndefined();
        expect(icmp.checkIcmp(error)).toBeUndefined();
        expect(error.length).toBeLessThanOrEqual(20 + 8 + 60 + 8);
        expect(error.subarray(28)).toEqual(packet.subarray(0, error.length - 28));
        expect(ipv4.quotedIpv4Start(error)).toBe(28);
      }),
    );
  });
});

describe("bytes of a stranger", () => {
  test("no bytes make a check throw", () => {
    fc.assert(
      fc.property(anyBytes(), fc.nat(210), (bytes, offset) => void ipv4.checkIpv4(bytes, offset)),
      RUNS,
    );
  });

  test("a packet that passes the first check can be examined and rewritten without leaving it or throwing", () => {
    let examined = 0;
    fc.assert(
      fc.property(fc.oneof(damaged(innerPacket), anyHeaderAndBytes), anyIpv4, anyU16, (bytes, address, mss) => {
        const packet = withFreshHeader(bytes);
        if (packet === undefined) return;
        examined += 1;
        const guarded = new Uint8Array(GUARD * 2 + packet.length).fill(0xa5);
        guarded.set(packet, GUARD);
        useEverything(guarded.subarray(0, GUARD + packet.length), GUARD, address, mss);
        useEverything(packet, 0, address, mss);
        expect(toHex(guarded.subarray(GUARD, -GUARD))).toBe(toHex(packet));
        for (const guard of [guarded.subarray(0, GUARD), guarded.subarray(-GUARD)]) {
          expect(guard).toEqual(new Uint8Array(GUARD).fill(0xa5));
        }
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
    expect(examined).toBeGreaterThan(500);
  });

  test("a single damaged byte that moves no boundary never passes unnoticed where there is a checksum", () => {
    fc.assert(
      fc.property(
        fc.oneof(tcpPacket, echoPacket, udpPacket.filter(hasUdpChecksum)),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (packet, at, flip) => {
          const position = at % packet.length;
          const movesBoundary = position === 0 || (ipv4.ipv4Protocol(packet) === 17 && (position & ~1) === 24);
          fc.pre(!movesBoundary);
          packet[position]! ^= flip;
          const fault = ipv4.checkIpv4(packet) ?? transportFault(packet);
          const becameAbsent = ipv4.ipv4Protocol(packet) === 17 && !hasUdpChecksum(packet);
          expect(fault !== undefined || becameAbsent).toBe(true);
        },
      ),
      RUNS,
    );
  });
});

const GUARD = 64;

const anyTcpOptions = fc
  .record({
    mss: fc.oneof(fc.constant(0), anyU16),
    windowScale: fc.oneof(fc.constant(-1), fc.nat(255)),
    sackPermitted: fc.boolean(),
    timestamps: fc.option(fc.tuple(anyU32, anyU32)),
    blocks: fc.array(fc.tuple(anyU32, anyU32), { maxLength: 4 }),
  })
  .map(({ mss, windowScale, sackPermitted, timestamps, blocks }) => {
    const options = new TcpOptions();
    Object.assign(options, { mss, windowScale, sackPermitted, hasTimestamps: timestamps !== null });
    [options.timestamp, options.timestampEcho] = timestamps ?? [0, 0];
    for (const [left, right] of blocks) options.addSackBlock(left, right);
    return options;
  });

/** A header that looks right at first, and anything behind it. */
const anyHeaderAndBytes = fc
  .tuple(fc.constantFrom(1, 6, 17, 17, 6, 1, 50), fc.integer({ min: 0x45, max: 0x4f }), anyBytes(120))
  .map(([protocol, first, rest]) => {
    const packet = Uint8Array.from([first, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, ...rest]);
    packet[3] = packet.length;
    return packet;
  });

function useEverything(bytes: Uint8Array, offset: number, address: number, mss: number): void {
  ipv4.setIpv4Source(bytes, offset, address);
  ipv4.setIpv4Destination(bytes, offset, address);
  ipv4.rewriteQuotedSource(bytes, offset, address);
  ipv4.rewriteQuotedDestination(bytes, offset, address);
  tcp.clampMss(bytes, offset, mss);
  flowPorts(bytes, offset);
  const packet = bytes.subarray(offset);
  icmp.encodeEchoReply(packet);
  icmp.encodeFragmentationNeeded({ packet, nextHopMtu: mss, source: address });
  const protocol = ipv4.ipv4Protocol(bytes, offset);
  if (protocol === 6 && tcp.checkTcp(bytes, offset) === undefined) {
    tcp.encodeRst(bytes, offset);
    readTcpOptions(bytes, offset, new TcpOptions());
  }
  if (protocol === 17 && udp.checkUdp(bytes, offset) === undefined) {
    const [start, end] = [udp.udpPayloadStart(bytes, offset), udp.udpPayloadEnd(bytes, offset)];
    expect(start).toBeLessThanOrEqual(end);
    expect(end).toBeLessThanOrEqual(bytes.length);
  }
}

function hasNoOptions(packet: Uint8Array): boolean {
  return packet[0] === 0x45;
}
