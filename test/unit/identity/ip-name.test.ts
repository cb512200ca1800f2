// One canonical text for each address.
import { expect, test } from "bun:test";
import { canonicalIp, formatIpBytes } from "../../../src/identity/ip-name.ts";

const texts: readonly [string, string][] = [
  ["127.0.0.1", "127.0.0.1"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::1", "2001:db8::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
];
test.each(texts)("%s is written %s", (text, canonical) => {
  expect(canonicalIp(text)).toBe(canonical);
});

test.each([
  ...["", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "::1%eth0"],
  ...["localhost", "1.2.3", "10.2.3.4.5", "256.0.0.1", "010.2.3.4", "::1.2.3", "10.2.3.4::", "[::1]", " ::1", "::-1"],
  ...["1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:10.2.3.4"],
])("%j is no address", (text) => {
  expect(canonicalIp(text)).toBeUndefined();
});

test("the bytes of a certificate give the same text", () => {
  expect(formatIpBytes(Uint8Array.of(192, 0, 2, 1))).toBe("192.0.2.1");
  expect(formatIpBytes(Uint8Array.of(255, 255, 255, 255))).toBe("255.255.255.255");
  const v6 = new Uint8Array(16);
  v6.set([0x20, 0x01, 0x0d, 0xb8]);
  v6[15] = 1;
  expect(formatIpBytes(v6)).toBe("2001:db8::1");
});

test("other lengths are no address", () => {
  for (const length of [0, 1, 3, 5, 8, 15, 17, 32]) expect(formatIpBytes(new Uint8Array(length))).toBeUndefined();
});
