// One poll for our descriptors and the runtime's: nobody starves, deadlines hold, a bug costs one turn.
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Millis } from "../../../src/core/machine.ts";
import { monotonicClock } from "../../../src/runtime/clock.ts";
import { type Libc, openLibc } from "../../../src/runtime/libc.ts";
import { openUdp } from "../../../src/runtime/open-udp.ts";
import { PollLoop, runtimeDescriptors } from "../../../src/runtime/poll-loop.ts";
import type { UdpSocket } from "../../../src/runtime/udp-socket.ts";
import { runProcess } from "../../support/process.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function startLoop(flush: () => Millis | undefined): Promise<void> {
  const libc = openLibc() as Libc;
  const loop = new PollLoop(libc, monotonicClock, await runtimeDescriptors(libc));
  closing.push(() => loop.remove([], flush));
  loop.add([], flush);
}

describe("the poll loop", () => {
  test("finds the runtime's own loop", async () => {
    expect((await runtimeDescriptors(openLibc() as Libc)).length).toBeGreaterThan(0);
  });

  test("calls when a deadline is due, and not before", async () => {
    const due = monotonicClock.now() + 25;
    const first = await new Promise<Millis>((resolve) => {
      void startLoop(() => {
        const now = monotonicClock.now();
        if (now >= due) resolve(now);
        return due;
      });
    });
    expect(first).toBeGreaterThanOrEqual(due);
  });

  test("lets timers, servers and promises of the runtime have their turn", async () => {
    await startLoop(() => undefined);
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("ok") });
    closing.push(() => void server.stop(true));
    expect(await (await fetch(server.url)).text()).toBe("ok");
    await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test("goes on after a bug in what it calls", async () => {
    // In a process of its own, because a test runner takes every uncaught error for a failure.
    const { stdout, status } = await runProcess([process.execPath, "-e", BUGGY]);
    expect([stdout, status]).toEqual(["reported a bug\nstill calling\n", 0]);
  });

  test("serves everything else while a socket is flooded", async () => {
    let received = 0;
    const handlers = { receive: () => void received++, flush: () => undefined };
    const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], handlers, { io: "linux" });
    closing.push(() => socket.close());
    socket.wake();
    const flood = await floodOf(socket);
    let ticks = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        flood();
        if (++ticks < 20) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
    expect(received).toBeGreaterThan(1000);
  });
});

/** Each call leaves hundreds of packets in the kernel's buffer of `target`. */
async function floodOf(target: UdpSocket): Promise<() => void> {
  const { socket } = await openUdp(
    [{ host: "127.0.0.1", port: 0 }],
    { receive: () => {}, flush: () => undefined },
    { io: "portable" },
  );
  closing.push(() => socket.close());
  const to = socket.remote("127.0.0.1", target.local[0]!.port);
  return () => {
    for (let i = 0; i < 200 && !socket.batch.full; i++) {
      socket.batch.next().fill(i & 0xff, 0, 1200);
      socket.batch.commit(1000 + (i % 200), to);
    }
    socket.flush();
  };
}

const SOURCES = join(import.meta.dir, "../../../src/runtime");
const BUGGY = `
  import { PollLoop, runtimeDescriptors } from "${SOURCES}/poll-loop.ts";
  import { openLibc } from "${SOURCES}/libc.ts";
  import { monotonicClock } from "${SOURCES}/clock.ts";
  process.on("uncaughtException", (error) => console.log("reported", error.message));
  let calls = 0;
  const libc = openLibc();
  const loop = new PollLoop(libc, monotonicClock, await runtimeDescriptors(libc));
  loop.add([], () => {
    if (++calls === 1) throw new Error("a bug");
    if (calls === 5) { console.log("still calling"); process.exit(0); }
  });
`;
