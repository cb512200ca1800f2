// What a connection remembers beside quiche's object.
import { expect, test } from "bun:test";
import { Connection } from "../../../src/quic/connection.ts";
import type { NativeConnection } from "../../../src/quic/native.ts";
import { address } from "../../support/endpoint-pair.ts";

const at = (port: number) => address("198.51.100.7", port, "192.0.2.1", 4433);

function connection(): Connection {
  const native = {} as NativeConnection; // addresses and deadlines need none
  return new Connection({ peer: 1, native, address: at(1), handshakeBy: 500 });
}

test("the latest four addresses that packets came from are remembered, beside the validated one", () => {
  const one = connection();
  for (let port = 2; port <= 100; port++) {
    expect(one.infoFor(at(port)).from).toEqual({ host: "198.51.100.7", port });
    expect(one.infoFor(at(port)).to).toEqual({ host: "192.0.2.1", port: 4433 });
  }
  expect(one.candidates).toEqual([at(97), at(98), at(99), at(100)]);
  const path = (port: number) => one.pathTo({ host: "198.51.100.7", port });
  expect([path(1), path(96), path(97), path(100)]).toEqual([at(1), undefined, at(97), at(100)]);
});

test("it is looked at a millisecond after quiche's timeout, and a handshake no later than its limit", () => {
  const one = connection();
  expect([one.nextDeadline(7, 100), one.nextDeadline(1000, 100), one.nextDeadline(null, 100)]).toEqual([108, 500, 500]);
  one.state = "open";
  expect(one.nextDeadline(1000, 100)).toBe(1101);
});
