// Backend commands on real sockets of the loopback interface.
import { afterEach, expect, spyOn, test } from "bun:test";
import type { BackendEvent } from "../../../src/connector/backend.ts";
import { Backends, type BackendsOptions } from "../../../src/runtime/backends.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** Events in order, each awaited once. */
function setUp(resolve: BackendsOptions["resolver"]["resolve"] = async (host) => [host]) {
  const events: BackendEvent[] = [];
  const waiting: ((event: BackendEvent) => void)[] = [];
  const backends = new Backends({
    resolver: { resolve },
    emit: (event) => {
      const next = waiting.shift();
      if (next === undefined) events.push(event);
      else next(event);
    },
  });
  opened.push({ close: () => backends.closeAll() });
  const event = () =>
    new Promise<BackendEvent>((done) => {
      const first = events.shift();
      if (first === undefined) waiting.push(done);
      else done(first);
    });
  return { backends, event, events };
}

async function echo(hostname = "127.0.0.1") {
  const sources: number[] = [];
  const socket = await Bun.udpSocket({
    hostname,
    port: 0,
    socket: {
      data: (self, bytes, port, host) => {
        sources.push(port);
        self.send(bytes, port, host);
      },
    },
  });
  opened.push(socket);
  return { port: socket.port, sources, socket };
}

const bytes = (...values: number[]) => new Uint8Array(values);

test("payloads reach the backend and its answers come back under the same id, the empty one included", async () => {
  const { port } = await echo();
  const { backends, event } = setUp();
  backends.perform({ type: "udp-open", backend: 7, host: "127.0.0.1", port });
  backends.perform({ type: "udp-send", backend: 7, bytes: bytes(1, 2, 3) });
  expect(await event()).toEqual({ type: "udp-data", backend: 7, bytes: Buffer.from([1, 2, 3]) });
  backends.perform({ type: "udp-send", backend: 7, bytes: bytes() });
  expect(await event()).toEqual({ type: "udp-data", backend: 7, bytes: Buffer.alloc(0) });
});

test("each backend id has a socket of its own", async () => {
  const { port, sources } = await echo();
  const { backends, event } = setUp();
  for (const backend of [1, 2]) {
    backends.perform({ type: "udp-open", backend, host: "127.0.0.1", port });
    backends.perform({ type: "udp-send", backend, bytes: bytes(backend) });
  }
  const answers = [await event(), await event()] as Extract<BackendEvent, { type: "udp-data" }>[];
  for (const answer of answers) expect(answer.bytes[0]).toBe(answer.backend);
  expect(new Set(sources).size).toBe(2);
});

test("an IPv6 backend is reached", async () => {
  const { port } = await echo("::1");
  const { backends, event } = setUp();
  backends.perform({ type: "udp-open", backend: 1, host: "::1", port });
  backends.perform({ type: "udp-send", backend: 1, bytes: bytes(9) });
  expect(await event()).toMatchObject({ type: "udp-data", bytes: Buffer.from([9]) });
});

test("what is sent before the name is resolved is copied, kept in order up to a bound, and sent then", async () => {
  const { port } = await echo();
  const name = Promise.withResolvers<readonly string[]>();
  const { backends, event } = setUp(() => name.promise);
  backends.perform({ type: "udp-open", backend: 1, host: "db", port });
  const borrowed = bytes(0);
  for (let n = 0; n < 70; n++) {
    borrowed[0] = n;
    backends.perform({ type: "udp-send", backend: 1, bytes: borrowed });
  }
  expect(backends.stats.dropped["queue-full"]).toBe(6);
  name.resolve(["127.0.0.1"]);
  for (let n = 0; n < 64; n++) expect(await event()).toMatchObject({ bytes: Buffer.from([n]) });
});

test("the bytes that wait are bounded as well", () => {
  const { backends } = setUp(() => new Promise(() => {}));
  backends.perform({ type: "udp-open", backend: 1, host: "db", port: 1 });
  for (let n = 0; n < 3; n++) backends.perform({ type: "udp-send", backend: 1, bytes: new Uint8Array(30_000) });
  expect(backends.stats.dropped["queue-full"]).toBe(1);
});

test("a name that does not resolve is an event, and what waited is counted", async () => {
  const { backends, event } = setUp(async () => Promise.reject(new Error("ENOTFOUND")));
  backends.perform({ type: "udp-open", backend: 3, host: "nope.invalid", port: 1 });
  backends.perform({ type: "udp-send", backend: 3, bytes: bytes(1) });
  expect(await event()).toEqual({ type: "udp-failed", backend: 3, reason: "unresolved" });
  expect(backends.size).toBe(0);
  expect(backends.stats.dropped["not-open"]).toBe(1);
});

