// Every tunnel datagram of the document, both ways, and everything that only looks like one.
import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import {
  encodeAck,
  encodeNack,
  encodeObservedAddress,
  encodeRegistration,
  encodeRouted,
  encodeServiceId,
  NACK_LIMIT,
  NACK_MALFORMED,
  NACK_NOT_GRANTED,
  parseTunnelDatagram,
  routedInnerStart,
  routedServiceEquals,
  type TunnelDatagram,
} from "../../../src/wire/tunnel.ts";
import { hex, type VectorName, vector } from "../../support/vectors.ts";

const ADDRESS = parseIpv4("203.0.113.5")!;

describe("the examples of the document", () => {
  const examples: [VectorName, TunnelDatagram, Uint8Array?][] = [
    [
      "observedAddress",
      { type: "observed-address", address: ADDRESS, port: 54_321 },
      encodeObservedAddress(ADDRESS, 54_321),
    ],
    [
      "agentRegistration",
      { type: "registration", role: "agent", service: "echo-service" },
      encodeRegistration("agent", "echo-service"),
    ],
    [
      "connectorRegistration",
      { type: "registration", role: "connector", service: "web-app" },
      encodeRegistration("connector", "web-app"),
    ],
    ["emptyRegistration", { type: "registration", role: "agent", service: "" }, encodeRegistration("agent", "")],
    ["ack", { type: "ack", status: 0, service: "echo-service" }, encodeAck("echo-service")],
    [
      "nackNotGranted",
      { type: "nack", status: NACK_NOT_GRANTED, service: "echo-service" },
      encodeNack(NACK_NOT_GRANTED, "echo-service"),
    ],
    ["nackMalformed", { type: "nack", status: NACK_MALFORMED, service: "" }, encodeNack(NACK_MALFORMED, "")],
    [
      "routedHello",
      { type: "routed", service: "echo-service", inner: vector("hello") },
      encodeRouted("echo-service", vector("hello")),
    ],
    ["hello", { type: "inner", bytes: vector("hello") }],
    ["keepaliveRequest", { type: "keepalive", request: true, sequence: 1 }],
    ["keepaliveResponse", { type: "keepalive", request: false, sequence: 1 }],
    ["keepaliveRequest12345", { type: "keepalive", request: true, sequence: 12_345 }],
  ];

  for (const [name, value, encoded] of examples) {
    test(`${name} is read, and written back byte for byte`, () => {
      expect(parseTunnelDatagram(vector(name))).toEqual(value);
      if (encoded !== undefined) expect(toHex(encoded)).toBe(toHex(vector(name)));
    });
  }
});

