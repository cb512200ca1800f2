// Packets rewritten in place: every checksum ends up as if it had been computed anew, and nothing else changes.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readU16, toHex } from "../../src/wire/bytes.ts";
import * as icmp from "../../src/wire/icmp.ts";
import * as ipv4 from "../../src/wire/ipv4.ts";
import * as tcp from "../../src/wire/tcp.ts";
import {
  anyIpv4,
  damaged,
  hostIpv4,
  innerPacket,
  tcpPacket,
  transportPacket,
  udpPacket,
  withIpv4Options,
} from "../support/arbitraries.ts";
import { withFreshChecksums } from "../support/checksums.ts";
import { hasUdpChecksum, transportFault, withFreshHeader } from "../support/inner-packets.ts";

const RUNS = { numRuns: 500 };

describe("rewriting addresses", () => {
  test("gives what computing every checksum again would give", () => {
    fc.assert(
      fc.property(transportPacket, anyIpv4, anyIpv4, (packet, source, destination) => {
        const expected = packet.slice();
        new DataView(expected.buffer).setUint32(12, source);
        new DataView(expected.buffer).setUint32(16, destination);
        ipv4.setIpv4Source(packet, 0, source);
        ipv4.setIpv4Destination(packet, 0, destination);
        expect(toHex(packet)).toBe(toHex(withFreshChecksums(expected)));
      }),
      RUNS,
    );
  });

  test("there and back gives the same packet", () => {
    fc.assert(
      fc.property(innerPacket, anyIpv4, (packet, address) => {
        const before = toHex(packet);
        const [source, destination] = [ipv4.ipv4Source(packet), ipv4.ipv4Destination(packet)];
        ipv4.setIpv4Source(packet, 0, address);
        ipv4.setIpv4Destination(packet, 0, address);
        ipv4.setIpv4Destination(packet, 0, destination);
        ipv4.setIpv4Source(packet, 0, source);
        expect(toHex(packet)).toBe(before);
      }),
      RUNS,
    );
  });

  test("neither repairs damage nor adds any", () => {
    fc.assert(
      fc.property(damaged(innerPacket), anyIpv4, (bytes, address) => {
        const packet = withFreshHeader(bytes);
        if (packet === undefined) return;
        const before = transportFault(packet);
        ipv4.setIpv4Source(packet, 0, address);
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
        expect(transportFault(packet)).toBe(before);
      }),
      RUNS,
    );
  });

  test("in a quoted packet keeps its header's checksum and the error's, and can be undone", () => {
    fc.assert(
      fc.property(innerPacket, anyIpv4, anyIpv4, (packet, source, destination) => {
        const quoted = ipv4.quotedIpv4Start(packet);
        const before = toHex(packet);
        if (quoted < 0) {
          expect(ipv4.rewriteQuotedSource(packet, 0, source)).toBe(false);
          expect(toHex(packet)).toBe(before);
          return;
        }
        const old = [ipv4.ipv4Source(packet, quoted), ipv4.ipv4Destination(packet, quoted)] as const;
        expect(ipv4.rewriteQuotedSource(packet, 0, source)).toBe(true);
        expect(ipv4.rewriteQuotedDestination(packet, 0, destination)).toBe(true);
        expect([ipv4.ipv4Source(packet, quoted), ipv4.ipv4Destination(packet, quoted)]).toEqual([source, destination]);
        expect(ipv4.checkIpv4(packet)).toBeUndefined();
        expect(icmp.checkIcmp(packet)).toBeUndefined();
        const header = packet.slice(quoted);
        if (header.length === ipv4.ipv4TotalLength(header))
          expect(toHex(header)).toBe(toHex(withFreshChecksums(header)));
        else expect(toHex(header.subarray(10, 12))).toBe(toHex(withFreshChecksums(header).subarray(10, 12)));
        ipv4.rewriteQuotedSource(packet, 0, old[0]);
        ipv4.rewriteQuotedDestination(packet, 0, old[1]);
        expect(toHex(packet)).toBe(before);
      }),
      RUNS,
    );
  });
});

