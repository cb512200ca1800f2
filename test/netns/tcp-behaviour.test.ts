// What applications do with TCP besides one long transfer: many connections at once, readers that pause, half-closed
// connections, requests that end with their first segment. The kernel's TCP through a TUN device, over bad paths.
import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { requireBinary } from "../support/binary.ts";
import type { Daemon } from "../support/daemons.ts";
import { type LargeFile, LargeFiles, sha256Of } from "../support/large-files.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { runProcess, source, startProcess } from "../support/process.ts";
import { type RealServer, startNginx } from "../support/real-servers.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

const missing = [withoutNetworkNamespaces(), withoutProgram("nginx"), withoutProgram("curl")];
const here = testUnless(...missing);
const PORT = 8080;
const LATE_PORT = 9090;
const TEST_MS = 90_000;
const CONNECTOR_FLAGS = ["--service", "lab", "--service-ip", LAB, "--forward", "127.0.0.1"];
const BAD_PATH = { loss: 0.01, delayMs: 2, duplicate: 0.01, reorder: 0.01, reorderMs: 3 };

const files = new LargeFiles();
let world: TunnelWorld;
let agent: Daemon;
let nginx: RealServer;
let large: LargeFile;
let small: LargeFile;

beforeAll(async () => {
  if (missing.some((reason) => reason !== undefined)) return;
  requireBinary();
  world = await TunnelWorld.open({ seed: 61, connectorFlags: CONNECTOR_FLAGS });
  nginx = world.use(await startNginx({ prefix: world.hosts.connector.prefix, port: PORT }));
  agent = await world.startAgent();
  large = files.make("large", 100_000_000);
  small = files.make("small", 1_000_000);
  for (const { path } of [large, small]) symlinkSync(path, join(nginx.directory, "files", path.split("/").at(-1)!));
  await world.impairer.set(BAD_PATH);
}, TEST_MS);

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  files[Symbol.dispose]();
  removeNamespaces();
});

const url = (name: string) => `http://${LAB}:${PORT}/${name}`;

here(
  "fifty downloads at once all arrive whole, although the connector opens ten a second",
  async () => {
    const outputs = Array.from({ length: 50 }, (_, i) => join(world.cwd, `download-${i}`));
    const transfers = outputs.flatMap((output) => ["-o", output, url("small")]);
    const command = [
      "curl",
      "-sS",
      "--fail",
      "-Z",
      "--no-progress-meter",
      "--parallel-immediate",
      "--parallel-max",
      "50",
      ...transfers,
    ];
    const run = await runProcess([...world.hosts.agent.prefix, ...command], { timeoutMs: TEST_MS - 5000 });
    expect(run.status).toBe(0);
    const sums = await Promise.all(outputs.map(sha256Of));
    expect(new Set(sums)).toEqual(new Set([small.sha256]));
  },
  TEST_MS,
);

here(
  "a reader that pauses for ten seconds holds its sender up, and nobody's memory grows",
  async () => {
    const { impairer, connector, relay } = world;
    await impairer.set({ loss: 0, delayMs: 0, duplicate: 0, reorder: 0 });
    const passed = async () => (await impairer.report()).reports.agent!.down.forwarded;
    const output = join(world.cwd, "paused");
    const command = ["curl", "-sS", "--fail", "-o", output, url("large")];
    const curl = world.use(startProcess([...world.hosts.agent.prefix, ...command]));
    const start = await passed();
    while ((await passed()) - start < 10_000) await Bun.sleep(5);
    curl.signal("SIGSTOP");
    const daemons = { agent, relay, connector };
    // What is under way fills the buffers; then everything stands still.
    await Bun.sleep(2000);
    const before = memoryOf(daemons);
    const standing = await passed();
    await Bun.sleep(8000);
    const moved = (await passed()) - standing;
    const after = memoryOf(daemons);
    curl.signal("SIGCONT");
    expect(await curl.ended).toMatchObject({ status: 0, stderr: "" });
    expect(await sha256Of(output)).toBe(large.sha256);
    // Window probes and keepalives, no data: that would be thousands of packets.
    expect(moved).toBeLessThan(300);
    for (const name of ["agent", "relay", "connector"] as const) {
      expect({ name, grownBy: Math.max(0, after[name] - before[name] - 16) }).toEqual({ name, grownBy: 0 });
    }
    await impairer.set(BAD_PATH);
  },
  TEST_MS,
);

for (const [how, together] of [
  ["by itself", []],
  ["in the request's own segment", ["together"]],
] as const) {
  here(
    `a client that has said everything, ${how}, still gets a late answer of a megabyte`,
    async () => {
      const asked = await world.hosts.connector.enter(() => lateServer(readFileSync(small.path)));
      const client = source("test/support/raw-tcp-client.ts", LAB, `${LATE_PORT}`, "all of the request", ...together);
      const { stdout, stderr } = await runProcess([...world.hosts.agent.prefix, ...client], {
        timeoutMs: TEST_MS - 5000,
      });
      asked.stop();
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({ bytes: small.bytes, sha256: small.sha256 });
      expect(asked.requests).toEqual(["all of the request"]);
    },
    TEST_MS,
  );
}

/** Answers a second after its client has said that this was all, and then ends too. */
function lateServer(answer: Uint8Array) {
  const requests: string[] = [];
  interface Conversation {
    request: string;
    sent: number;
  }
  const send = (socket: Bun.Socket<Conversation>) => {
    const { data } = socket;
    data.sent += socket.write(answer.subarray(data.sent));
    if (data.sent === answer.length) socket.end();
  };
  const listener = Bun.listen<Conversation>({
    hostname: "127.0.0.1",
    port: LATE_PORT,
    allowHalfOpen: true,
    socket: {
      open: (socket) => {
        socket.data = { request: "", sent: -1 };
      },
      data: (socket, bytes) => {
        socket.data.request += bytes.toString();
      },
      end: (socket) => {
        requests.push(socket.data.request);
        setTimeout(() => {
          socket.data.sent = 0;
          send(socket);
        }, 1000);
      },
      drain: (socket) => {
        if (socket.data.sent >= 0 && socket.data.sent < answer.length) send(socket);
      },
    },
  });
  return { requests, stop: () => listener.stop(true) };
}

/** Resident megabytes. */
function memoryOf<K extends string>(daemons: Readonly<Record<K, Daemon>>): Record<K, number> {
  const megabytes = ({ process }: Daemon) => {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))!;
    return Math.round(Number(kilobytes) / 1024);
  };
  return Object.fromEntries(
    Object.entries<Daemon>(daemons).map(([name, daemon]) => [name, megabytes(daemon)]),
  ) as Record<K, number>;
}
