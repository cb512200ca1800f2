// UDP inside an inner packet: what is refused, what is read, and the examples written byte for byte.
import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { checkIpv4 } from "../../../src/wire/ipv4.ts";
import {
  checkUdp,
  encodeUdp,
  UDP_OVERHEAD,
  udpDestinationPort,
  udpPayloadEnd,
  udpPayloadStart,
  udpSourcePort,
} from "../../../src/wire/udp.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { hex, vector } from "../../support/vectors.ts";

const HELLO = {
  source: parseIpv4("100.64.0.1")!,
  sourcePort: 40_000,
  destination: parseIpv4("10.100.0.1")!,
  destinationPort: 9_999,
  payload: new TextEncoder().encode("hello"),
};

describe("encodeUdp", () => {
  test("writes the example and the reference connector's answer byte for byte", () => {
    expect(toHex(encodeUdp({ ...HELLO, checksum: false }))).toBe(toHex(vector("hello")));
    const answer = {
      source: parseIpv4("127.0.0.1")!,
      sourcePort: 9_999,
      destination: HELLO.source,
      destinationPort: 40_000,
      payload: HELLO.payload,
      checksum: false,
    };
    expect(toHex(encodeUdp(answer))).toBe(toHex(vector("helloReply")));
  });

  test("computes the checksum unless told not to", () => {
    const packet = encodeUdp(HELLO);
    expect(toHex(packet.subarray(26, 28))).not.toBe("0000");
    expect(toHex(packet)).toBe(toHex(withFreshChecksums(packet)));
    expect(checkUdp(packet)).toBeUndefined();
  });

  test("a checksum that comes out as 0 is sent as 0xffff", () => {
    const plain = encodeUdp({ ...HELLO, payload: hex("0000") });
    const missing = (plain[26]! << 8) | plain[27]!;
    const packet = encodeUdp({ ...HELLO, payload: Uint8Array.of(missing >> 8, missing & 255) });
    expect(toHex(packet.subarray(26, 28))).toBe("ffff");
    expect(checkUdp(packet)).toBeUndefined();
  });

  test("takes an empty payload and the largest there is, and no more", () => {
    expect(encodeUdp({ ...HELLO, payload: hex("") })).toHaveLength(UDP_OVERHEAD);
    const largest = encodeUdp({ ...HELLO, payload: new Uint8Array(65_507).fill(0xff) });
    expect(checkIpv4(largest)).toBeUndefined();
    expect(checkUdp(largest)).toBeUndefined();
    expect(() => encodeUdp({ ...HELLO, payload: new Uint8Array(65_508) })).toThrow(RangeError);
  });
});

describe("checkUdp", () => {
  test("accepts the examples, also at an offset", () => {
    expect(checkUdp(vector("hello"))).toBeUndefined();
    expect(checkUdp(vector("helloReply"), 0, 33)).toBeUndefined();
    expect(checkUdp(vector("routedHello"), 14)).toBeUndefined();
  });

  test("refuses a header that is cut off", () => {
    for (let length = 20; length < 28; length += 1) {
      const cut = vector("hello").subarray(0, length);
      cut[3] = length;
      expect(checkUdp(cut)).toBe("short");
    }
  });

  test("refuses a length below its own header or beyond the packet", () => {
    for (const length of [0, 7, 14, 0xff]) expect(checkUdp(withLength(length))).toBe("bad-length");
    const huge = vector("hello");
    huge[24] = 0xff;
    expect(checkUdp(huge)).toBe("bad-length");
  });

  test("a length below the packet's leaves the rest out of the payload", () => {
    const packet = withLength(10);
    expect(checkUdp(packet)).toBeUndefined();
    expect(packet.subarray(udpPayloadStart(packet), udpPayloadEnd(packet))).toEqual(hex("6865"));
  });

  test("refuses a wrong checksum, and covers addresses, ports and payload", () => {
    for (const at of [12, 16, 20, 22, 28, 32]) {
      const packet = encodeUdp(HELLO);
      packet[at]! ^= 0x04;
      expect(checkUdp(packet)).toBe("bad-checksum");
    }
    expect(checkUdp(encodeUdp({ ...HELLO, payload: hex("010203") }))).toBeUndefined();
  });
});

test("the accessors read the example", () => {
  const packet = vector("routedHello");
  expect(udpSourcePort(packet, 14)).toBe(40_000);
  expect(udpDestinationPort(packet, 14)).toBe(9_999);
  expect(new TextDecoder().decode(packet.subarray(udpPayloadStart(packet, 14), udpPayloadEnd(packet, 14)))).toBe(
    "hello",
  );
});

function withLength(length: number): Uint8Array {
  const packet = vector("hello");
  packet[25] = length;
  return packet;
}
