// What counts as one whole IPv4 packet, and addresses rewritten in place with every checksum that covers them.
import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import {
  checkIpv4,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4Ttl,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  quotedIpv4Start,
  rewriteQuotedDestination,
  rewriteQuotedSource,
  setIpv4Destination,
  setIpv4Source,
  writeIpv4Header,
} from "../../../src/wire/ipv4.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { hex, type VectorName, vector } from "../../support/vectors.ts";

const INNER: VectorName[] = ["hello", "helloReply", "tcpSyn", "tcpSynAck", "tcpPing", "tcpAck", "tcpPong", "tcpFinAck"];
INNER.push("tcpRstAck", "echoRequest", "echoReply");

describe("checkIpv4", () => {
  test("accepts every inner packet of the protocol's examples", () => {
    for (const name of INNER) expect({ name, fault: checkIpv4(vector(name)) }).toEqual({ name, fault: undefined });
  });

  test("reads from an offset to the end", () => {
    const routed = vector("routedHello");
    expect(checkIpv4(routed, 14)).toBeUndefined();
    expect(checkIpv4(routed, 13)).toBe("not-ipv4");
    expect(checkIpv4(routed, routed.length)).toBe("short");
  });

  test("refuses other versions before anything else", () => {
    expect(checkIpv4(changed("hello", 0, 0x65))).toBe("not-ipv4");
    expect(checkIpv4(hex("10 00"))).toBe("not-ipv4");
    expect(checkIpv4(hex("5a"))).toBe("not-ipv4");
  });

  test("refuses less than a header", () => {
    for (let length = 0; length < 20; length += 1) expect(checkIpv4(vector("hello").subarray(0, length))).toBe("short");
  });

  test("refuses header lengths below 20 bytes and beyond the packet", () => {
    for (let words = 0; words < 5; words += 1) {
      expect(checkIpv4(withFreshChecksums(changed("hello", 0, 0x40 + words)))).toBe("bad-header-length");
    }
    expect(checkIpv4(changed("hello", 0, 0x4f))).toBe("bad-header-length");
  });

  test("refuses a total length that is not exactly what is there", () => {
    for (const length of [0, 19, 20, 32, 34, 0xff]) {
      expect(checkIpv4(withFreshChecksums(changed("hello", 3, length)))).toBe("bad-total-length");
    }
    const padded = Uint8Array.from([...vector("hello"), 0]);
    expect(checkIpv4(padded)).toBe("bad-total-length");
    expect(checkIpv4(vector("hello").subarray(0, -1))).toBe("bad-total-length");
  });

  test("refuses a header whose checksum is wrong, and any single flipped bit of it", () => {
    for (let bit = 0; bit < 160; bit += 1) {
      const bytes = vector("hello");
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(checkIpv4(bytes)).toBeDefined();
    }
    expect(checkIpv4(changed("hello", 8, 63))).toBe("bad-checksum");
  });

  test("refuses fragments, first and later ones, and takes don't fragment and the reserved bit", () => {
    const withFlags = (flags: number, low: number) => {
      const bytes = changed("hello", 6, flags);
      bytes[7] = low;
      return checkIpv4(withFreshChecksums(bytes));
    };
    expect(withFlags(0x20, 0)).toBe("fragment");
    expect(withFlags(0x60, 0)).toBe("fragment");
    expect(withFlags(0x00, 1)).toBe("fragment");
    expect(withFlags(0x1f, 0xff)).toBe("fragment");
    expect(withFlags(0x00, 0)).toBeUndefined();
    expect(withFlags(0x80, 0)).toBeUndefined();
  });

  test("takes IPv4 options up to 40 bytes, and counts them as header", () => {
    const bytes = withFreshChecksums(
      hex(
        "4f00003c000000004011000064400001 0a640001 0101010101010101 0101010101010101 0101010101010101 0101010101010101 0101010101010100",
      ),
    );
    expect(checkIpv4(bytes)).toBeUndefined();
    expect(ipv4HeaderLength(bytes)).toBe(60);
  });
});

test("the accessors read the fields of the example", () => {
  const hello = vector("routedHello");
  expect(ipv4HeaderLength(hello, 14)).toBe(20);
  expect(ipv4TotalLength(hello, 14)).toBe(33);
  expect(ipv4Ttl(hello, 14)).toBe(64);
  expect(ipv4Ttl(vector("hello"))).toBe(64);
  expect(ipv4Protocol(hello, 14)).toBe(PROTOCOL_UDP);
  expect(ipv4Source(hello, 14)).toBe(parseIpv4("100.64.0.1")!);
  expect(ipv4Destination(hello, 14)).toBe(parseIpv4("10.100.0.1")!);
});

