// `ztna demo` with the compiled binary: it proves what it says, in time, and leaves neither processes nor files.
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(requireBinary);

/** Environment and working directory of its own, so that whatever is left behind shows. */
function surroundings() {
  const directory = temporaryDirectory();
  const temporary = join(directory.path, "tmp");
  mkdirSync(temporary);
  const env = { TMPDIR: temporary, ZTNA_SERVE_PORT: "not a port", BUN_OPTIONS: undefined };
  return { cwd: directory.path, temporary, env, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

function leftBehind(temporary: string): string[] {
  const directories = readdirSync(temporary).filter((name) => name.startsWith("ztna-demo-"));
  return [...directories, ...processesIn(temporary)];
}

/** Processes whose working directory is below the given one. */
function processesIn(directory: string): string[] {
  return readdirSync("/proc").filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/cwd`).startsWith(`${directory}/`);
    } catch {
      return false; // ended meanwhile, or somebody else's
    }
  });
}

describe("ztna demo", () => {
  test("shows allowed and refused requests and a fail-over within three seconds, and leaves nothing behind", async () => {
    using place = surroundings();
    const { cwd, temporary, env } = place;
    const durations: number[] = [];
    // The machine may be busy once; it must not be busy three times.
    for (let attempt = 0; attempt < 3 && (durations.at(-1) ?? 3000) >= 3000; attempt++) {
      const { status, stdout, stderr } = await runProcess([BINARY, "demo", "--json"], { cwd, env });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({
        schema_version: 1,
        relay: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        allowed: [
          { client: "laptop", service: "echo", sent: "hello from the laptop", received: "hello from the laptop" },
          { client: "laptop", service: "capitals", received: "HELLO FROM THE LAPTOP" },
        ],
        page: {
          ...{ client: "laptop", service: "page", status: 200 },
          url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
          body: expect.stringMatching(/^A private page on host [ab]$/),
        },
        refused: { client: "visitor", service: "echo", status: 2, reason: "not-granted" },
        fail_over: { signal: "SIGTERM", sent: 50 },
      });
      const { from, to, gap_ms, answered } = report.fail_over;
      expect([from, to].toSorted()).toEqual(["a", "b"]);
      expect(gap_ms).toBeGreaterThan(0);
      expect(gap_ms).toBeLessThan(1000);
      expect(answered).toBeGreaterThanOrEqual(45);
      durations.push(report.duration_ms);
      expect(leftBehind(temporary)).toEqual([]);
    }
    expect(Math.min(...durations)).toBeLessThan(3000);
  });

  test("tells the story in text and ends with the production commands", async () => {
    using place = surroundings();
    const { cwd, env } = place;
    const { status, stdout, stderr } = await runProcess([BINARY, "demo"], { cwd, env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const steps = [...stdout.matchAll(/^ {2}\d\.\d\d s {2}(\S+)/gm)].map((match) => match[1]);
    expect(steps).toEqual([
      "certificates",
      "relay",
      "connectors",
      "allowed",
      "allowed",
      "allowed",
      "refused",
      "fail-over",
    ]);
    for (const command of ["certs init", "certs issue", "serve", "connect", "test-client", "agent"]) {
      expect(stdout).toContain(`\n  ztna ${command} `.trimEnd());
    }
  });

  test("--keep leaves a network that serves until a signal ends it, with both connectors again", async () => {
    using place = surroundings();
    const { cwd, temporary, env } = place;
    const demo = startProcess([BINARY, "demo", "--keep", "--json"], { cwd, env });
    await demo.line(/^Running until/, { stream: "stderr", timeoutMs: 15_000 });
    const { relay, directory, page } = JSON.parse(demo.stdout);
    const credentials = ["--client-cert", "laptop.crt", "--client-key", "laptop.key", "--ca-cert", "ca.pem"];
    const request = [
      "--service",
      "echo",
      "--routed",
      "--expect-ack",
      "--dst",
      "10.100.0.1:7",
      "--send-udp",
      "still there",
    ];
    const client = await runProcess(
      [BINARY, "test-client", "--server", relay, ...credentials, ...request, "--wait", "300"],
      { cwd: directory, env },
    );
    expect(client.status).toBe(0);
    expect(client.stdout).toContain(Buffer.from("still there").toString("hex"));
    const status = await runProcess([BINARY, "status", "--control-dir", ".", "--json"], { cwd: directory, env });
    expect(status.status).toBe(0);
    const commands = JSON.parse(status.stdout).daemons.map(({ command }: { command: string }) => command);
    expect(commands.sort()).toEqual(["agent", "connect", "connect", "serve"]);
    expect(await (await fetch(page.url)).text()).toMatch(/^A private page on host [ab]$/);
    expect(processesIn(temporary)).toHaveLength(4);
    const ended = await demo.end("SIGTERM");
    expect(ended.status).toBe(0);
    expect(existsSync(directory)).toBe(false);
    expect(leftBehind(temporary)).toEqual([]);
  });

  test("an interruption ends it with 130 and everything that it started", async () => {
    using place = surroundings();
    const { cwd, temporary, env } = place;
    const demo = startProcess([BINARY, "demo"], { cwd, env });
    await demo.line(/ relay /);
    const ended = await demo.end("SIGINT");
    expect(ended.status).toBe(130);
    expect(leftBehind(temporary)).toEqual([]);
  });

  test("without a place for its files it says which variable to set", async () => {
    using place = surroundings();
    const env = { ...place.env, TMPDIR: join(place.cwd, "missing") };
    const { status, stderr } = await runProcess([BINARY, "demo"], { cwd: place.cwd, env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ztna: no place for the demo's files .*TMPDIR.*\n$/);
  });

  test("an unknown option is a usage error", async () => {
    using place = surroundings();
    const { cwd, env } = place;
    const { status, stderr } = await runProcess([BINARY, "demo", "--jsn"], { cwd, env });
    expect(status).toBe(2);
    expect(stderr).toContain("--json");
  });
});
