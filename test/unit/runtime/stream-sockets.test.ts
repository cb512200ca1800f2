// Stream commands on real sockets of the loopback interface, against node's own TCP.
import { afterEach, expect, test } from "bun:test";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { StreamSockets, type StreamSocketsOptions } from "../../../src/runtime/stream-sockets.ts";
import type { StreamEvent } from "../../../src/tunnel/stream.ts";
import { blackHole } from "../../support/black-hole.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

type Told = StreamEvent extends infer Event ? Event : never;

/** Events in order, each awaited once; bytes are copied when they come. */
function setUp(resolve: StreamSocketsOptions["resolver"]["resolve"] = async (host) => [host]) {
  const events: Told[] = [];
  let wake: (() => void) | undefined;
  const sockets = new StreamSockets({
    resolver: { resolve },
    emit: (event) => {
      events.push(event.type === "stream-data" ? { ...event, bytes: event.bytes.slice() } : event);
      wake?.();
    },
  });
  opened.push({ close: () => sockets.closeAll() });
  const event = async (): Promise<Told> => {
    while (events.length === 0) await new Promise<void>((done) => (wake = done));
    return events.shift()!;
  };
  return { sockets, event, events };
}

function serve(serving: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    opened.push({ close: () => socket.destroy() });
    socket.on("error", () => {});
    serving(socket);
  });
  opened.push({ close: () => server.close() });
  const { promise, resolve } = Promise.withResolvers<{ server: Server; port: number }>();
  server.listen(0, "127.0.0.1", () => resolve({ server, port: (server.address() as { port: number }).port }));
  return promise;
}

function opening(port: number, stream = 1, host = "127.0.0.1") {
  return { type: "stream-open", stream, host, port } as const;
}

const text = (value: string) => new TextEncoder().encode(value);

test("a stream opens, carries bytes both ways and says how much the kernel took", async () => {
  const { port } = await serve((socket) => void socket.on("data", (data) => socket.write(`got ${data}`)));
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  expect(await event()).toEqual({ type: "stream-opened", stream: 1 });
  sockets.perform({ type: "stream-write", stream: 1, bytes: text("hello") });
  expect(await event()).toEqual({ type: "stream-taken", stream: 1, count: 5 });
  expect(await event()).toEqual({ type: "stream-data", stream: 1, bytes: text("got hello") });
  expect(sockets.stats).toMatchObject({ opened: 1, bytesWritten: 5, bytesRead: 9 });
});

test("a write that the kernel does not take whole is told, and that there is room again", async () => {
  const { promise: accepted, resolve: accept } = Promise.withResolvers<Socket>();
  const { port } = await serve((socket) => accept(socket.pause()));
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  await event();
  const reader = await accepted;
  const much = new Uint8Array(64 * 1024 * 1024);
  sockets.perform({ type: "stream-write", stream: 1, bytes: much });
  const taken = await event();
  expect(taken).toMatchObject({ type: "stream-taken", stream: 1 });
  const count = (taken as { count: number }).count;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(much.length);
  sockets.perform({ type: "stream-write", stream: 1, bytes: much.subarray(0, 1000) });
  expect(await event()).toEqual({ type: "stream-taken", stream: 1, count: 0 });
  let read = 0;
  reader.on("data", (data) => (read += data.length));
  reader.resume();
  expect(await event()).toEqual({ type: "stream-writable", stream: 1 });
  sockets.perform({ type: "stream-write", stream: 1, bytes: much.subarray(0, 1000) });
  expect(await event()).toEqual({ type: "stream-taken", stream: 1, count: 1000 });
  sockets.perform({ type: "stream-end", stream: 1 });
  await new Promise((done) => reader.once("end", done));
  expect(read).toBe(count + 1000);
});

test("each direction ends by itself", async () => {
  const { port } = await serve((socket) => {
    let heard = "";
    socket.on("data", (data) => (heard += data));
    socket.on("end", () => socket.end(`after the end: ${heard}`));
  });
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  await event();
  sockets.perform({ type: "stream-write", stream: 1, bytes: text("request") });
  await event();
  sockets.perform({ type: "stream-end", stream: 1 });
  expect(await event()).toEqual({ type: "stream-data", stream: 1, bytes: text("after the end: request") });
  expect(await event()).toEqual({ type: "stream-ended", stream: 1 });
});

test("the other side may end first and still read", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { port } = await serve((socket) => {
    socket.end("bye");
    let heard = "";
    socket.on("data", (data) => (heard += data));
    socket.on("end", () => resolve(heard));
  });
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  await event();
  expect(await event()).toMatchObject({ type: "stream-data" });
  expect(await event()).toEqual({ type: "stream-ended", stream: 1 });
  sockets.perform({ type: "stream-write", stream: 1, bytes: text("more") });
  expect(await event()).toEqual({ type: "stream-taken", stream: 1, count: 4 });
  sockets.perform({ type: "stream-close", stream: 1, reset: false });
  expect(await promise).toBe("more");
  expect(sockets.size).toBe(0);
});

