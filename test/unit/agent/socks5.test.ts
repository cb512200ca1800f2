// What a SOCKS5 client says first, and what it is answered.
import { describe, expect, test } from "bun:test";
import { SOCKS_REFUSED, SocksHandshake, socksReply } from "../../../src/agent/socks5.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";

describe("a client that asks for a connection", () => {
  test("gets the method first, then names its target", () => {
    const handshake = new SocksHandshake();
    const greeted = handshake.receive(fromHex("050100")!);
    expect(greeted).toEqual({ type: "more", answer: fromHex("0500")! });
    expect(handshake.receive(fromHex("05010003037765620050")!)).toEqual({
      type: "request",
      answer: new Uint8Array(0),
      command: "connect",
      target: { type: "name", name: "web", port: 80 },
      rest: new Uint8Array(0),
    });
  });

  test("may say everything at once, with the first data behind it", () => {
    const progress = new SocksHandshake().receive(fromHex("05020200050100010a6400020050474554")!);
    expect(progress).toMatchObject({ type: "request", command: "connect" });
    if (progress.type !== "request") throw new Error("no request");
    expect(toHex(progress.answer)).toBe("0500");
    expect(progress.target).toEqual({ type: "ipv4", address: 0x0a640002, port: 80 });
    expect(new TextDecoder().decode(progress.rest)).toBe("GET");
  });

  test("may write an address as a name", () => {
    const progress = new SocksHandshake().receive(fromHex(`050100050100030a${textHex("10.100.0.2")}0050`)!);
    expect(progress).toMatchObject({ target: { type: "ipv4", address: 0x0a640002, port: 80 } });
  });

  test("may ask for IPv6, which whoever decides will refuse", () => {
    const progress = new SocksHandshake().receive(fromHex(`05010005010004${"00".repeat(15)}010050`)!);
    expect(progress).toMatchObject({ type: "request", target: { type: "ipv6", port: 80 } });
  });
});

describe("a client that cannot be served is told so and no more", () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ["HTTP", textHex("GET / HTTP/1.1\r\n\r\n"), "", "not-socks5"],
    ["SOCKS4", "04010050 0a640002 00", "", "not-socks5"],
    ["TLS", "160301", "", "not-socks5"],
    ["authentication only", "050102", "05ff", "no-method"],
    ["no method at all", "0500", "05ff", "no-method"],
    ["BIND", "050100 05020001 0a640002 0050", "0500 05070001000000000000", "unknown-command"],
    ["a reserved byte in use", "050100 05010101", "0500 05010001000000000000", "malformed-request"],
    ["another version in the request", "050100 04", "0500 05010001000000000000", "malformed-request"],
    ["an unknown kind of address", "050100 05010002", "0500 05080001000000000000", "unknown-address-type"],
  ];
  for (const [name, sent, answer, fault] of cases) {
    test(name, () => {
      const progress = new SocksHandshake().receive(fromHex(sent.replaceAll(" ", ""))!);
      expect(progress).toEqual({
        type: "refused",
        answer: fromHex(answer.replaceAll(" ", ""))!,
        fault: fault as never,
      });
    });
  }
});

test("a reply says where the connection is bound", () => {
  expect(toHex(socksReply(SOCKS_REFUSED))).toBe("05050001000000000000");
  expect(toHex(socksReply(0, 0x7f000001, 1080))).toBe("050000017f0000010438");
  expect(toHex(socksReply(0, fromHex(`${"00".repeat(15)}01`)!, 1080))).toBe(`05000004${"00".repeat(15)}010438`);
});

function textHex(text: string): string {
  return toHex(new TextEncoder().encode(text));
}
