// Requests to the kernel's routing subsystem, byte for byte as iproute2 sends them, and its answers.
import { expect, test } from "bun:test";
import {
  answerTo,
  linkMtu,
  linkUp,
  linkWithoutIpv6,
  newAddress,
  newRoute,
} from "../../../src/runtime/netlink-message.ts";
import { ip } from "../../support/connector-world.ts";
import { hex } from "../../support/vectors.ts";

const same = (actual: Uint8Array, expected: string) => expect([...actual]).toEqual([...hex(expected)]);

test("the device goes up with an MTU and a queue", () => {
  same(
    linkUp(1, 5, 1292, 64),
    `30000000 1000 0500 01000000 00000000  00 00 0000 05000000 01000000 01000000
     0800 0400 0c050000  0800 0d00 40000000`,
  );
  same(
    linkMtu(2, 5, 1200),
    "28000000 1000 0500 02000000 00000000  00 00 0000 05000000 00000000 00000000  0800 0400 b0040000",
  );
});

test("no IPv6 address is made up for it", () => {
  same(
    linkWithoutIpv6(3, 5),
    `30000000 1000 0500 03000000 00000000  00 00 0000 05000000 00000000 00000000
     1000 1a00  0c00 0a00  0500 0800 01 000000`,
  );
});

test("an address and a route are for one host, and must be new", () => {
  same(
    newAddress(4, 5, ip("100.64.0.1")),
    "28000000 1400 0506 04000000 00000000  02 20 00 00 05000000  0800 0200 64400001  0800 0100 64400001",
  );
  same(
    newRoute(5, 5, ip("10.100.0.2"), ip("100.64.0.1")),
    `34000000 1800 0506 05000000 00000000  02 20 00 00 fe 04 fd 01 00000000
     0800 0100 0a640002  0800 0700 64400001  0800 0400 05000000`,
  );
});

test("an answer is found by its number; 0 is success, what is above an error", () => {
  const done = hex("24000000 0200 0000 07000000 00000000  00000000  00000000000000000000000000000000");
  const exists = hex("24000000 0200 0000 08000000 00000000  efffffff  00000000000000000000000000000000");
  expect(answerTo(7, done)).toBe(0);
  expect(answerTo(8, exists)).toBe(17);
  expect(answerTo(8, Uint8Array.from([...done, ...exists]))).toBe(17);
  expect(answerTo(9, done)).toBeUndefined();
  expect(answerTo(7, done.subarray(0, 19))).toBeUndefined();
  expect(answerTo(7, new Uint8Array(64))).toBeUndefined();
});
