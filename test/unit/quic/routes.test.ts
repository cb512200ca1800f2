// Ids on the wire and the connections that they lead to.
import { expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { Connection } from "../../../src/quic/connection.ts";
import { ConnectionIds } from "../../../src/quic/connection-id.ts";
import type { NativeConnection } from "../../../src/quic/native.ts";
import { Routes } from "../../../src/quic/routes.ts";
import { address } from "../../support/endpoint-pair.ts";

const ids = new ConnectionIds(new TextEncoder().encode("a private key"), (bytes) => randomFillSync(bytes));

function connection(peer: number): Connection {
  const native = {} as NativeConnection; // routing makes no native call
  return new Connection({ peer, native, address: address("192.0.2.1", 4433, "198.51.100.7", 1), handshakeBy: 0 });
}

function packetFor(id: Uint8Array): Uint8Array {
  return Uint8Array.of(0x40, ...id, 1, 2, 3);
}

test("an id leads to its connection wherever it is in a packet; a cut or changed one leads nowhere", () => {
  const routes = new Routes();
  const [one, other] = [connection(1), connection(2)];
  const id = ids.mint();
  routes.add(id, one);
  routes.add(ids.mint(), other);
  expect(routes.find(packetFor(id), 1)).toBe(one);
  expect(routes.find(id, 0)).toBe(one);
  expect(routes.find(packetFor(id).subarray(0, 20), 1)).toBeUndefined();
  for (let at = 0; at < id.length; at++) {
    const changed = id.slice();
    changed[at]! ^= 1;
    expect(routes.find(changed, 0)).toBeUndefined();
  }
});

test("an id that was given back leads nowhere, is known for ten seconds, and the others stay", () => {
  const routes = new Routes();
  const one = connection(1);
  const [old, young] = [ids.mint(), ids.mint()];
  for (const id of [old, young]) routes.add(id, one);
  routes.retire(old, one, 0);
  expect([routes.find(old, 0), routes.find(young, 0)]).toEqual([undefined, one]);
  expect(routes.isRetired(packetFor(old), 1)).toBe(true);
  routes.retire(young, one, 10_000);
  expect(routes.isRetired(packetFor(old), 1)).toBe(false);
  expect(routes.size).toBe(0);
});

test("ids that were given back are remembered in bounded number", () => {
  const routes = new Routes();
  const one = connection(1);
  const given = Array.from({ length: 16_385 }, () => ids.mint());
  for (const id of given) {
    routes.add(id, one);
    routes.retire(id, one, 0);
  }
  expect(routes.isRetired(packetFor(given[16_383]!), 1)).toBe(true);
  expect(routes.isRetired(packetFor(given[16_384]!), 1)).toBe(false);
});

test("what is dialled is found by its address until it is removed, and nothing of it stays", () => {
  const routes = new Routes();
  const [one, other] = [connection(1), connection(2)];
  const id = ids.mint();
  for (const each of [one, other]) routes.addDialled(each);
  routes.add(id, one);
  routes.addOriginal(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), one);
  expect([...(routes.dialledTo(one.address) ?? [])]).toEqual([one, other]);
  routes.remove(one);
  expect([...(routes.dialledTo(one.address) ?? [])]).toEqual([other]);
  expect([routes.size, routes.originals]).toEqual([0, 0]);
  routes.remove(other);
  expect(routes.dialledTo(one.address)).toBeUndefined();
});