describe("a checksum that comes out as 0", () => {
  const any = fc.oneof(udpPacket.filter(hasUdpChecksum), tcpPacket);

  test("is written as 0xffff for UDP, where 0 means none, and as it is for TCP", () => {
    fc.assert(
      fc.property(any, (packet) => {
        const before = toHex(packet);
        const source = ipv4.ipv4Source(packet);
        ipv4.setIpv4Source(packet, 0, sourceForZero(packet));
        expect(transportChecksum(packet)).toBe(isUdp(packet) ? 0xffff : 0);
        expect(toHex(packet)).toBe(toHex(withFreshChecksums(packet)));
        ipv4.setIpv4Source(packet, 0, source);
        expect(toHex(packet)).toBe(before);
      }),
    );
  });

  test("and so in a packet that an ICMP error quotes", () => {
    fc.assert(
      fc.property(any, hostIpv4, (packet, router) => {
        const error = asQuoted(packet, router);
        ipv4.rewriteQuotedSource(error, 0, sourceForZero(packet));
        expect(transportChecksum(error.subarray(28))).toBe(isUdp(packet) ? 0xffff : 0);
        expect(toHex(error.subarray(28))).toBe(toHex(withFreshChecksums(error.subarray(28))));
        expect(icmp.checkIcmp(error)).toBeUndefined();
      }),
    );
  });
});

describe("clamping the segment size", () => {
  test("leaves no larger one, changes nothing else, and keeps the checksum right", () => {
    fc.assert(
      fc.property(
        fc.oneof(tcpPacket, withIpv4Options(tcpPacket)),
        fc.integer({ min: 48, max: 1460 }),
        (packet, maxMss) => {
          const before = packet.slice();
          const isSyn = (tcp.tcpFlags(packet) & tcp.TCP_SYN) !== 0;
          const tooLarge = isSyn && announcedSizes(packet).some((mss) => mss > maxMss);
          expect(tcp.clampMss(packet, 0, maxMss)).toBe(tooLarge);
          expect(tcp.checkTcp(packet)).toBeUndefined();
          if (!tooLarge) expect(packet).toEqual(before);
          else expect(announcedSizes(packet)).toEqual(announcedSizes(before).map((mss) => Math.min(mss, maxMss)));
          expect(tcp.clampMss(packet, 0, maxMss)).toBe(false);
          expect(packet.subarray(tcp.tcpPayloadStart(packet))).toEqual(before.subarray(tcp.tcpPayloadStart(before)));
        },
      ),
      RUNS,
    );
  });
});

function isUdp(packet: Uint8Array): boolean {
  return ipv4.ipv4Protocol(packet) === ipv4.PROTOCOL_UDP;
}

function transportChecksum(packet: Uint8Array): number {
  return readU16(packet, isUdp(packet) ? 26 : 36);
}

/** The source address that turns the checksum of a packet into 0. */
function sourceForZero(packet: Uint8Array): number {
  const source = ipv4.ipv4Source(packet);
  const low = ((source & 0xffff) + transportChecksum(packet)) % 0xffff;
  return ((source & 0xffff0000) | low) >>> 0;
}

function asQuoted(packet: Uint8Array, router: number): Uint8Array {
  const echo = { source: router, destination: ipv4.ipv4Source(packet), identifier: 0, sequence: 0, payload: packet };
  const error = icmp.encodeEchoRequest(echo);
  error[20] = icmp.ICMP_UNREACHABLE;
  return withFreshChecksums(error);
}

/** Values of all MSS options of a well-formed segment. */
function announcedSizes(packet: Uint8Array): number[] {
  const options = [...packet.subarray(tcp.tcpOptionsStart(packet), tcp.tcpPayloadStart(packet))];
  const sizes: number[] = [];
  while (options.length > 0 && options[0] !== 0) {
    const length = options[0] === 1 ? 1 : options[1]!;
    const [kind, , high, low] = options.splice(0, length);
    if (kind === 2) sizes.push(high! * 256 + low!);
  }
  return sizes;
}
