// TCP through the compiled relay and connector to real servers, from an agent in the test's own process: what arrives,
// what is refused and when, how connections end, and what they cost.
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { AgentTcp } from "../support/agent-tcp.ts";
import { requireBinary } from "../support/binary.ts";
import { blackHole } from "../support/black-hole.ts";
import { connectUnderTest, type DaemonUnderTest, freeTcpPort, serveUnderTest } from "../support/daemon-under-test.ts";
import { LiveTcp } from "../support/live-tcp.ts";
import { scrape } from "../support/metrics.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  requireBinary();
  pki = await testPki();
});

const ADDRESS = "10.100.0.1";
const text = (value: string) => new TextEncoder().encode(value);
/** Each takes a descriptor in this process and one in the connector. */
const IDLE_CONNECTIONS = Math.min(4_000, openFilesLimit() - 500);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

interface Network extends AsyncDisposable {
  readonly relay: DaemonUnderTest;
  readonly connector: DaemonUnderTest;
  readonly agent: LiveTcp;
}

/** A relay, a connector in front of that port of loopback, and an agent that is registered. */
async function network(port: number, args: readonly string[] = [], relayPort = 0, io = "auto"): Promise<Network> {
  const relay = await serveUnderTest(pki, ["--port", String(relayPort), "--io", io]);
  const offer = ["--service", "web", "--service-ip", ADDRESS, "--forward", `127.0.0.1:${port}`];
  const connector = await connectUnderTest(pki, relay.port, [...offer, "--io", io, ...args]);
  await connector.line(/^registered web$/, { stream: "stderr" });
  const agent = await LiveTcp.open({
    credential: pki.agent,
    relay: { port: relay.port },
    service: "web",
    address: ADDRESS,
  });
  const dispose = async () => {
    agent[Symbol.dispose]();
    await connector[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  };
  return { relay, connector, agent, [Symbol.asyncDispose]: dispose };
}

/** A server that does that with every connection; its own list of them. */
async function serve(serving: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serving(socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const dispose = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, sockets, [Symbol.dispose]: dispose };
}

const echo = () => serve((socket) => void socket.on("data", (data) => socket.write(data)));

/** Writes and resolves with the time at which so many bytes have come back. */
async function ask(agent: LiveTcp, program: AgentTcp, question: Uint8Array, answerBytes: number): Promise<number> {
  const before = performance.now();
  const want = program.receivedBytes + answerBytes;
  program.write(question, before);
  agent.wake();
  await agent.until(() => program.receivedBytes >= want, `${answerBytes} bytes of answer`);
  return performance.now() - before;
}

const isOpen = (program: AgentTcp) => program.events.includes("established");
const isReset = (program: AgentTcp) => program.events.includes("reset");

describe.each(["linux", "portable"])("with --io %s", (io) => {
  test("a real HTTP server is reached: pages, keep-alive, a large download and a large upload, byte for byte", async () => {
    const page = new Uint8Array(5_000_000).map((_, i) => (i * 31) >> 3);
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const path = new URL(request.url).pathname;
        if (path === "/large") return new Response(page);
        return path === "/upload" ? new Response(sha256(await request.bytes())) : new Response("hello");
      },
    });
    await using net = await network(server.port!, [], 0, io);
    const { agent } = net;
    const program = agent.dial(80);
    for (let i = 0; i < 3; i++) {
      program.write(text("GET / HTTP/1.1\r\nHost: web\r\n\r\n"), performance.now());
      agent.wake();
      await agent.until(() => program.text.split("\r\n\r\nhello").length === i + 2, "a page");
    }
    const start = program.receivedBytes;
    program.write(text("GET /large HTTP/1.1\r\nHost: web\r\n\r\n"), performance.now());
    agent.wake();
    await agent.until(() => program.receivedBytes > start + page.length, "the large page");
    expect(sha256(program.bytes.slice(-page.length))).toBe(sha256(page));
    const upload = agent.dial(80);
    upload.write(
      text(`POST /upload HTTP/1.1\r\nHost: web\r\nContent-Length: ${page.length}\r\n\r\n`),
      performance.now(),
    );
    upload.write(page, performance.now());
    agent.wake();
    await agent.until(() => upload.text.endsWith(sha256(page)), "the upload's sum");
    const { values } = await scrape(net.connector.statusPort);
    expect(values.get("ztna_connector_tcp_sessions_total")).toBe(2);
    expect(values.get("ztna_connector_tcp_errors_total")).toBe(0);
  }, 60_000);
});

test("a foreign destination is reset and reaches no backend", async () => {
  using backend = await echo();
  await using net = await network(backend.port);
  const stranger = await LiveTcp.open({
    credential: pki.agent,
    relay: { port: net.relay.port },
    service: "web",
    address: "10.100.0.9",
  });
  using _ = stranger;
  const program = stranger.dial(80);
  await stranger.until(() => isReset(program), "a reset");
  expect(backend.sockets).toEqual([]);
  const { values } = await scrape(net.connector.statusPort);
  expect(values.get('ztna_dropped_total{hop="agent",reason="foreign-address"}')).toBe(1);
});

test("of twenty connections at once ten are made and ten reset", async () => {
  using backend = await echo();
  await using net = await network(backend.port);
  const programs = Array.from({ length: 20 }, () => net.agent.dial(80));
  await net.agent.until(() => programs.every((one) => isOpen(one) || isReset(one)), "an answer to each");
  expect(programs.filter(isOpen)).toHaveLength(10);
  expect(programs.filter((one) => !isOpen(one) && isReset(one))).toHaveLength(10);
  expect(backend.sockets).toHaveLength(10);
  const { values } = await scrape(net.connector.statusPort);
  expect(values.get('ztna_dropped_total{hop="agent",reason="syn-rate"}')).toBe(10);
});

