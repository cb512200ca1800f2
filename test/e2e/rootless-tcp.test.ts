// Local ports of a rootless agent, from the compiled binary: what curl and other TCP programs meet.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { startProcess } from "../support/process.ts";
import { LATE_BYTES, pattern, RootlessWorld, virtualIp } from "../support/rootless-world.ts";
import { testUnless, withoutProgram } from "../support/skip.ts";

let world: RootlessWorld;
beforeAll(async () => {
  world = await RootlessWorld.open(["web:80", "late:7", "gone:7", "socks5"]);
});
afterAll(async () => await world[Symbol.asyncDispose]());

const needsCurl = testUnless(withoutProgram("curl"));

async function curl(...args: readonly string[]) {
  const { status, stdout } = await startProcess(["curl", "-sS", "--max-time", "50", ...args], { name: "curl" }).ended;
  return { status, stdout };
}

const web = (path: string) => `http://127.0.0.1:${world.ports[0]}${path}`;
const socks = () => `127.0.0.1:${world.ports[3]}`;
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function dial(port: number | undefined): Promise<Socket> {
  const socket = connect({ port: port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
  return new Promise((done, fail) => socket.once("connect", () => done(socket)).once("error", fail));
}

/** Everything until the other side's end; how it ended. */
function readAll(socket: Socket): Promise<{ readonly bytes: Buffer; readonly how: string }> {
  const parts: Buffer[] = [];
  socket.on("data", (data: Buffer) => parts.push(data));
  return new Promise((done) => {
    const end = (how: string) => done({ bytes: Buffer.concat(parts), how });
    socket.once("end", () => end("end")).once("error", ({ code }: NodeJS.ErrnoException) => end(code ?? "error"));
  });
}

needsCurl("curl asks several times over one connection through --listen", async () => {
  const before = Number((await curl(web("/count"))).stdout);
  const { status, stdout } = await curl(web("/bytes/5"), web("/bytes/5"), web("/count"));
  expect(status).toBe(0);
  expect(Number(stdout.split("\n").at(-2)?.replace(/\D/g, "").at(-1) ?? 0)).toBe((before + 1) % 10);
});

needsCurl("curl reaches a service by name and by address through SOCKS5", async () => {
  for (const host of ["web", "web.ztna", "WEB", virtualIp("web")]) {
    const { status, stdout } = await curl("--socks5-hostname", socks(), `http://${host}:80/bytes/3`);
    expect([status, stdout.length]).toEqual([0, 3]);
  }
  expect((await curl("--socks5", socks(), `http://${virtualIp("web")}/bytes/3`)).status).toBe(0);
});

needsCurl("curl is told what cannot be reached through SOCKS5", async () => {
  const told = async (url: string) => {
    const ended = startProcess(["curl", "-sS", "--max-time", "20", "--socks5-hostname", socks(), url]).ended;
    const { status, stderr } = await ended;
    return `${status} ${/\((\d+)\)\s*$/.exec(stderr)?.[1]}`;
  };
  expect(await told("http://example.org/")).toBe("97 2");
  expect(await told("http://127.0.0.1/")).toBe("97 2");
  expect(await told("http://gone:7/")).toBe("97 5");
});

test("what nobody serves is reset at once", async () => {
  const socket = await dial(world.ports[2]);
  expect((await readAll(socket)).how).toBe("ECONNRESET");
  expect(world.agent.process.stderr).toContain("local-connection-refused");
  expect(world.agent.process.stderr).toContain("reason=refused");
});

test("each direction ends by itself: a late answer of a megabyte comes after the question's end", async () => {
  const socket = await dial(world.ports[1]);
  socket.end(pattern(100_000));
  const { bytes, how } = await readAll(socket);
  expect(how).toBe("end");
  expect(bytes.subarray(0, 7).toString()).toBe("100000\n");
  expect(digest(bytes.subarray(7))).toBe(digest(pattern(LATE_BYTES)));
});

needsCurl("what is uploaded arrives", async () => {
  const body = pattern(8_000_000);
  const file = `${world.cwd}/upload`;
  await Bun.write(file, body);
  const { stdout } = await curl("--data-binary", `@${file}`, web("/"));
  expect(stdout).toBe("8000000\n");
  expect(digest(world.web.uploads.at(-1)!)).toBe(digest(body));
});

test("fifty downloads at once are complete", async () => {
  const length = 1_000_000;
  const expected = digest(pattern(length));
  const download = async () => digest(new Uint8Array(await (await fetch(web(`/bytes/${length}`))).arrayBuffer()));
  const digests = await Promise.all(Array.from({ length: 50 }, download));
  expect(new Set(digests)).toEqual(new Set([expected]));
});

test("a download goes on where it was when the relay is killed and comes back", async () => {
  const length = 30_000_000;
  const socket = await dial(world.ports[0]);
  const { promise: halfway, resolve: isHalfway } = Promise.withResolvers<void>();
  const { promise: done, resolve: isDone } = Promise.withResolvers<void>();
  const parts: Buffer[] = [];
  let received = 0;
  socket.on("data", (data: Buffer) => {
    parts.push(data);
    received += data.length;
    if (received > length / 3) isHalfway();
  });
  socket.once("end", isDone);
  socket.write(`GET /bytes/${length} HTTP/1.0\r\nHost: web\r\n\r\n`);
  await halfway;
  await world.killRelay();
  const before = received;
  await world.startRelay();
  await done;
  socket.destroy();
  expect(before).toBeLessThan(length);
  const all = Buffer.concat(parts);
  expect(digest(all.subarray(all.indexOf("\r\n\r\n") + 4))).toBe(digest(pattern(length)));
}, 60_000);
