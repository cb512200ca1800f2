// Targets of SOCKS5 requests as bytes.
import { expect, test } from "bun:test";
import { readSocksTarget, socksAddressLength, writeSocksAddress } from "../../../src/agent/socks5-address.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";

test("an address is written as it is read", () => {
  const out = new Uint8Array(1 + socksAddressLength(0x0a640002));
  expect(writeSocksAddress(out, 1, 0x0a640002, 443)).toBe(out.length);
  expect(toHex(out)).toBe("00010a64000201bb");
  expect(readSocksTarget(out, 1)).toEqual({ target: { type: "ipv4", address: 0x0a640002, port: 443 }, end: 8 });
});

test("an address that is cut off anywhere could still be completed", () => {
  for (const whole of ["010a64000201bb", "030377656201bb", `04${"00".repeat(16)}01bb`]) {
    const bytes = fromHex(whole)!;
    for (let length = 0; length < bytes.length; length++) expect(readSocksTarget(bytes, 0, length)).toBe("short");
    expect(readSocksTarget(bytes, 0)).toMatchObject({ end: bytes.length });
  }
});

test("bytes of a name that are no text reach nobody's name", () => {
  expect(readSocksTarget(fromHex("0302c3a90050")!, 0)).toMatchObject({ target: { name: "\u00c3\u00a9" } });
});

test("no bytes complete an address of an unknown type", () => {
  for (const type of [0, 2, 5, 255]) expect(readSocksTarget(new Uint8Array([type]), 0)).toBe("unknown-type");
});