test("a backend that refuses resets at once", async () => {
  await using net = await network(await freeTcpPort());
  const before = performance.now();
  const program = net.agent.dial(80);
  const at = await net.agent.until(() => isReset(program), "a reset");
  expect(at - before).toBeLessThan(1_000); // and not the five seconds of one that does not answer
});

test("a backend that does not answer resets after five seconds, and other connections do not feel it", async () => {
  using hole = blackHole();
  using backend = await echo();
  const services = [
    { id: "hole", virtualIp: "10.100.0.2", backend: `127.0.0.1:${hole.port}` },
    { id: "web", virtualIp: ADDRESS, backend: `127.0.0.1:${backend.port}` },
  ];
  const config = `${pki.dir}/hole-${hole.port}.json`;
  await Bun.write(config, JSON.stringify({ services }));
  await using relay = await serveUnderTest(pki);
  await using connector = await connectUnderTest(pki, relay.port, ["--config", config]);
  for (const id of ["hole", "web"]) await connector.line(new RegExp(`^registered ${id}$`), { stream: "stderr" });
  const credential = pki.agentForAll;
  const to = { credential, relay: { port: relay.port } };
  using agent = await LiveTcp.open({ ...to, service: "web", address: ADDRESS });
  using other = await LiveTcp.open({ ...to, service: "hole", address: "10.100.0.2", source: "100.64.0.9" });
  const program = agent.dial(80);
  await ask(agent, program, text("warm"), 4);
  const before = performance.now();
  const blocked = other.dial(80, { handshakeTimeoutMs: 30_000 });
  let at: number | undefined;
  const reset = other.until(() => isReset(blocked), "a reset").then((when) => (at = when));
  const answers: number[] = [];
  while (at === undefined) answers.push(await ask(agent, program, text("ping"), 4));
  await reset;
  expect(at! - before).toBeGreaterThan(4_500);
  expect(at! - before).toBeLessThan(5_500);
  // Far below the five seconds that a blocking dial would cost the one that waits behind it.
  expect(Math.max(...answers)).toBeLessThan(1_000);
  expect(answers.length).toBeGreaterThan(20);
  expect(hole.attempts).toBe(0);
}, 30_000);

test("a request with its end is answered by a megabyte eight seconds later, and payload with a FIN is delivered", async () => {
  const answer = new Uint8Array(1_000_000).map((_, i) => i % 251);
  let heard = "";
  using backend = await serve((socket) => {
    socket.on("data", (data) => (heard += data));
    socket.on("end", () => setTimeout(() => socket.end(answer), 8_000));
  });
  await using net = await network(backend.port);
  const program = net.agent.dial(80);
  await net.agent.until(() => isOpen(program), "a connection");
  program.write(text("the whole request"), performance.now());
  program.close(performance.now()); // before the next turn: the FIN rides on the payload
  net.agent.wake();
  await net.agent.until(() => program.events.includes("remote-closed"), "the answer's end");
  expect(heard).toBe("the whole request");
  expect(sha256(program.bytes)).toBe(sha256(answer));
}, 30_000);

test("connections go on after the relay is started anew", async () => {
  const { promise: all, resolve } = Promise.withResolvers<string>();
  const upload = new Uint8Array(3_000_000).map((_, i) => i % 241);
  using backend = await serve((socket) => {
    const hash = createHash("sha256");
    let bytes = 0;
    socket.on("data", (data: Buffer) => {
      hash.update(data);
      bytes += data.length;
      if (bytes === upload.length) resolve(hash.digest("hex"));
    });
  });
  const port = await freeTcpPort();
  await using net = await network(backend.port, [], port);
  const program = net.agent.dial(80);
  await net.agent.until(() => isOpen(program), "a connection");
  program.write(upload.subarray(0, 1_000_000), performance.now());
  net.agent.wake();
  await net.relay[Symbol.asyncDispose]();
  const since = performance.now();
  await using again = await serveUnderTest(pki, ["--port", String(port)]);
  expect(again.port).toBe(port);
  await net.agent.end.registered("web", since);
  program.write(upload.subarray(1_000_000), performance.now());
  net.agent.wake();
  expect(await all).toBe(sha256(upload));
  expect(isReset(program)).toBe(false);
}, 60_000);

test(`${IDLE_CONNECTIONS} idle connections cost no processor time worth the name`, async () => {
  using backend = await echo();
  const many = ["--max-sessions", "--max-sessions-per-agent", "--max-syns-per-second"].flatMap((flag) => [
    flag,
    "20000",
  ]);
  await using net = await network(backend.port, many);
  const programs: AgentTcp[] = [];
  while (programs.length < IDLE_CONNECTIONS) {
    programs.push(...Array.from({ length: 250 }, () => net.agent.dial(80)));
    await net.agent.until(() => programs.every(isOpen), `${programs.length} connections`);
  }
  expect(backend.sockets).toHaveLength(IDLE_CONNECTIONS);
  const last = programs.at(-1)!;
  const before = processorMs(net.connector.pid);
  await Bun.sleep(4_000); // time is what is measured: nothing happens meanwhile
  const spent = processorMs(net.connector.pid) - before;
  // Looking at each of them once every 10 ms, as polling would, is beyond this by far.
  expect(spent).toBeLessThan(400);
  await ask(net.agent, last, text("still there"), 11);
}, 60_000);

/** How many descriptors a process may have here. */
function openFilesLimit(): number {
  const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Number(limit);
}

/** User and system time of a process, in milliseconds. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
