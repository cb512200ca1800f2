// The live cluster, through programs that stand in for kubectl: everything that the real one may answer, and what no
// program should.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { asCa, asConnector, asRelay, base64, type Made, make } from "../../support/secret-material.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary-directory.ts";

const ca = await make("CA", asCa);
const relay = await make("relay", { ...asRelay, issuer: ca });
const connector = await make("connector", { ...asConnector, issuer: ca });

/** A directory with a kubectl in it that does what the shell script says. */
function standIn(script: string): TemporaryDirectory {
  const directory = temporaryDirectory();
  directory.write(
    "kubectl",
    `#!/bin/sh\nHERE=${directory.path}\necho "$@" >> ${directory.path}/calls\n${script}\n`,
    0o755,
  );
  directory.write("relay.json", secret("ztna-intermediate-tls", relay));
  directory.write("connector.json", secret("ztna-connector-tls", connector));
  directory.write("calls", "");
  return directory;
}

function secret(name: string, { crt, key }: Made, namespace = "ztna"): string {
  const data = { "tls.crt": base64(crt), "tls.key": base64(key), "ca.crt": base64(ca.crt) };
  return JSON.stringify({ kind: "Secret", metadata: { name, namespace }, type: "kubernetes.io/tls", data });
}

async function validate(directory: TemporaryDirectory, ...args: readonly string[]) {
  const terminal = recordingTerminal({ PATH: `${directory.path}:/usr/bin:/bin` });
  const status = await main(["validate-secrets", ...args], terminal);
  return {
    status,
    stdout: terminal.stdout,
    stderr: terminal.stderr,
    calls: readFileSync(join(directory.path, "calls"), "utf8"),
  };
}

const ANSWER =
  'case "$3" in ztna-intermediate-tls) cat "$HERE/relay.json";; ztna-connector-tls) cat "$HERE/connector.json";; esac';

test("good secrets of the cluster pass, and no more is asked for than the two", async () => {
  using cluster = standIn(ANSWER);
  const { status, stdout, calls } = await validate(cluster);
  expect(stdout).toStartWith("OK: <cluster>: ztna/ztna-intermediate-tls: CN=relay, valid for 299 more days\nOK: ");
  expect(status).toBe(0);
  expect(calls.trim().split("\n")).toEqual([
    "get secret ztna-intermediate-tls --namespace ztna --ignore-not-found --output json --request-timeout=30s",
    "get secret ztna-connector-tls --namespace ztna --ignore-not-found --output json --request-timeout=30s",
  ]);
});

test("the namespace is the argument, the context an option", async () => {
  using cluster = standIn(ANSWER);
  const { calls, status, stdout } = await validate(cluster, "edge", "--context", "blue", "--timeout", "5s");
  expect(calls).toContain("--namespace edge --ignore-not-found --output json --request-timeout=5s --context blue");
  expect(stdout).toContain("[wrong-namespace]");
  expect(status).toBe(1);
});

test("a secret that a manifest refers to is looked for in the cluster, and only if nothing else has it", async () => {
  using cluster = standIn(`[ "$3" = extra ] && exit 0\n${ANSWER}`);
  const volumes = ["extra", "ztna-connector-tls"].map((secretName) => ({ secret: { secretName } }));
  const pod = cluster.write("pod.json", JSON.stringify({ kind: "Pod", metadata: { name: "p" }, spec: { volumes } }));
  const { status, stdout, calls } = await validate(cluster, "--manifest", pod, "--cluster");
  expect(calls.match(/get secret \S+/g)).toEqual([
    "get secret ztna-intermediate-tls",
    "get secret ztna-connector-tls",
    "get secret extra",
  ]);
  expect(stdout.match(/\[[a-z-]+\]/g)).toEqual(["[unresolved-reference]"]);
  expect(status).toBe(1);
});