describe("writeIpv4Header", () => {
  test("writes the header of every example", () => {
    for (const name of INNER) {
      const bytes = vector(name);
      const out = new Uint8Array(22).fill(0xee);
      const header = { source: ipv4Source(bytes), destination: ipv4Destination(bytes), protocol: ipv4Protocol(bytes) };
      writeIpv4Header(out, 1, { ...header, totalLength: bytes.length });
      expect(toHex(out)).toBe(`ee${toHex(bytes.subarray(0, 20))}ee`);
    }
  });

  test("a packet longer than its length field can say is a bug and throws", () => {
    const header = { source: 1, destination: 2, protocol: PROTOCOL_TCP, totalLength: 65_536 };
    expect(() => writeIpv4Header(new Uint8Array(20), 0, header)).toThrow(RangeError);
  });
});

describe("rewriting addresses", () => {
  const mapped = parseIpv4("100.127.3.9")!;

  test("the answer of the echo example is the request with its addresses swapped and its type changed", () => {
    const bytes = vector("echoRequest");
    setIpv4Source(bytes, 0, ipv4Destination(vector("echoRequest")));
    setIpv4Destination(bytes, 0, ipv4Source(vector("echoRequest")));
    expect(toHex(bytes.subarray(0, 20))).toBe(toHex(vector("echoReply").subarray(0, 20)));
    expect(toHex(bytes.subarray(20))).toBe(toHex(vector("echoRequest").subarray(20)));
  });

  test("TCP's checksum follows, in every example segment", () => {
    for (const name of INNER.filter((inner) => inner.startsWith("tcp"))) {
      const bytes = vector(name);
      setIpv4Source(bytes, 0, mapped);
      setIpv4Destination(bytes, 0, 1);
      expect(ipv4Source(bytes)).toBe(mapped);
      expect(ipv4Destination(bytes)).toBe(1);
      expect(toHex(bytes)).toBe(toHex(withFreshChecksums(bytes)));
    }
  });

  test("a UDP packet without a checksum stays without one", () => {
    const bytes = vector("hello");
    setIpv4Source(bytes, 0, mapped);
    expect(toHex(bytes.subarray(26, 28))).toBe("0000");
    expect(checkIpv4(bytes)).toBeUndefined();
  });

  test("a wrong checksum stays wrong: damage is not hidden", () => {
    const bytes = vector("tcpPing");
    bytes[42]! ^= 0x10;
    setIpv4Source(bytes, 0, mapped);
    expect(toHex(bytes)).not.toBe(toHex(withFreshChecksums(bytes)));
  });

  test("a transport header that is cut off before its checksum is left alone", () => {
    for (const [protocol, kept] of [
      ["06", 17],
      ["11", 7],
      ["06", 0],
      ["11", 0],
    ] as const) {
      const transport = "ab".repeat(kept);
      const bytes = withFreshChecksums(
        hex(`450000${toHex(Uint8Array.of(20 + kept))}0000400040${protocol}0000 64400001 0a640001${transport}`),
      );
      const behind = Uint8Array.from([...bytes, 1, 2, 3, 4, 5, 6, 7, 8]);
      const packet = behind.subarray(0, bytes.length);
      setIpv4Source(packet, 0, mapped);
      expect(checkIpv4(packet)).toBeUndefined();
      expect(toHex(packet.subarray(20))).toBe(transport);
      expect(toHex(behind.subarray(bytes.length))).toBe("0102030405060708");
    }
  });

  test("a TCP checksum is adjusted as soon as it is there", () => {
    const packet = withFreshChecksums(hex(`4500002600004000 40060000 64400001 0a640001 ${"ab".repeat(16)} 1234`));
    setIpv4Source(packet, 0, 0x64400000);
    expect(toHex(packet.subarray(36))).toBe("1235");
  });

  test("the payload of a later fragment is not taken for a TCP header", () => {
    const bytes = vector("tcpSyn");
    bytes[7] = 1;
    setIpv4Source(bytes, 0, mapped);
    expect(toHex(bytes.subarray(20))).toBe(toHex(vector("tcpSyn").subarray(20)));
  });

  test("ICMP has no pseudo-header: its checksum stays", () => {
    const bytes = vector("echoRequest");
    setIpv4Source(bytes, 0, mapped);
    expect(toHex(bytes.subarray(20))).toBe(toHex(vector("echoRequest").subarray(20)));
    expect(ipv4Protocol(bytes)).toBe(PROTOCOL_ICMP);
  });
});

