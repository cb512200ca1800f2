// Our connection ids and their tags, and headers read from arbitrary bytes.
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import fc from "fast-check";
import {
  CONNECTION_ID_BYTES,
  ConnectionIds,
  idKey,
  parseLongHeader,
  sameId,
  tokenToBigint,
} from "../../../src/quic/connection-id.ts";
import { fromHex } from "../../../src/wire/bytes.ts";

const random = (bytes: Uint8Array) => randomFillSync(bytes);
const secret = new TextEncoder().encode("a private key");
const ids = new ConnectionIds(secret, random);

describe("our connection ids", () => {
  test("are 20 bytes, verify, and never begin below 0x40", () => {
    for (let i = 0; i < 2000; i++) {
      const id = ids.mint();
      expect(id.length).toBe(CONNECTION_ID_BYTES);
      expect(id[0]).toBeGreaterThanOrEqual(0x40);
      expect(ids.verify(id, 0)).toBe(true);
    }
  });

  test("verify after a restart with the same secret and not with another", () => {
    const id = ids.mint();
    expect(new ConnectionIds(secret, random).verify(id, 0)).toBe(true);
    expect(new ConnectionIds(new TextEncoder().encode("another key"), random).verify(id, 0)).toBe(false);
  });

  test("do not verify when any bit was changed", () => {
    const id = ids.mint();
    for (let bit = 0; bit < id.length * 8; bit++) {
      const forged = id.slice();
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(ids.verify(forged, 0)).toBe(false);
    }
  });

  test("have reset tokens that differ from id to id and are the same after a restart", () => {
    const [a, b] = [ids.mint(), ids.mint()];
    expect(ids.resetToken(a)).not.toEqual(ids.resetToken(b));
    expect(new ConnectionIds(secret, random).resetToken(a)).toEqual(ids.resetToken(a));
    expect(tokenToBigint(Uint8Array.of(1, 2, 3))).toBe(0x010203n);
  });

  test("are found by a key of 53 bits at any offset", () => {
    const id = ids.mint();
    const packet = new Uint8Array(30);
    packet.set(id, 1);
    expect(idKey(packet, 1)).toBe(idKey(id, 0));
    expect(Number.isSafeInteger(idKey(id, 0))).toBe(true);
    expect(sameId(packet, 1, id)).toBe(true);
    expect(sameId(packet, 11, id)).toBe(false);
  });
});

describe("long headers", () => {
  test("give version, both ids and the token of an Initial", () => {
    const header = parseLongHeader(fromHex("c3000000010401020304020506020708aabb")!);
    expect(header).toEqual({
      version: 1,
      packetType: 0,
      dcid: Uint8Array.of(1, 2, 3, 4),
      scid: Uint8Array.of(5, 6),
      token: Uint8Array.of(7, 8),
    });
  });

  test("are refused when the token reaches beyond the packet", () => {
    expect(parseLongHeader(fromHex("c3000000010401020304020506030708")!)).toBeUndefined();
    expect(parseLongHeader(fromHex("c30000000104010203040205067fff0708")!)).toBeUndefined();
  });

  test("never throw, and give views that lie inside the packet, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (packet) => {
        const header = parseLongHeader(packet);
        if (header === undefined) return;
        expect(header.dcid.length + header.scid.length + header.token.length).toBeLessThan(packet.length);
      }),
    );
  });
});
