// Echo as in the document, and errors that quote just enough and never answer what must not be answered.
import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import {
  checkIcmp,
  encodeEchoReply,
  encodeEchoRequest,
  encodeFragmentationNeeded,
  encodeUnreachable,
  icmpCode,
  icmpDataStart,
  icmpIdentifier,
  icmpSequence,
  icmpType,
  UNREACHABLE_HOST,
  UNREACHABLE_PORT,
  UNREACHABLE_PROHIBITED,
} from "../../../src/wire/icmp.ts";
import { checkIpv4, ipv4Destination, ipv4Source, ipv4TotalLength } from "../../../src/wire/ipv4.ts";
import { encodeUdp } from "../../../src/wire/udp.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { hex, vector } from "../../support/vectors.ts";

const RELAY = parseIpv4("10.100.0.254")!;

describe("echo", () => {
  test("the request of the example is written and read as in the document", () => {
    const request = vector("echoRequest");
    const source = parseIpv4("100.64.0.1")!;
    const destination = parseIpv4("10.100.0.1")!;
    const payload = new TextEncoder().encode("ping");
    expect(toHex(encodeEchoRequest({ source, destination, identifier: 0x1234, sequence: 1, payload }))).toBe(
      toHex(request),
    );
    expect(checkIcmp(request)).toBeUndefined();
    expect([icmpType(request), icmpCode(request), icmpIdentifier(request), icmpSequence(request)]).toEqual([
      8, 0, 0x1234, 1,
    ]);
    expect(request.subarray(icmpDataStart(request))).toEqual(payload);
  });

  test("the reply to it is the one of the document", () => {
    expect(toHex(encodeEchoReply(vector("echoRequest"))!)).toBe(toHex(vector("echoReply")));
  });

  test("a reply starts with a header of its own: options and TTL of the request do not come back", () => {
    const plain = vector("echoRequest");
    const withOptions = withFreshChecksums(
      Uint8Array.from([0x46, ...plain.subarray(1, 20), 1, 1, 1, 0, ...plain.subarray(20)]),
    );
    withOptions[3] = withOptions.length;
    withOptions[8] = 1;
    const request = withFreshChecksums(withOptions);
    expect(checkIpv4(request)).toBeUndefined();
    expect(toHex(encodeEchoReply(request)!)).toBe(toHex(vector("echoReply")));
  });

  test("only whole echo requests with a right checksum are answered", () => {
    const unanswered: [string, Uint8Array][] = [
      ["a reply", vector("echoReply")],
      ["UDP", vector("hello")],
      ["TCP", vector("tcpSyn")],
      ["a wrong checksum", altered(31, 0xff)],
      ["another code", withFreshChecksums(altered(21, 1))],
      ["an address mask request", withFreshChecksums(altered(20, 17))],
    ];
    for (let length = 20; length < 28; length += 1) {
      const cut = vector("echoRequest").subarray(0, length);
      cut[3] = length;
      unanswered.push([`${length} bytes`, withFreshChecksums(cut)]);
    }
    for (const [what, request] of unanswered) {
      expect({ what, reply: encodeEchoReply(request) }).toEqual({ what, reply: undefined });
    }
  });

  test("an echo without data is answered", () => {
    const request = encodeEchoRequest({
      source: 1 << 24,
      destination: 2 << 24,
      identifier: 0xffff,
      sequence: 0xffff,
      payload: hex(""),
    });
    const reply = encodeEchoReply(request)!;
    expect(reply).toHaveLength(28);
    expect(toHex(reply)).toBe(toHex(withFreshChecksums(reply)));
  });
});

describe("checkIcmp", () => {
  test("refuses less than a header and a wrong checksum", () => {
    expect(checkIcmp(altered(31, 0xff))).toBe("bad-checksum");
    for (let length = 20; length < 28; length += 1) {
      const cut = vector("echoRequest").subarray(0, length);
      cut[3] = length;
      expect(checkIcmp(cut)).toBe("short");
    }
  });

  test("takes an odd number of bytes", () => {
    const request = encodeEchoRequest({
      source: 1 << 24,
      destination: 2 << 24,
      identifier: 1,
      sequence: 1,
      payload: hex("010203"),
    });
    expect(checkIcmp(request)).toBeUndefined();
  });
});

