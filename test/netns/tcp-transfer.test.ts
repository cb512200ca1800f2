// The kernel's own TCP through a TUN device, agent, relay and connector to nginx, over paths as bad as the Internet's:
// every byte arrives, whatever is lost, late, doubled or dark.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { requireBinary } from "../support/binary.ts";
import type { PathConditions } from "../support/impaired-link.ts";
import { type LargeFile, LargeFiles, sha256Of } from "../support/large-files.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { runProcess } from "../support/process.ts";
import { type RealServer, startNginx } from "../support/real-servers.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

const files = new LargeFiles();
let large: LargeFile;

beforeAll(() => {
  requireBinary();
  large = files.make("large", 100 * 1000 * 1000);
});
afterAll(() => {
  removeNamespaces();
  files[Symbol.dispose]();
});

const here = testUnless(withoutNetworkNamespaces(), withoutProgram("nginx"), withoutProgram("curl"));
const PORT = 8080;
const URL = `http://${LAB}:${PORT}`;
const TRANSFER_MS = 200_000;
const TEST_MS = 2 * TRANSFER_MS + 20_000;

interface Fixture extends AsyncDisposable {
  readonly world: TunnelWorld;
  readonly nginx: RealServer;
}

async function open(seed: number): Promise<Fixture> {
  const world = await TunnelWorld.open({ seed });
  const nginx = world.use(await startNginx({ prefix: world.hosts.connector.prefix, port: PORT }));
  symlinkSync(large.path, join(nginx.directory, "files/large"));
  await world.startAgent();
  return { world, nginx, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** The SHA-256 of what curl got. */
async function download({ world }: Fixture): Promise<string> {
  const program = `curl -sS --fail ${URL}/large | sha256sum`;
  const run = await runProcess([...world.hosts.agent.prefix, "sh", "-c", program], { timeoutMs: TRANSFER_MS });
  expect(run.stderr).toBe("");
  return run.stdout.slice(0, 64);
}

/** The SHA-256 of what nginx got. */
async function upload({ world, nginx }: Fixture): Promise<string> {
  const command = ["curl", "-sS", "--fail", "-T", large.path, `${URL}/upload/copy`];
  const run = await runProcess([...world.hosts.agent.prefix, ...command], { timeoutMs: TRANSFER_MS });
  expect(run).toMatchObject({ status: 0, stderr: "" });
  return sha256Of(join(nginx.directory, "files/upload/copy"));
}

/** Once a quarter of the bytes has passed the agent's path since this was called. */
async function underWay({ world }: Fixture, direction: "up" | "down"): Promise<void> {
  const passed = async () => (await world.impairer.report()).reports.agent![direction].forwarded;
  const start = await passed();
  while ((await passed()) - start < large.bytes / 4 / 1300) await Bun.sleep(20);
}

interface BadPath {
  readonly what: string;
  readonly conditions: Partial<PathConditions>;
  readonly counter?: "lost" | "reordered" | "duplicated";
}

const PATHS: readonly BadPath[] = [
  { what: "a good path", conditions: {} },
  { what: "1 % loss on both hops", conditions: { loss: 0.01 }, counter: "lost" },
  { what: "5 % loss on both hops", conditions: { loss: 0.05 }, counter: "lost" },
  { what: "5 % reordering on both hops", conditions: { reorder: 0.05, reorderMs: 3 }, counter: "reordered" },
  { what: "2 % duplication on both hops", conditions: { duplicate: 0.02 }, counter: "duplicated" },
];

describe("100 MB each way arrive whole", () => {
  for (const { what, conditions, counter } of PATHS) {
    here(
      `over ${what}`,
      async () => {
        await using fixture = await open(41);
        await fixture.world.impairer.set(conditions);
        expect(await download(fixture)).toBe(large.sha256);
        expect(await upload(fixture)).toBe(large.sha256);
        const { agent, connector } = (await fixture.world.impairer.report()).reports;
        for (const { up, down } of counter === undefined ? [] : [agent!, connector!]) {
          expect(Math.min(up[counter!], down[counter!])).toBeGreaterThan(100);
        }
      },
      TEST_MS,
    );
  }

  for (const [direction, transfer] of [
    ["down", download],
    ["up", upload],
  ] as const) {
    here(
      `${direction} through a black-out of a second`,
      async () => {
        await using fixture = await open(42);
        const done = transfer(fixture);
        await underWay(fixture, direction);
        await fixture.world.impairer.blackOut(1000);
        expect(await done).toBe(large.sha256);
        expect((await fixture.world.impairer.report()).reports.agent![direction].blackedOut).toBeGreaterThan(0);
      },
      TEST_MS,
    );

    here(
      `${direction} while the relay is killed and started again`,
      async () => {
        await using fixture = await open(43);
        const done = transfer(fixture);
        await underWay(fixture, direction);
        await fixture.world.restartRelay();
        expect(await done).toBe(large.sha256);
      },
      TEST_MS,
    );
  }
});
