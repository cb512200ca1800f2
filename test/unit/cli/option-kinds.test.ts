// What each kind of option takes and what it refuses.
import { describe, expect, test } from "bun:test";
import {
  choice,
  count,
  duration,
  host,
  hostPort,
  ip,
  ipv4,
  type Kind,
  list,
  listenAddress,
  port,
  text,
  toggle,
} from "../../../src/cli/option-kinds.ts";

const cases: readonly [string, Kind<unknown>, Record<string, unknown>, readonly string[]][] = [
  [
    "port",
    port,
    { "0": 0, "4433": 4433, "65535": 65535 },
    ["65536", "70000", "-1", "x", "", "4433x", "0x10", "1e3", " 1", "1.5", "+1"],
  ],
  ["count", count(1, 10), { "1": 1, "10": 10 }, ["0", "11", "", "9999999999999999999"]],
  [
    "duration",
    duration,
    { "500ms": 500, "2s": 2000, "5m": 300_000, "12h": 43_200_000, "3": 3000 },
    ["", "s", "-1s", "1w", "1.5s"],
  ],
  ["toggle", toggle, { true: true, "1": true, false: false, "0": false }, ["", "yes", "TRUE"]],
  ["text", text, { a: "a" }, [""]],
  ["choice", choice("pool", "deny"), { deny: "deny" }, ["", "Deny", "none"]],
  [
    "ip",
    ip,
    { "192.0.2.1": "192.0.2.1", "::1": "::1", "[::1]": "::1" },
    ["", "not.an.ip", "192.0.2.256", "1.2.3", "[192.0.2.4]"],
  ],
  ["ipv4", ipv4, { "10.0.0.1": "10.0.0.1" }, ["::1", "10.0.0", "10.0.0.999", "010.0.0.1"]],
  [
    "host",
    host,
    { "relay.example.org": "relay.example.org", "192.0.2.1": "192.0.2.1", "::1": "::1" },
    ["", "300.1.1.1", "1.2.3", "a..b", "-a", "a b", "a/b"],
  ],
];

for (const [name, kind, good, bad] of cases) {
  describe(name, () => {
    for (const [input, value] of Object.entries(good)) {
      test(`${JSON.stringify(input)} is ${JSON.stringify(value)}`, () => expect(kind.parse(input)).toEqual(value));
    }
    for (const input of bad) {
      test(`${JSON.stringify(input)} is refused`, () => expect(kind.parse(input)).toBeUndefined());
    }
  });
}

test("a host and port: names, IPv4, bracketed IPv6; the port only where there is no default", () => {
  const strict = hostPort();
  const lenient = hostPort(4433);
  expect(strict.parse("127.0.0.1:8080")).toEqual({ host: "127.0.0.1", port: 8080 });
  expect(strict.parse("[::1]:53")).toEqual({ host: "::1", port: 53 });
  expect(strict.parse("db.internal")).toBeUndefined();
  expect(lenient.parse("db.internal")).toEqual({ host: "db.internal", port: 4433 });
  expect(lenient.parse("2001:db8::1")).toEqual({ host: "2001:db8::1", port: 4433 });
  expect(lenient.parse("[2001:db8::1]")).toEqual({ host: "2001:db8::1", port: 4433 });
});

for (const wrong of [
  "",
  ":1",
  "a:",
  "a:0",
  "a:65536",
  "a:-1",
  "a:x",
  "::1:53",
  "[a]:1",
  "300.1.1.1:53",
  "a:1:2",
  "[::1:5",
]) {
  test(`${JSON.stringify(wrong)} is no host and port`, () => expect(hostPort().parse(wrong)).toBeUndefined());
}

test("an address to listen on may have a port, 0 included", () => {
  expect(listenAddress.parse("0.0.0.0")).toEqual({ host: "0.0.0.0", port: undefined });
  expect(listenAddress.parse("127.0.0.1:0")).toEqual({ host: "127.0.0.1", port: 0 });
  expect(listenAddress.parse("localhost:4433")).toEqual({ host: "localhost", port: 4433 });
  for (const any of ["::", "[::]"]) expect(listenAddress.parse(any)).toEqual({ host: "::", port: undefined });
  expect(listenAddress.parse("[::1]:4433")).toEqual({ host: "::1", port: 4433 });
  for (const wrong of ["", ":1", "127.0.0.1:", "127.0.0.1:70000", "[::1]:70000", "fe80::1:99999", "999.0.0.1", "a b"]) {
    expect(listenAddress.parse(wrong)).toBeUndefined();
  }
});

test("a list takes commas in a text, and one value or many in a file", () => {
  const ports = list(port);
  expect(ports.parse("1,2")).toEqual([1, 2]);
  expect(ports.parse("1,,2")).toBeUndefined();
  expect(ports.fromFile?.(3)).toEqual([3]);
  expect(ports.fromFile?.([3, 4])).toEqual([3, 4]);
  expect(ports.fromFile?.([])).toBeUndefined();
});
