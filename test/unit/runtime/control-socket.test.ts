// The socket that tells how a daemon is: to its owner alone, to many, to none for long, and whatever they send.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { ControlSocket, readControlSocket, readControlSockets } from "../../../src/runtime/control-socket.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const place = temporaryDirectory();
beforeAll(() => chmodSync(place.path, 0o700));
afterAll(() => place[Symbol.dispose]());

let made = 0;
const fresh = () => join(place.path, `d${++made}`);

async function open(options: Partial<Parameters<typeof ControlSocket.open>[0]> = {}) {
  const socket = await ControlSocket.open({ directory: fresh(), name: "agent-1", document: () => "told", ...options });
  return Object.assign(socket, { [Symbol.asyncDispose]: () => socket.close() });
}

const opened = (path: string) =>
  new Promise<Socket>((resolve, reject) => {
    const client = connect(path);
    client.once("connect", () => resolve(client));
    client.once("error", reject);
  });

const gone = (client: Socket) =>
  new Promise<void>((resolve) => {
    client.resume();
    client.once("close", () => resolve());
  });

test("answers everybody with what the daemon says now", async () => {
  let told = "first";
  await using socket = await open({ document: () => told });
  expect(await readControlSocket(socket.path)).toBe("first");
  told = "second";
  expect(await readControlSocket(socket.path)).toBe("second");
});

test("is its owner's alone, and goes with the daemon", async () => {
  const socket = await open();
  expect(statSync(socket.path).mode & 0o777).toBe(0o600);
  expect(statSync(join(socket.path, "..")).mode & 0o777).toBe(0o700);
  await socket.close();
  expect(existsSync(socket.path)).toBe(false);
});

test("is not made in a directory that others can reach, or that is none", async () => {
  const directory = fresh();
  mkdirSync(directory, { mode: 0o755 });
  chmodSync(directory, 0o755);
  await expect(open({ directory })).rejects.toThrow("not a directory of this user alone");
  chmodSync(directory, 0o700);
  const link = fresh();
  symlinkSync(directory, link);
  await expect(open({ directory: link })).rejects.toThrow("not a directory of this user alone");
  const file = fresh();
  writeFileSync(file, "");
  await expect(open({ directory: file })).rejects.toThrow();
});

test("what clients send is thrown away, and who sends much is cut off", async () => {
  await using socket = await open({ connectionMs: 60_000 });
  const chatty = await opened(socket.path);
  chatty.write("tell me more\n");
  let answer = "";
  for await (const chunk of chatty) answer += chunk;
  expect(answer).toBe("told");
  const client = await opened(socket.path);
  client.on("error", () => {});
  const flood = Buffer.alloc(1 << 20, "x");
  for (let i = 0; i < 32; i++) client.write(flood);
  await gone(client);
  expect(await readControlSocket(socket.path)).toBe("told");
});

test("clients that do not read are cut off, and keep nobody out for long", async () => {
  const large = "x".repeat(900_000);
  await using socket = await open({ document: () => large, connectionMs: 300 });
  const idle = await Promise.all(Array.from({ length: 20 }, () => opened(socket.path)));
  for (const client of idle) client.on("error", () => {});
  expect(socket.connections).toBeLessThanOrEqual(8);
  const refused = await readControlSocket(socket.path).catch((error: Error) => error.message);
  expect(refused).toBe("no answer");
  let answer = refused;
  while (answer.length < large.length) answer = await readControlSocket(socket.path).catch(() => "");
  for (const client of idle) client.destroy();
});

test("sockets of daemons that were killed are found dead, and removed by the next one", async () => {
  const directory = fresh();
  await using living = await open({ directory, name: "agent-2" });
  const dead = join(directory, "agent-3.sock");
  // Bound and abandoned: what a killed process leaves.
  const { status } = await leaveSocket(dead);
  expect([status, existsSync(dead)]).toEqual([0, true]);
  const found = await readControlSockets(directory);
  expect(found.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual([
    { path: living.path, document: "told", dead: false },
    { path: dead, document: undefined, dead: true },
  ]);
  await using _next = await open({ directory, name: "agent-4" });
  expect(existsSync(dead)).toBe(false);
  expect(existsSync(living.path)).toBe(true);
});

test("an answer that is endless, too slow or empty is no answer", async () => {
  const answering = async (answer: (client: Socket) => void) => {
    const path = fresh();
    const server = createServer((client) => {
      client.on("error", () => {});
      answer(client);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const outcome = await readControlSocket(path).then(
      () => "read",
      (error: Error) => error.message,
    );
    server.close();
    return outcome;
  };
  expect(await answering((client) => client.write(Buffer.alloc(4 << 20, "x")))).toBe("the answer is too long");
  expect(await answering((client) => client.end())).toBe("no answer");
  expect(await answering(() => {})).toBe("no answer in time");
  await expect(readControlSocket(fresh())).rejects.toThrow();
});

async function leaveSocket(path: string): Promise<{ status: number }> {
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const child = Bun.spawn([process.execPath, "-e", program]);
  await child.exited;
  return { status: child.signalCode === "SIGKILL" ? 0 : 1 };
}