describe("parsing", () => {
  test("an empty datagram is empty", () => {
    expect(parseTunnelDatagram(hex(""))).toEqual({ type: "empty" });
  });

  test("bytes behind a complete message are ignored", () => {
    expect(parseTunnelDatagram(hex("01 cb007105 d431 ff"))).toEqual({
      type: "observed-address",
      address: ADDRESS,
      port: 54_321,
    });
    expect(parseTunnelDatagram(hex("10 01 61 ffff"))).toEqual({ type: "registration", role: "agent", service: "a" });
    expect(parseTunnelDatagram(hex("12 07 01 61 ff"))).toEqual({ type: "ack", status: 7, service: "a" });
    expect(parseTunnelDatagram(hex("5a 10 00000001 ff"))).toEqual({ type: "keepalive", request: true, sequence: 1 });
  });

  test("a registration that is cut off or not UTF-8 keeps its role, so that it can be refused", () => {
    for (const rest of ["", "01", "0c 6563686f", "ff", "01 ff", "02 c3", "02 c3 28", "03 eda080", "02 c080"]) {
      expect(parseTunnelDatagram(hex(`10 ${rest}`))).toEqual({ type: "malformed-registration", role: "agent" });
      expect(parseTunnelDatagram(hex(`11 ${rest}`))).toEqual({ type: "malformed-registration", role: "connector" });
    }
  });

  test("everything else that is cut off or not UTF-8 is malformed, by kind", () => {
    const malformed: [string, string][] = [
      ["01", "observed-address"],
      ["01 cb007105 d4", "observed-address"],
      ["12", "ack"],
      ["12 00", "ack"],
      ["12 00 01", "ack"],
      ["12 00 01 ff", "ack"],
      ["13", "nack"],
      ["13 01", "nack"],
      ["13 02 02 61", "nack"],
      ["2f", "routed"],
      ["2f 00", "routed"],
      ["2f 02 61", "routed"],
      ["2f 01 ff 45", "routed"],
      ["5a", "keepalive"],
      ["5a 10 000000", "keepalive"],
      ["5a 12 00000001", "keepalive"],
      ["5a 00000000 00", "keepalive"],
    ];
    for (const [text, kind] of malformed) {
      expect({ text, value: parseTunnelDatagram(hex(text)) as unknown }).toEqual({
        text,
        value: { type: "malformed", kind },
      });
    }
  });

  test("a routed packet may be for the empty id and may be empty inside", () => {
    expect(parseTunnelDatagram(hex("2f 00 45"))).toEqual({ type: "routed", service: "", inner: hex("45") });
    expect(parseTunnelDatagram(hex("2f 01 61"))).toEqual({ type: "routed", service: "a", inner: hex("") });
  });

  test("the inner packet is a view, not a copy", () => {
    const bytes = vector("routedHello");
    const parsed = parseTunnelDatagram(bytes);
    expect(parsed.type === "routed" && parsed.inner.buffer === bytes.buffer && parsed.inner.byteOffset === 14).toBe(
      true,
    );
  });

  test("two different ids never become the same text: a byte order mark and every form stay", () => {
    const marked = parseTunnelDatagram(hex("10 04 efbbbf61"));
    expect(marked).toEqual({ type: "registration", role: "agent", service: "\ufeffa" });
    expect(toHex(encodeRegistration("agent", "\ufeffa"))).toBe("1004efbbbf61");
    expect(parseTunnelDatagram(hex("10 03 65cc81"))).not.toEqual(parseTunnelDatagram(hex("10 02 c3a9")));
  });

  test("any other first byte is an inner packet, whatever follows", () => {
    const control = new Set([0x01, 0x10, 0x11, 0x12, 0x13, 0x2f, 0x5a]);
    for (let first = 0; first < 256; first += 1) {
      if (control.has(first)) continue;
      const bytes = Uint8Array.of(first, 1, 2);
      expect(parseTunnelDatagram(bytes)).toEqual({ type: "inner", bytes });
    }
  });
});

describe("encoding", () => {
  test("the limit has a status of its own", () => {
    expect(toHex(encodeNack(NACK_LIMIT, "a"))).toBe("13030161");
  });

  test("an id may have 255 bytes, counted as UTF-8", () => {
    const longest = `${"é".repeat(127)}x`;
    expect(encodeServiceId(longest)).toHaveLength(255);
    expect(parseTunnelDatagram(encodeRegistration("agent", longest))).toEqual({
      type: "registration",
      role: "agent",
      service: longest,
    });
  });

  test("an id that does not fit or is not text is a bug and throws", () => {
    for (const id of ["x".repeat(256), "é".repeat(128), "\ud800"]) {
      expect(encodeServiceId(id)).toBeUndefined();
      expect(() => encodeRegistration("agent", id)).toThrow(RangeError);
      expect(() => encodeAck(id)).toThrow(RangeError);
      expect(() => encodeNack(1, id)).toThrow(RangeError);
      expect(() => encodeRouted(id, hex(""))).toThrow(RangeError);
    }
  });
});

describe("the data path", () => {
  test("finds the inner packet without parsing the id", () => {
    expect(routedInnerStart(vector("routedHello"))).toBe(14);
    expect(routedInnerStart(hex("2f 01 61"))).toBe(3);
    expect(routedInnerStart(hex("2f 00 45"))).toBe(2);
    for (const text of ["", "2f", "2f 00", "2f 02 61", "2f ff 61"]) expect(routedInnerStart(hex(text))).toBe(-1);
  });

  test("compares ids byte for byte", () => {
    const bytes = vector("routedHello");
    expect(routedServiceEquals(bytes, encodeServiceId("echo-service")!)).toBe(true);
    for (const other of ["", "echo-servic", "echo-servicE", "Echo-service", "echo-service2", "fcho-service"]) {
      expect(routedServiceEquals(bytes, encodeServiceId(other)!)).toBe(false);
    }
    expect(routedServiceEquals(hex("2f 00 45"), hex(""))).toBe(true);
    expect(routedServiceEquals(hex("2f 02 61"), hex("6100"))).toBe(false);
    expect(routedServiceEquals(hex("2f 02 61"), hex("6161"))).toBe(false);
    expect(routedServiceEquals(hex(""), hex(""))).toBe(false);
  });
});
