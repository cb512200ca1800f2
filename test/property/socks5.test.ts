// SOCKS5: how the bytes are cut makes no difference, and no bytes do harm.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SocksHandshake, type SocksProgress } from "../../src/agent/socks5.ts";
import { encodeSocksDatagram, readSocksDatagram } from "../../src/agent/socks5-udp.ts";
import { toHex } from "../../src/wire/bytes.ts";
import { anyBytes, anyIpv4, anyPort } from "../support/arbitraries.ts";

const name = fc.uint8Array({ maxLength: 255 }).map((bytes) => [3, bytes.length, ...bytes]);
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [1, ...bytes]);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [4, ...bytes]);
const port = fc.uint8Array({ minLength: 2, maxLength: 2 }).map((bytes) => [...bytes]);
const greeting = fc.uint8Array({ maxLength: 255 }).map((methods) => [5, methods.length, ...methods]);
const request = fc
  .tuple(fc.constantFrom(1, 2, 3), fc.oneof(name, ipv4, ipv6), port)
  .map(([command, address, last]) => [5, command, 0, ...address, ...last]);
const client = fc
  .tuple(greeting, request, anyBytes(64))
  .map(([first, second, data]) => Uint8Array.from([...first, ...second, ...data]));
const stranger = fc.oneof(
  client,
  anyBytes(600),
  anyBytes(30).map((bytes) => Uint8Array.from([5, ...bytes])),
);

describe("a handshake", () => {
  test("comes to the same end however its bytes are cut", () => {
    fc.assert(
      fc.property(stranger, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }), (bytes, cuts) => {
        expect(played(bytes, cuts)).toEqual(played(bytes, []));
      }),
      { numRuns: 500 },
    );
  });

  test("answers a client of this version without authentication, and hands on exactly what follows the request", () => {
    fc.assert(
      fc.property(greeting, request, anyBytes(64), (first, second, data) => {
        fc.pre(first.slice(2).includes(0) && second[1] !== 2);
        const end = played(Uint8Array.from([...first, ...second, ...data]), []);
        expect(end.last.type).toBe("request");
        expect(end.answers).toBe("0500");
        expect(end.rest).toBe(toHex(data));
      }),
    );
  });
});

describe("datagrams of an association", () => {
  test("any bytes are read or refused", () => {
    fc.assert(
      fc.property(anyBytes(), (bytes) => {
        const read = readSocksDatagram(bytes);
        if (typeof read !== "string") expect(read.payload.length).toBeLessThan(bytes.length);
      }),
    );
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(anyIpv4, anyPort, anyBytes(), (address, from, payload) => {
        const target = { type: "ipv4" as const, address, port: from };
        expect(readSocksDatagram(encodeSocksDatagram(address, from, payload))).toEqual({ target, payload });
      }),
    );
  });
});

interface Ending {
  readonly answers: string;
  readonly last: Pick<SocksProgress, "type">;
  readonly rest: string;
}

/** Pieces of the given lengths, the remainder in one. */
function played(bytes: Uint8Array, cuts: readonly number[]): Ending {
  const handshake = new SocksHandshake();
  let answers = "";
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.slice(at, at + cut);
    at += piece.length;
    const progress = handshake.receive(piece);
    piece.fill(0xa5);
    answers += toHex(progress.answer);
    if (progress.type === "request") {
      const { type, command, target } = progress;
      const rest = bytes.subarray(at - progress.rest.length);
      return { answers, last: { type, command, target } as never, rest: toHex(rest) };
    }
    if (progress.type === "refused")
      return { answers, last: { type: "refused", fault: progress.fault } as never, rest: "" };
  }
  return { answers, last: { type: "more" }, rest: "" };
}
