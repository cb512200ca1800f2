// Secrets of a live cluster, through kubectl: only those that are asked for, one by one. What kubectl writes is never
// repeated, because nobody knows what it may quote; it is told apart into a few cases.
import type { FindingId } from "../pki/finding-catalogue.ts";
import { gatherObjects } from "../pki/manifest-secrets.ts";
import { textAt, treeOf } from "../pki/manifest-tree.ts";
import { type Gathered, gathered } from "../pki/secret-record.ts";
import { readBounded, type Terminal } from "./terminal.ts";

export const CLUSTER = "<cluster>";

export interface ClusterQuery {
  readonly names: readonly { readonly name: string; readonly namespace: string }[];
  readonly context: string | undefined;
  readonly timeoutMs: number;
  readonly environment: Terminal["environment"];
}

/** Stops at the first answer that says nothing about the secrets. */
export async function gatherCluster(query: ClusterQuery): Promise<Gathered> {
  const program = Bun.which("kubectl", { PATH: query.environment.PATH ?? "" });
  if (program === null) return failed("cluster-unreachable", "kubectl is not on the PATH");
  const parts: Gathered[] = [];
  for (const target of query.names) {
    const answer = await ask(program, target, query);
    if ("id" in answer) return failed(answer.id, answer.detail);
    parts.push(answer);
  }
  return gathered({
    records: parts.flatMap(({ records }) => records),
    findings: parts.flatMap(({ findings }) => findings),
  });
}

interface Failure {
  readonly id: FindingId;
  readonly detail: string;
}

async function ask(
  program: string,
  { name, namespace }: ClusterQuery["names"][number],
  { context, timeoutMs, environment }: ClusterQuery,
): Promise<Gathered | Failure> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const outcome = await execute(
    [
      ...[program, "get", "secret", name, "--namespace", namespace, "--ignore-not-found", "--output", "json"],
      ...[`--request-timeout=${seconds}s`, ...(context === undefined ? [] : ["--context", context])],
    ],
    environment,
    timeoutMs,
  );
  if (outcome === "timeout") return unreachable(`kubectl gave no answer within ${seconds} s`);
  if (outcome === "too-large") return unreachable("kubectl answered with more than a secret can hold");
  if (outcome.code !== 0) return isAbsent(outcome.stderr) ? gathered({}) : failureOf(outcome.stderr);
  return outcome.stdout.trim() === "" ? gathered({}) : read(outcome.stdout);
}

function read(answer: string): Gathered | Failure {
  try {
    const object = treeOf(JSON.parse(answer));
    if (!["Secret", "SecretList", "List"].includes(textAt(object, "kind") ?? "")) {
      return unreachable("kubectl answered with something that is not a secret");
    }
    return gatherObjects([object], { file: CLUSTER, source: CLUSTER, origin: "cluster" });
  } catch {
    return unreachable("kubectl answered with something that is not JSON");
  }
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The process and whatever it starts are a group of their own, so that nothing outlives the time limit. */
async function execute(
  command: readonly string[],
  environment: Terminal["environment"],
  timeoutMs: number,
): Promise<Outcome | "timeout" | "too-large"> {
  const child = Bun.spawn([...command], {
    ...{ env: { ...environment }, stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true },
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"timeout">((resolve) => {
    timer = setTimeout(() => resolve("timeout"), timeoutMs);
  });
  try {
    const all = Promise.all([bounded(child.stdout), bounded(child.stderr), child.exited]);
    const outcome = await Promise.race([all, late]);
    if (outcome === "timeout") return "timeout";
    const [stdout, stderr, code] = outcome;
    return stdout === undefined ? "too-large" : { code, stdout, stderr: stderr ?? "" };
  } finally {
    clearTimeout(timer);
    end(child.pid);
  }
}

/** undefined when there is more than an answer can be. */
async function bounded(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const bytes = await readBounded(stream, MAX_ANSWER);
  return bytes && new TextDecoder().decode(bytes);
}

function end(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Of the secret or its namespace; a context that does not exist is another matter. */
function isAbsent(stderr: string): boolean {
  return /\(NotFound\)|(?:secrets?|namespaces?) "[^"]*" not found/.test(stderr);
}

function failureOf(stderr: string): Failure {
  if (/forbidden|unauthorized|must be logged in|permission denied/i.test(stderr)) {
    return { id: "cluster-forbidden", detail: "the cluster refuses it" };
  }
  if (/context .* does not exist|no configuration|current-context is not set|kubeconfig/i.test(stderr)) {
    return unreachable("kubectl is not configured for this cluster");
  }
  if (/refused|no such host|timed? ?out|timeout|unreachable|unable to connect|EOF/i.test(stderr)) {
    return unreachable("kubectl does not reach the cluster");
  }
  return unreachable("kubectl failed");
}

function unreachable(detail: string): Failure {
  return { id: "cluster-unreachable", detail };
}

function failed(id: FindingId, detail: string): Gathered {
  return gathered({ findings: [{ id, place: { file: CLUSTER }, detail }] });
}

const MAX_ANSWER = 10 * 1024 * 1024;
