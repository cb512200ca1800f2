// Interned addresses: one object per path, and a bounded number of them.
import { describe, expect, test } from "bun:test";
import { AddressBook } from "../../../src/runtime/address-book.ts";

const local = { socket: 0, host: "192.0.2.1", port: 4433 };

describe("the address book", () => {
  test("gives one object per path", () => {
    const book = new AddressBook();
    const a = book.intern("198.51.100.7", 5, local);
    expect(book.intern("198.51.100.7", 6, local)).not.toBe(a);
    expect(book.intern("198.51.100.7", 5, { ...local, socket: 1 })).not.toBe(a);
    expect(book.intern("198.51.100.7", 5, local)).toBe(a);
    expect(a).toEqual({ host: "198.51.100.7", port: 5, family: 4, ipv4: 0xc6336407, local });
  });

  test("takes an IPv4-mapped address for plain IPv4", () => {
    const book = new AddressBook();
    expect(book.intern("::ffff:198.51.100.7", 5, local)).toBe(book.intern("198.51.100.7", 5, local));
    expect(book.intern("2001:db8::1", 5, local)).toMatchObject({ family: 6, ipv4: undefined });
  });

  test("is bounded, and keeps an address that is in use", () => {
    const book = new AddressBook(100);
    const kept = book.intern("198.51.100.7", 5, local);
    for (let port = 1; port < 10_000; port++) {
      book.intern("203.0.113.9", port, local);
      expect(book.intern("198.51.100.7", 5, local)).toBe(kept);
      expect(book.size).toBeLessThanOrEqual(101);
    }
  });
});
