// Whether UDP gets to a server: one that answers everything, one behind a narrow path, a closed port, a black hole.
import { expect, test } from "bun:test";
import { socketAbilities } from "../../../src/runtime/socket-abilities.ts";
import { udpReach } from "../../../src/runtime/udp-reach.ts";

/** Answers as a QUIC server does, but sees only packets up to `widest` bytes. */
async function server(widest: number) {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(own, bytes, port, address) {
        if (bytes.length > widest) return;
        const answer = Buffer.concat([
          Buffer.from("c000000000", "hex"),
          bytes.subarray(5, 23),
          Buffer.from([0, 0, 0, 1]),
        ]);
        own.send(answer, port, address);
      },
    },
  });
  return { port: socket.port, [Symbol.dispose]: () => socket.close() };
}

const FAST = { address: "127.0.0.1", sizes: [1280, 1350, 1452], attemptMs: 100 };

test("a server that answers is reached with the largest size", async () => {
  using one = await server(65_000);
  const reach = await udpReach({ ...FAST, port: one.port, attemptMs: 2000 });
  expect(reach).toMatchObject({ outcome: "answered", largest: 1452 });
});

test("a path that swallows large packets is found out", async () => {
  using one = await server(1300);
  expect(await udpReach({ ...FAST, port: one.port })).toMatchObject({ outcome: "answered", largest: 1280 });
});

test("a port where nobody listens says so at once", async () => {
  const one = await server(0);
  one[Symbol.dispose]();
  expect(await udpReach({ ...FAST, port: one.port, attemptMs: 10_000 })).toEqual({ outcome: "refused" });
});

test("a host that never answers is silent, also one that answers something else", async () => {
  using hole = await server(0);
  expect(await udpReach({ ...FAST, port: hole.port, attempts: 2 })).toEqual({ outcome: "silent" });
  const echo = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (own, bytes, port, address) => void own.send(bytes, port, address) },
  });
  expect(await udpReach({ ...FAST, port: echo.port, attempts: 1 })).toEqual({ outcome: "silent" });
  echo.close();
});

test("an address that is none cannot be sent to", async () => {
  expect(await udpReach({ ...FAST, address: "not an address", port: 1 })).toMatchObject({ outcome: "unsendable" });
});

test("the kernel says what it gives a socket", () => {
  const abilities = socketAbilities(65_536);
  if (process.platform !== "linux") return expect(abilities).toBeUndefined();
  expect(abilities?.receiveBufferBytes).toBeGreaterThanOrEqual(65_536);
  expect(abilities?.sendBufferBytes).toBeGreaterThanOrEqual(65_536);
  expect([typeof abilities?.receiveOffload, typeof abilities?.sendOffload]).toEqual(["boolean", "boolean"]);
});