describe("missing is missing, and everything else is not", () => {
  const table: readonly [string, string, number, string][] = [
    ["not found, in silence", "exit 0", 1, "missing-secret"],
    [
      "not found, said aloud",
      'echo "Error from server (NotFound): secrets \\"x\\" not found" >&2; exit 1',
      1,
      "missing-secret",
    ],
    [
      "no permission",
      'echo "Error from server (Forbidden): secrets is forbidden: User cannot get" >&2; exit 1',
      5,
      "cluster-forbidden",
    ],
    [
      "not logged in",
      'echo "error: You must be logged in to the server (Unauthorized)" >&2; exit 1',
      5,
      "cluster-forbidden",
    ],
    [
      "no cluster",
      'echo "The connection to the server was refused - did you specify the right host" >&2; exit 1',
      5,
      "cluster-unreachable",
    ],
    ["no such context", 'echo "error: context \\"blue\\" does not exist" >&2; exit 1', 5, "cluster-unreachable"],
    ["a crash", "kill -9 $$", 5, "cluster-unreachable"],
    ["garbage", "head -c 5000 /dev/urandom", 5, "cluster-unreachable"],
    ["JSON of something else", 'echo \'{"kind":"Pod"}\'', 5, "cluster-unreachable"],
    ["half of an answer", 'head -c 300 "$HERE/relay.json"', 5, "cluster-unreachable"],
    ["an answer without end", "yes", 5, "cluster-unreachable"],
    ["nonsense in a secret", 'echo \'{"kind":"Secret","data":7}\'', 1, "bad-secret"],
  ];
  test.each(table)("%s", async (_, script, expected, id) => {
    using cluster = standIn(script);
    const { status, stdout, stderr } = await validate(cluster);
    expect(stdout).toContain(`[${id}]`);
    if (expected === 5) expect(stdout).not.toContain("[missing-secret]");
    expect(status).toBe(expected);
    expect(stderr).toBe("");
  });

  test("no kubectl", async () => {
    using empty = temporaryDirectory();
    empty.write("calls", "");
    const terminal = recordingTerminal({ PATH: empty.path });
    expect(await main(["validate-secrets"], terminal)).toBe(5);
    expect(terminal.stdout).toContain("kubectl is not on the PATH");
  });

  test("slow, and with a child that keeps its output open", async () => {
    using cluster = standIn("sleep 600 &\necho $! > $HERE/pid\nsleep 600");
    const began = performance.now();
    const { status, stdout } = await validate(cluster, "--timeout", "300ms");
    expect(stdout).toContain("kubectl gave no answer within 1 s");
    expect(status).toBe(5);
    expect(performance.now() - began).toBeLessThan(5000);
    const left = readFileSync(join(cluster.path, "pid"), "utf8").trim();
    const gone = Bun.spawnSync(["tail", `--pid=${left}`, "-f", "/dev/null"], { timeout: 5000 });
    expect(gone.exitCode).toBe(0);
  });
});

test("nothing that kubectl says is repeated, whatever it quotes", async () => {
  const line = base64(relay.key).slice(20, 60);
  for (const script of [
    `echo "${line}" >&2; exit 1`,
    `echo "${line}"`,
    `echo "secrets ${line} not found" >&2; exit 1`,
  ]) {
    using cluster = standIn(script);
    const { stdout, stderr } = await validate(cluster, "--json");
    expect(stdout + stderr).not.toContain(line.slice(0, 12));
  }
});

test("what is wrong in the cluster outweighs nothing that could not be asked", async () => {
  using cluster = standIn(`[ "$3" = ztna-intermediate-tls ] && exit 0\necho forbidden >&2; exit 1`);
  using directory = temporaryDirectory();
  const both = await validate(cluster, "--cluster", "--dir", directory.path, "--dir", join(directory.path, "gone"));
  expect(both.stdout.match(/\[[a-z-]+\]/g)?.toSorted()).toEqual([
    "[cluster-forbidden]",
    "[missing-secret]",
    "[missing-secret]",
    "[unreadable]",
  ]);
  expect(both.status).toBe(5);
  expect((await validate(cluster, "--dir", directory.path, "--dir", join(directory.path, "gone"))).status).toBe(4);
});