describe("errors", () => {
  test("fragmentation needed names the size and quotes the header and 8 bytes", () => {
    const packet = encodeUdp({
      source: parseIpv4("100.64.0.1")!,
      sourcePort: 40_000,
      destination: parseIpv4("10.100.0.1")!,
      destinationPort: 9_999,
      payload: new Uint8Array(1_300),
    });
    const error = encodeFragmentationNeeded({ packet, nextHopMtu: 1_200, source: RELAY })!;
    expect(checkIpv4(error)).toBeUndefined();
    expect(checkIcmp(error)).toBeUndefined();
    expect([icmpType(error), icmpCode(error)]).toEqual([3, 4]);
    expect(toHex(error.subarray(24, 28))).toBe("000004b0");
    expect(ipv4Source(error)).toBe(RELAY);
    expect(ipv4Destination(error)).toBe(parseIpv4("100.64.0.1")!);
    expect(error.subarray(28)).toEqual(packet.subarray(0, 28));
    expect(ipv4TotalLength(error)).toBe(56);
  });

  test("the whole error about the document's UDP packet", () => {
    const error = encodeUnreachable({
      packet: vector("hello"),
      code: UNREACHABLE_PORT,
      source: parseIpv4("10.100.0.1")!,
    })!;
    const header = "4500003800004000 4001cc1f 0a640001 64400001";
    const quote = toHex(vector("hello").subarray(0, 28));
    expect(toHex(error)).toBe(toHex(withFreshChecksums(hex(`${header} 0303 0000 00000000 ${quote}`))));
    expect(toHex(error.subarray(0, 20))).toBe(toHex(hex(header)));
  });

  test("each reason has its code", () => {
    expect([UNREACHABLE_HOST, UNREACHABLE_PORT, UNREACHABLE_PROHIBITED]).toEqual([1, 3, 13]);
    for (const code of [UNREACHABLE_HOST, UNREACHABLE_PORT, UNREACHABLE_PROHIBITED] as const) {
      expect(icmpCode(encodeUnreachable({ packet: vector("tcpSyn"), code, source: RELAY })!)).toBe(code);
    }
  });

  test("a packet shorter than the quote is quoted whole", () => {
    const packet = withFreshChecksums(hex("45000016000040004011 0000 64400001 0a640001 abcd"));
    const error = encodeUnreachable({ packet, code: UNREACHABLE_PORT, source: RELAY })!;
    expect(error.subarray(28)).toEqual(packet);
    expect(checkIcmp(error)).toBeUndefined();
  });

  test("errors are never answered by errors, echoes are", () => {
    const error = encodeUnreachable({ packet: vector("hello"), code: UNREACHABLE_PORT, source: RELAY })!;
    for (const type of [3, 4, 5, 11, 12]) {
      const packet = error.slice();
      packet[20] = type;
      expect(encodeUnreachable({ packet, code: UNREACHABLE_PORT, source: RELAY })).toBeUndefined();
      expect(encodeFragmentationNeeded({ packet, nextHopMtu: 1_200, source: RELAY })).toBeUndefined();
    }
    expect(encodeUnreachable({ packet: vector("echoRequest"), code: UNREACHABLE_HOST, source: RELAY })).toBeDefined();
    const withoutIcmp = withFreshChecksums(hex("4500001400004000 40010000 64400001 0a640001"));
    expect(encodeUnreachable({ packet: withoutIcmp, code: UNREACHABLE_HOST, source: RELAY })).toBeUndefined();
  });

  test("nothing is sent to or about an address that is not one host's", () => {
    for (const address of [
      "0.0.0.0",
      "0.1.2.3",
      "127.0.0.1",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.1",
      "255.255.255.255",
    ]) {
      for (const at of [12, 16]) {
        const packet = vector("hello");
        new DataView(packet.buffer).setUint32(at, parseIpv4(address)!);
        expect(
          encodeUnreachable({ packet: withFreshChecksums(packet), code: UNREACHABLE_PORT, source: RELAY }),
        ).toBeUndefined();
      }
    }
  });
});

function altered(at: number, value: number): Uint8Array {
  const packet = vector("echoRequest");
  packet[at] = value;
  return packet;
}
