// Addresses as people write them: strict, because lenient parsers disagree about what they mean.
import { describe, expect, test } from "bun:test";
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { formatIpv4, isIpv6, parseHostPort, parseIpv4, parsePort } from "../../../src/wire/address.ts";
import { anyIpv4, anyPort } from "../../support/arbitraries.ts";

describe("IPv4 addresses", () => {
  test("are unsigned numbers in host order", () => {
    expect(parseIpv4("10.0.0.1")).toBe(0x0a000001);
    expect(parseIpv4("203.0.113.5")).toBe(0xcb007105);
    expect(parseIpv4("255.255.255.255")).toBe(0xffffffff);
    expect(parseIpv4("0.0.0.0")).toBe(0);
    expect(formatIpv4(0xcb007105)).toBe("203.0.113.5");
  });

  test("come back from text as they were", () => {
    fc.assert(fc.property(anyIpv4, (address) => expect(parseIpv4(formatIpv4(address))).toBe(address)));
  });

  test("nothing but a strict dotted quad is one", () => {
    const wrong = ["", "10", "10.1", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.01", "10.00.0.1", "0x0a.0.0.1"];
    wrong.push("10.0.0.1 ", " 10.0.0.1", "10.0.0.-1", "10.0.0.1\n", "10..0.1", "10.0.0.1e1", "١.0.0.1", "10.0.0.1000");
    for (const text of wrong) expect(parseIpv4(text)).toBeUndefined();
  });

  test("are exactly what the platform takes for one", () => {
    const almost = fc.array(fc.oneof(fc.nat(300).map(String), fc.string({ maxLength: 2 })), { maxLength: 5 });
    fc.assert(fc.property(almost, (parts) => isIPv4(parts.join(".")) === (parseIpv4(parts.join(".")) !== undefined)));
  });
});

describe("ports", () => {
  test("are 0 to 65535 in plain decimal", () => {
    fc.assert(fc.property(anyPort, (port) => expect(parsePort(String(port))).toBe(port)));
    for (const text of ["", "65536", "99999", "100000", "-1", "+1", "1.0", "1e3", "0x50", "080", "00", " 80", "80\n"]) {
      expect(parsePort(text)).toBeUndefined();
    }
  });
});

describe("host and port", () => {
  test("a name, an IPv4 address and a bracketed IPv6 address are hosts", () => {
    expect(parseHostPort("relay.example.org:4433")).toEqual({ host: "relay.example.org", port: 4433 });
    expect(parseHostPort("192.0.2.1:80")).toEqual({ host: "192.0.2.1", port: 80 });
    expect(parseHostPort("[2001:db8::1]:4433")).toEqual({ host: "2001:db8::1", port: 4433 });
    expect(parseHostPort("[fe80::1%eth0]:1")).toEqual({ host: "fe80::1%eth0", port: 1 });
    expect(parseHostPort("ab.cd.example:7")).toEqual({ host: "ab.cd.example", port: 7 });
    expect(parseHostPort("localhost:0")).toEqual({ host: "localhost", port: 0 });
    expect(parseHostPort("my_host.example.:9")).toEqual({ host: "my_host.example.", port: 9 });
  });

  test("the port may be absent only when there is a default", () => {
    expect(parseHostPort("relay.example.org", 4433)).toEqual({ host: "relay.example.org", port: 4433 });
    expect(parseHostPort("[::1]", 4433)).toEqual({ host: "::1", port: 4433 });
    expect(parseHostPort("relay.example.org:1", 4433)?.port).toBe(1);
    expect(parseHostPort("relay.example.org")).toBeUndefined();
  });

  test("what could mean two things, or nothing, is refused", () => {
    const wrong = [
      "",
      ":80",
      "host:",
      "host:x",
      "host:65536",
      "a:b:80",
      "::1",
      "2001:db8::1:80",
      "2001:db8::1",
      "[::1",
      "::1]:80",
    ];
    wrong.push(
      "[]:80",
      "[192.0.2.1]:80",
      "[host]:80",
      "[::1]80",
      "10.1:80",
      "10.20:80",
      "192.0.2.256:80",
      "0x7f.1:80",
      "0x7f000001:80",
    );
    wrong.push(
      "127.1.:80",
      "ho st:80",
      "host :80",
      "-host:80",
      "host-:80",
      "a..b:80",
      "http://host:80",
      "host/:80",
      "user@host:80",
    );
    wrong.push(`${"a".repeat(64)}:80`, `${"a.".repeat(127)}ab:80`, "host\n:80", "host:80\n");
    for (const text of wrong) expect({ text, parsed: parseHostPort(text, 1) }).toEqual({ text, parsed: undefined });
  });

  test("a name may have 253 characters and labels of 63", () => {
    const longest = `${`${"a".repeat(63)}.`.repeat(3)}${"b".repeat(61)}`;
    expect(longest).toHaveLength(253);
    expect(parseHostPort(longest, 1)?.host).toBe(longest);
    expect(parseHostPort(`${longest}b`, 1)).toBeUndefined();
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseHostPort(text, 1)));
  });
});

describe("IPv6 addresses", () => {
  test("are what the platform takes for one", () => {
    const group = fc.oneof(fc.stringMatching(/^[0-9a-fA-F]{1,4}$/), fc.constantFrom("", "12345", "g", "192.0.2.1"));
    fc.assert(
      fc.property(fc.array(group, { maxLength: 9 }), (groups) => {
        const text = groups.join(":");
        expect({ text, valid: isIpv6(text) }).toEqual({ text, valid: isIPv6(text) });
      }),
      { numRuns: 2_000 },
    );
    for (const text of [
      "::",
      "::1",
      "fd00::",
      "::ffff:192.0.2.1",
      "2001:db8:3:4:5:6:7:8",
      "2001:db8:3:4:5:6:192.0.2.1",
      "2001:db8:3:4:5:6:7::",
      "2001:db8::3:4:5:6:7",
      "fd00::8",
    ]) {
      expect({ text, valid: isIpv6(text) }).toEqual({ text, valid: true });
    }
    for (const text of [
      "1::2::3",
      "2001:db8:3:4::5:6:7:8",
      "2001:db8:3:4:5:6:7:8::",
      ":1",
      "1:",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "192.0.2.1::",
      "::1%",
      "::1%a%b",
    ]) {
      expect({ text, valid: isIpv6(text) }).toEqual({ text, valid: false });
    }
  });
});
