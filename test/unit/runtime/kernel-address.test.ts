// Interned addresses as the kernel gives them: one object per path, and a bounded number of them.
import { describe, expect, test } from "bun:test";
import { KernelAddress, KernelAddresses, type KernelLocal } from "../../../src/runtime/kernel-address.ts";
import { type KernelSocket, localFor } from "../../../src/runtime/kernel-socket.ts";
import { AF_INET, AF_INET6 } from "../../../src/runtime/socket-address.ts";

function local(index: number, family = AF_INET): KernelLocal {
  return { socket: 0, host: "192.0.2.1", port: 4433, fd: 3, family, index, source: new Uint8Array(0) };
}

describe("interned kernel addresses", () => {
  test("are one object for a sender and a local address", () => {
    const addresses = new KernelAddresses();
    const [here, there] = [local(0), local(17)];
    const { name } = new KernelAddress("198.51.100.7", 5, here);
    const first = addresses.fromName(name, 0, here);
    expect([first.host, first.port, first.family, first.ipv4]).toEqual(["198.51.100.7", 5, 4, 0xc6336407]);
    expect(addresses.fromName(name, 0, there)).not.toBe(first);
    expect(addresses.remote("198.51.100.7", 6, here)).not.toBe(first);
    expect(addresses.remote("198.51.100.7", 5, here)).toBe(first);
  });

  test("take an IPv4-mapped sender for plain IPv4", () => {
    const { host, family, nameBytes } = new KernelAddress("198.51.100.7", 5, local(0, AF_INET6));
    expect([host, family, nameBytes]).toEqual(["198.51.100.7", 4, 28]);
    expect(new KernelAddress("2001:db8::1", 5, local(0, AF_INET6)).ipv4).toBeUndefined();
  });

  test("are bounded, whoever sends, and one that is in use is kept", () => {
    const addresses = new KernelAddresses(100);
    const here = local(0);
    const kept = addresses.remote("198.51.100.7", 5, here);
    for (let port = 1; port < 10_000; port++) {
      addresses.remote("203.0.113.9", port, here);
      expect(addresses.remote("198.51.100.7", 5, here)).toBe(kept);
      expect(addresses.size).toBeLessThanOrEqual(101);
    }
  });
});

test("of the addresses that packets come to sixteen are told apart; beyond, the kernel chooses whom replies come from", () => {
  const bound = local(0);
  const socket = { isIpv6: false, bound, locals: new Map() } as unknown as KernelSocket;
  const to = (last: number) => localFor(socket, Uint8Array.of(9, 127, 0, 0, last), 1, 4);
  const known = Array.from({ length: 16 }, (_, last) => to(last));
  expect(new Set(known.map(({ index }) => index)).size).toBe(16);
  expect([known[7]!.host, [...known[7]!.source]]).toEqual(["127.0.0.7", [127, 0, 0, 7]]);
  for (let last = 16; last < 256; last++) expect(to(last)).toBe(bound);
  expect(to(7)).toBe(known[7]!);
});