test("a port where nobody listens is reported as refused, once, and the id is dead", async () => {
  const { port, socket } = await echo();
  socket.close();
  const { backends, event, events } = setUp();
  backends.perform({ type: "udp-open", backend: 4, host: "127.0.0.1", port });
  backends.perform({ type: "udp-send", backend: 4, bytes: bytes(1) });
  expect(await event()).toEqual({ type: "udp-failed", backend: 4, reason: "refused" });
  backends.perform({ type: "udp-send", backend: 4, bytes: bytes(1) });
  expect(backends.stats.dropped["not-open"]).toBe(1);
  expect(events).toEqual([]);
});

test("an address that no socket can be connected to is an event", async () => {
  const { backends, event } = setUp();
  backends.perform({ type: "udp-open", backend: 5, host: "255.255.255.255", port: 9 });
  expect(await event()).toEqual({ type: "udp-failed", backend: 5, reason: "no-socket" });
});

test("a burst of answers is not lost while nobody reads", async () => {
  const burst = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (self, _bytes, port, host) => {
        for (let n = 0; n < 500; n++) self.send(new Uint8Array(1200).fill(n), port, host);
      },
    },
  });
  opened.push(burst);
  const { backends, event } = setUp();
  backends.perform({ type: "udp-open", backend: 1, host: "127.0.0.1", port: burst.port });
  backends.perform({ type: "udp-send", backend: 1, bytes: bytes(1) });
  for (let n = 0; n < 500; n++) expect(await event()).toMatchObject({ type: "udp-data" });
});

test("a payload that the kernel refuses is counted and the socket lives on", async () => {
  const { port } = await echo();
  const { backends, event } = setUp();
  backends.perform({ type: "udp-open", backend: 1, host: "127.0.0.1", port });
  backends.perform({ type: "udp-send", backend: 1, bytes: bytes(1) });
  await event();
  backends.perform({ type: "udp-send", backend: 1, bytes: new Uint8Array(70_000) });
  expect(backends.stats.dropped["send-error"]).toBe(1);
  backends.perform({ type: "udp-send", backend: 1, bytes: bytes(2) });
  expect(await event()).toMatchObject({ bytes: Buffer.from([2]) });
});

test("a backend closed while it is being opened opens nothing and says nothing", async () => {
  const name = Promise.withResolvers<readonly string[]>();
  const { backends, event, events } = setUp((host) => (host === "db" ? name.promise : Promise.reject(new Error())));
  backends.perform({ type: "udp-open", backend: 1, host: "db", port: 1 });
  backends.perform({ type: "udp-close", backend: 1 });
  name.resolve(["127.0.0.1"]);
  backends.perform({ type: "udp-open", backend: 2, host: "nope.invalid", port: 1 });
  expect(await event()).toMatchObject({ backend: 2 });
  expect(events).toEqual([]);
  expect(backends.stats.opened).toBe(0);
});

test("a backend closed while its name is asked for is not said to have failed", async () => {
  const name = Promise.withResolvers<readonly string[]>();
  const { backends, events, event } = setUp((host) => (host === "db" ? name.promise : Promise.reject(new Error())));
  backends.perform({ type: "udp-open", backend: 1, host: "db", port: 1 });
  backends.perform({ type: "udp-close", backend: 1 });
  name.reject(new Error("ENOTFOUND"));
  backends.perform({ type: "udp-open", backend: 2, host: "nope.invalid", port: 1 });
  expect(await event()).toMatchObject({ backend: 2 });
  expect(events).toEqual([]);
});

test("a backend closed while its socket is being made leaves no socket", async () => {
  const { port } = await echo();
  const { backends } = setUp();
  const made = Promise.withResolvers<{ readonly closed: boolean }>();
  const original = Bun.udpSocket;
  const spy = spyOn(Bun, "udpSocket").mockImplementation(((options: Parameters<typeof original>[0]) => {
    const socket = original(options);
    void socket.then(made.resolve);
    backends.perform({ type: "udp-close", backend: 1 });
    return socket;
  }) as typeof original);
  backends.perform({ type: "udp-open", backend: 1, host: "127.0.0.1", port });
  const socket = await made.promise;
  spy.mockRestore();
  await new Promise((turn) => setImmediate(turn));
  expect(socket.closed).toBe(true);
  expect(backends.stats.opened).toBe(0);
});

test("commands for ids that are unknown or closed twice do nothing", () => {
  const { backends } = setUp();
  backends.perform({ type: "udp-close", backend: 1 });
  backends.perform({ type: "udp-send", backend: 1, bytes: bytes(1) });
  expect(backends.stats.dropped["not-open"]).toBe(1);
});

test("closing all leaves no socket", async () => {
  const { port } = await echo();
  const { backends, event } = setUp();
  for (const backend of [1, 2, 3]) {
    backends.perform({ type: "udp-open", backend, host: "127.0.0.1", port });
    backends.perform({ type: "udp-send", backend, bytes: bytes(1) });
    await event();
  }
  expect(backends.size).toBe(3);
  backends.closeAll();
  expect(backends.size).toBe(0);
});