test("a paused stream brings nothing, not even its end, until it is resumed", async () => {
  const { port } = await serve((socket) => void socket.end("x".repeat(1000)));
  const { port: other } = await serve((socket) => void socket.write("y"));
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  await event();
  sockets.perform({ type: "stream-end", stream: 1 });
  sockets.perform({ type: "stream-pause", stream: 1 });
  // What comes on a second stream, opened later, shows that the first had its turn.
  sockets.perform(opening(other, 2));
  const between: Told[] = [];
  for (let told = await event(); ; told = await event()) {
    between.push(told);
    if (told.stream === 2 && told.type === "stream-data") break;
  }
  const early = between.filter(({ stream }) => stream === 1);
  expect(early.filter(({ type }) => type !== "stream-data")).toEqual([]); // what was read before the pause may be there
  sockets.perform({ type: "stream-resume", stream: 1 });
  if (early.length === 0) expect(await event()).toMatchObject({ type: "stream-data", stream: 1 });
  expect(await event()).toEqual({ type: "stream-ended", stream: 1 });
});

test("a reset by the other side is told, also while the stream is paused, and one of ours reaches it", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { port } = await serve((socket) => {
    if (accepted.push(socket) === 2) socket.on("error", (error) => resolve((error as { code?: string }).code ?? ""));
  });
  const accepted: Socket[] = [];
  const { sockets, event } = setUp();
  sockets.perform(opening(port));
  await event();
  sockets.perform({ type: "stream-pause", stream: 1 });
  while (accepted.length === 0) await new Promise(setImmediate);
  accepted[0]!.resetAndDestroy();
  expect(await event()).toEqual({ type: "stream-broken", stream: 1 });
  expect(sockets.size).toBe(0);
  sockets.perform(opening(port, 2));
  await event();
  while (accepted.length === 1) await new Promise(setImmediate);
  sockets.perform({ type: "stream-close", stream: 2, reset: true });
  expect(await promise).toBe("ECONNRESET");
});

test("a backend that refuses, that has no address, or a name without one fails the stream with the reason", async () => {
  const { port, server } = await serve(() => {});
  await new Promise((done) => server.close(done));
  const { sockets, event } = setUp(async (host) => {
    if (host === "nowhere.test") throw new Error("no such name");
    return [host];
  });
  sockets.perform(opening(port));
  expect(await event()).toEqual({ type: "stream-failed", stream: 1, reason: "refused" });
  sockets.perform(opening(80, 2, "nowhere.test"));
  expect(await event()).toEqual({ type: "stream-failed", stream: 2, reason: "unresolved" });
  sockets.perform(opening(80, 3, "255.255.255.255"));
  expect(await event()).toEqual({ type: "stream-failed", stream: 3, reason: "unreachable" });
  expect(sockets.stats.failed).toBe(3);
  expect(sockets.size).toBe(0);
});

test("a name with several addresses is tried one after the other", async () => {
  const { port } = await serve((socket) => void socket.end("here"));
  const { sockets, event } = setUp(async () => ["::1", "127.0.0.2", "127.0.0.1"]);
  sockets.perform(opening(port, 1, "several.test"));
  expect(await event()).toEqual({ type: "stream-opened", stream: 1 });
  expect(await event()).toMatchObject({ type: "stream-data" });
});

test("giving up a connection attempt that nobody answers ends it in the kernel at once", async () => {
  const hole = blackHole();
  opened.push(hole);
  const { sockets, events } = setUp();
  sockets.perform(opening(hole.port));
  while (hole.attempts === 0) await new Promise(setImmediate);
  sockets.perform({ type: "stream-close", stream: 1, reset: true });
  expect(hole.attempts).toBe(0);
  expect(sockets.size).toBe(0);
  expect(events).toEqual([]);
});

test("accepted connections have ids below zero and are not read before they are resumed", async () => {
  const { sockets, event, events } = setUp();
  const accepted: [number, string][] = [];
  const listening = await sockets.listen("127.0.0.1", 0, (stream, host) => void accepted.push([stream, host]));
  const program = dial(listening.port, "127.0.0.1");
  opened.push({ close: () => program.destroy() });
  await new Promise((done) => program.once("connect", done));
  await new Promise((done) => program.write("early", done));
  while (accepted.length === 0) await new Promise(setImmediate);
  expect(accepted).toEqual([[-1, "127.0.0.1"]]);
  expect(events).toEqual([]);
  sockets.perform({ type: "stream-resume", stream: -1 });
  expect(await event()).toEqual({ type: "stream-data", stream: -1, bytes: text("early") });
  listening.close();
  const late = dial(listening.port, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<string>();
  late.on("error", (error) => resolve((error as { code?: string }).code ?? ""));
  expect(await promise).toBe("ECONNREFUSED");
});

test("an address that is taken is the system's error", async () => {
  const { port } = await serve(() => {});
  const { sockets } = setUp();
  expect(sockets.listen("127.0.0.1", port, () => {})).rejects.toMatchObject({ code: "EADDRINUSE" });
});
