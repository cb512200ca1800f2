// Local ports on real sockets of the loopback interface.
import { afterEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import type { LocalEvent } from "../../../src/agent/local.ts";
import { LocalPorts } from "../../../src/runtime/local-ports.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

type Told = LocalEvent extends infer Event ? Event : never;

function setUp() {
  const events: Told[] = [];
  let wake: (() => void) | undefined;
  const ports = new LocalPorts({
    emit: (event) => {
      events.push("bytes" in event ? { ...event, bytes: event.bytes.slice() } : event);
      wake?.();
    },
  });
  opened.push(ports);
  const event = async (): Promise<Told> => {
    while (events.length === 0) await new Promise<void>((done) => (wake = done));
    return events.shift()!;
  };
  return { ports, event };
}

async function dial(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.on("error", () => {});
  opened.push({ close: () => socket.destroy() });
  await new Promise<void>((done) => socket.once("connect", done));
  return socket;
}

/** A UDP program; `answer` is the next datagram that it gets. */
function program(family: "udp4" | "udp6" = "udp4") {
  const socket = createSocket(family);
  opened.push({ close: () => socket.close() });
  const answer = () =>
    new Promise<string>((done) => socket.once("message", (data, { port }) => done(`${data} from ${port}`)));
  const say = (text: string, port: number, host = family === "udp4" ? "127.0.0.1" : "::1") =>
    new Promise<number>((done) => socket.send(text, port, host, () => done(socket.address().port)));
  return { answer, say };
}

const text = (value: string) => new TextEncoder().encode(value);

describe("a listener", () => {
  test("takes TCP and UDP on one port, and says which listener it was", async () => {
    const { ports, event } = setUp();
    const listener = { host: "127.0.0.1", port: 0, udp: true };
    await ports.open([listener, listener]);
    const [first, second] = ports.local;
    expect(new Set([first!.port, second!.port, 0]).size).toBe(3);

    const socket = await dial(second!.port);
    const accepted = await event();
    expect(accepted).toMatchObject({ type: "local-accepted", listener: 1, host: "127.0.0.1" });
    if (accepted.type !== "local-accepted") throw new Error("not accepted");
    const { stream } = accepted;
    socket.write("hello");
    ports.perform({ type: "stream-resume", stream });
    expect(await event()).toEqual({ type: "stream-data", stream, bytes: text("hello") });
    ports.perform({ type: "stream-write", stream, bytes: text("answer") });
    expect(await event()).toEqual({ type: "stream-taken", stream, count: 6 });
    const answer = await new Promise((done) => socket.once("data", (data) => done(String(data))));
    expect(answer).toBe("answer");

    const { say, answer: next } = program();
    const port = await say("question", first!.port);
    const asked = await event();
    expect(asked).toMatchObject({ type: "local-datagram", socket: 0, bytes: text("question") });
    if (asked.type !== "local-datagram") throw new Error("no datagram");
    expect(asked.from).toMatchObject({ host: "127.0.0.1", port });
    ports.perform({ type: "local-datagram", socket: 0, to: asked.from, bytes: text("yes") });
    expect(await next()).toBe(`yes from ${first!.port}`);
  });

  test("knows a program by one object for as long as it speaks", async () => {
    const { ports, event } = setUp();
    await ports.open([{ host: "127.0.0.1", port: 0, udp: true }]);
    const { say } = program();
    await say("one", ports.local[0]!.port);
    const one = await event();
    await program().say("other", ports.local[0]!.port);
    const other = await event();
    await say("two", ports.local[0]!.port);
    const two = await event();
    if (one.type !== "local-datagram" || other.type !== "local-datagram" || two.type !== "local-datagram")
      throw new Error("no datagram");
    expect(one.from).toBe(two.from);
    expect(one.from).not.toBe(other.from);
  });

  test("works over IPv6", async () => {
    const { ports, event } = setUp();
    await ports.open([{ host: "::1", port: 0, udp: true }]);
    await dial(ports.local[0]!.port, "::1");
    expect(await event()).toMatchObject({ type: "local-accepted", host: "::1" });
    const { say, answer } = program("udp6");
    await say("six", ports.local[0]!.port);
    const asked = await event();
    if (asked.type !== "local-datagram") throw new Error("no datagram");
    ports.perform({ type: "local-datagram", socket: 0, to: asked.from, bytes: text("yes") });
    expect(await answer()).toStartWith("yes");
  });

  test("of SOCKS5 takes no datagrams on its own port", async () => {
    const { ports } = setUp();
    await ports.open([{ host: "127.0.0.1", port: 0, udp: false }]);
    const socket = createSocket("udp4");
    opened.push({ close: () => socket.close() });
    await new Promise<void>((done) => socket.bind(ports.local[0]!.port, "127.0.0.1", done));
  });

  test("that cannot be had says where and why", async () => {
    const server = createServer();
    opened.push({ close: () => server.close() });
    const port = await new Promise<number>((done) =>
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port)),
    );
    const { ports } = setUp();
    const listener = { host: "127.0.0.1", port, udp: true };
    const error = await ports.open([{ ...listener, port: 0 }, listener]).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "EADDRINUSE", address: listener });
  });

  test("whose UDP port is taken cannot be had either, and leaves TCP's free", async () => {
    const taken = createSocket("udp4");
    opened.push({ close: () => taken.close() });
    const port = await new Promise<number>((done) => taken.bind(0, "127.0.0.1", () => done(taken.address().port)));
    const { ports } = setUp();
    const error = await ports.open([{ host: "127.0.0.1", port, udp: true }]).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "EADDRINUSE" });
    await ports.open([{ host: "127.0.0.1", port, udp: false }]);
  });
});

describe("an association", () => {
  test("gets a socket beside its listener, until it is closed", async () => {
    const { ports, event } = setUp();
    await ports.open([{ host: "127.0.0.1", port: 0, udp: false }]);
    ports.perform({ type: "local-udp-open", socket: 70_000, listener: 0 });
    const there = await event();
    expect(there).toMatchObject({ type: "local-udp-opened", socket: 70_000, host: "127.0.0.1" });
    if (there.type !== "local-udp-opened") throw new Error("not opened");
    const { say, answer } = program();
    await say("question", there.port);
    const asked = await event();
    expect(asked).toMatchObject({ type: "local-datagram", socket: 70_000, bytes: text("question") });
    if (asked.type !== "local-datagram") throw new Error("no datagram");
    ports.perform({ type: "local-datagram", socket: 70_000, to: asked.from, bytes: text("yes") });
    expect(await answer()).toBe(`yes from ${there.port}`);
    ports.perform({ type: "local-udp-close", socket: 70_000 });
    ports.perform({ type: "local-datagram", socket: 70_000, to: asked.from, bytes: text("late") });
    expect(ports.undelivered).toBe(1);
  });

  test("that is closed while it is being opened is not announced", async () => {
    const { ports, event } = setUp();
    await ports.open([{ host: "127.0.0.1", port: 0, udp: false }]);
    ports.perform({ type: "local-udp-open", socket: 70_000, listener: 0 });
    ports.perform({ type: "local-udp-close", socket: 70_000 });
    ports.perform({ type: "local-udp-open", socket: 70_001, listener: 0 });
    expect(await event()).toMatchObject({ type: "local-udp-opened", socket: 70_001 });
  });

  test("of a listener that does not exist fails", async () => {
    const { ports, event } = setUp();
    ports.perform({ type: "local-udp-open", socket: 70_000, listener: 3 });
    expect(await event()).toEqual({ type: "local-udp-failed", socket: 70_000 });
  });
});