describe("packets quoted in ICMP errors", () => {
  const agent = parseIpv4("192.168.7.7")!;

  test("a quoted header is found only in errors that quote one whole header", () => {
    expect(quotedIpv4Start(errorAbout("hello", 28, 3))).toBe(28);
    expect(quotedIpv4Start(errorAbout("hello", 20, 3))).toBe(28);
    expect(quotedIpv4Start(errorAbout("hello", 19, 3))).toBe(-1);
    expect(quotedIpv4Start(errorAbout("hello", 0, 3))).toBe(-1);
    for (const type of [3, 4, 5, 11, 12]) expect(quotedIpv4Start(errorAbout("hello", 28, type))).toBe(28);
    for (const type of [0, 8, 13, 17, 255]) expect(quotedIpv4Start(errorAbout("hello", 28, type))).toBe(-1);
    expect(quotedIpv4Start(vector("hello"))).toBe(-1);
    expect(quotedIpv4Start(vector("tcpSyn"))).toBe(-1);
  });

  test("a quote that lies about its version or header length is none", () => {
    for (const first of [0x65, 0x44, 0x40, 0x4f]) {
      const bytes = errorAbout("hello", 28, 3);
      bytes[28] = first;
      const untouched = toHex(bytes);
      expect(quotedIpv4Start(bytes)).toBe(-1);
      expect(rewriteQuotedSource(bytes, 0, agent)).toBe(false);
      expect(rewriteQuotedDestination(bytes, 0, agent)).toBe(false);
      expect(toHex(bytes)).toBe(untouched);
    }
  });

  test("an ICMP packet without room for its own header quotes nothing", () => {
    for (const length of [20, 21, 27, 28]) {
      const bytes = errorAbout("hello", 28, 3).subarray(0, length);
      bytes[3] = length;
      expect(rewriteQuotedSource(bytes, 0, agent)).toBe(false);
    }
  });

  test("the quoted header's, the quoted UDP's and the ICMP checksum follow", () => {
    for (const name of ["hello", "tcpPing", "echoRequest"] as const) {
      const error = errorAbout(name, 28, 3);
      expect(rewriteQuotedSource(error, 0, agent)).toBe(true);
      expect(rewriteQuotedDestination(error, 0, 7)).toBe(true);
      expect(ipv4Source(error, 28)).toBe(agent);
      expect(ipv4Destination(error, 28)).toBe(7);
      expect(toHex(error)).toBe(toHex(withFreshChecksums(error)));
      expect(checkIpv4(error.slice(28, 48))).not.toBe("bad-checksum");
    }
  });

  test("a quoted TCP checksum follows when it is quoted", () => {
    const error = errorAbout("tcpPing", 44, 11);
    rewriteQuotedSource(error, 0, agent);
    expect(toHex(error.subarray(28))).toBe(toHex(withFreshChecksums(error.slice(28))));
    expect(toHex(error)).toBe(toHex(withFreshChecksums(error)));
  });

  test("works at an offset", () => {
    const error = errorAbout("hello", 28, 3);
    const shifted = Uint8Array.from([9, 9, 9, ...error]);
    expect(quotedIpv4Start(shifted, 3)).toBe(31);
    expect(rewriteQuotedSource(shifted, 3, agent)).toBe(true);
    rewriteQuotedSource(error, 0, agent);
    expect(toHex(shifted)).toBe(`090909${toHex(error)}`);
  });
});

function changed(name: VectorName, at: number, value: number): Uint8Array {
  const bytes = vector(name);
  bytes[at] = value;
  return bytes;
}

/** An ICMP error from 10.100.0.1 to 100.64.0.1 that quotes the first bytes of an example. */
function errorAbout(about: VectorName, quoted: number, type: number): Uint8Array {
  const out = new Uint8Array(28 + quoted);
  writeIpv4Header(out, 0, {
    source: 0x0a640001,
    destination: 0x64400001,
    protocol: PROTOCOL_ICMP,
    totalLength: out.length,
  });
  out[20] = type;
  out.set(vector(about).subarray(0, quoted), 28);
  return withFreshChecksums(out);
}
