// Headers of SOCKS5's datagrams.
import { describe, expect, test } from "bun:test";
import { encodeSocksDatagram, readSocksDatagram } from "../../../src/agent/socks5-udp.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";

test("a datagram of a client names its target in front of the data", () => {
  expect(readSocksDatagram(fromHex("000000 03 03 646e73 0035 abcd".replaceAll(" ", ""))!)).toEqual({
    target: { type: "name", name: "dns", port: 53 },
    payload: fromHex("abcd")!,
  });
});

test("a datagram for a client names where it came from", () => {
  expect(toHex(encodeSocksDatagram(0x0a640003, 53, fromHex("abcd")!))).toBe("000000010a6400030035abcd");
});

test("an empty payload is one", () => {
  expect(readSocksDatagram(fromHex("000000010a6400030035")!)).toMatchObject({ payload: new Uint8Array(0) });
});

describe("what is refused", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a fragment", "000001010a6400030035ab", "fragment"],
    ["the last fragment", "000081010a6400030035ab", "fragment"],
    ["reserved bytes in use", "000100010a6400030035ab", "malformed"],
    ["an unknown kind of address", "000000020a6400030035ab", "malformed"],
    ["a target that is cut off", "000000010a64000300", "malformed"],
    ["a name that is cut off", "00000003ff6465", "malformed"],
    ["nothing", "", "malformed"],
  ];
  for (const [name, hex, fault] of cases) {
    test(name, () => expect(readSocksDatagram(fromHex(hex)!)).toBe(fault as never));
  }
});
