// Tunnel datagrams: what one end writes the other reads, and no bytes do harm.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { toHex } from "../../src/wire/bytes.ts";
import {
  encodeAck,
  encodeNack,
  encodeObservedAddress,
  encodeRegistration,
  encodeRouted,
  encodeServiceId,
  parseTunnelDatagram,
  ROUTED_PACKET,
  routedInnerStart,
  routedServiceEquals,
} from "../../src/wire/tunnel.ts";
import { anyBytes, anyIpv4, anyPort, anyRole, damaged, serviceId, tunnelDatagram } from "../support/arbitraries.ts";

describe("what is written is read back", () => {
  test("observed addresses", () => {
    fc.assert(
      fc.property(anyIpv4, anyPort, (address, port) => {
        const parsed = parseTunnelDatagram(encodeObservedAddress(address, port));
        expect(parsed).toEqual({ type: "observed-address", address, port });
      }),
    );
  });

  test("registrations and their answers", () => {
    fc.assert(
      fc.property(anyRole, serviceId, fc.integer({ min: 0, max: 255 }), (role, service, status) => {
        expect(parseTunnelDatagram(encodeRegistration(role, service))).toEqual({ type: "registration", role, service });
        expect(parseTunnelDatagram(encodeAck(service))).toEqual({ type: "ack", status: 0, service });
        expect(parseTunnelDatagram(encodeNack(status, service))).toEqual({ type: "nack", status, service });
      }),
    );
  });

  test("routed packets, whatever is inside", () => {
    fc.assert(
      fc.property(serviceId, anyBytes(), (service, inner) => {
        fc.pre(service.length + inner.length > 0);
        const bytes = encodeRouted(service, inner);
        expect(parseTunnelDatagram(bytes)).toEqual({ type: "routed", service, inner });
        expect(bytes.subarray(routedInnerStart(bytes))).toEqual(inner);
        expect(routedServiceEquals(bytes, encodeServiceId(service)!)).toBe(true);
      }),
    );
  });
});

describe("bytes of a stranger", () => {
  const strange = fc.oneof(anyBytes(), damaged(tunnelDatagram), firstByteOf(0x01, 0x10, 0x11, 0x12, 0x13, 0x2f, 0x5a));

  test("none make parsing throw, and what was understood is what was sent", () => {
    fc.assert(
      fc.property(strange, (bytes) => {
        const parsed = parseTunnelDatagram(bytes);
        const encoded = encodeAgain(parsed);
        if (encoded !== undefined) expect(toHex(bytes).startsWith(toHex(encoded))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the data path and the parser agree about routed packets", () => {
    const routed = fc.oneof(
      firstByteOf(ROUTED_PACKET),
      damaged(tunnelDatagram).filter((bytes) => bytes[0] === ROUTED_PACKET),
    );
    fc.assert(
      fc.property(routed, serviceId, (bytes, other) => {
        const parsed = parseTunnelDatagram(bytes);
        const start = routedInnerStart(bytes);
        expect(start).toBeLessThanOrEqual(bytes.length);
        if (parsed.type !== "routed") {
          expect(parsed).toEqual({ type: "malformed", kind: "routed" });
          expect(routedServiceEquals(bytes, encodeServiceId(other)!) && start >= 0).toBe(false);
          return;
        }
        expect(bytes.subarray(start)).toEqual(parsed.inner);
        expect(routedServiceEquals(bytes, encodeServiceId(parsed.service)!)).toBe(true);
        expect(routedServiceEquals(bytes, encodeServiceId(other)!)).toBe(other === parsed.service);
      }),
      { numRuns: 1_000 },
    );
  });

  test("no two ids share an encoding", () => {
    fc.assert(
      fc.property(serviceId, serviceId, (one, other) => {
        expect(toHex(encodeRegistration("agent", one)) === toHex(encodeRegistration("agent", other))).toBe(
          one === other,
        );
      }),
    );
  });
});

function firstByteOf(...types: number[]): fc.Arbitrary<Uint8Array> {
  const lengths = fc.oneof(fc.nat(8), fc.nat(255));
  return fc
    .tuple(fc.constantFrom(...types), lengths, anyBytes(40))
    .map(([type, length, rest]) => Uint8Array.from([type, length, ...rest]));
}

/** For everything that carries all it said. An ACK says nothing with its status, which is always written as 0. */
function encodeAgain(parsed: ReturnType<typeof parseTunnelDatagram>): Uint8Array | undefined {
  switch (parsed.type) {
    case "observed-address":
      return encodeObservedAddress(parsed.address, parsed.port);
    case "registration":
      return encodeRegistration(parsed.role, parsed.service);
    case "ack":
      return parsed.status === 0 ? encodeAck(parsed.service) : undefined;
    case "nack":
      return encodeNack(parsed.status, parsed.service);
    case "routed":
      return encodeRouted(parsed.service, parsed.inner);
    case "inner":
      return parsed.bytes;
    default:
      return undefined;
  }
}
