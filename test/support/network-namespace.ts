// Network namespaces of a test's own: hosts that share nothing but the cables laid between them. Needs root.
import { dlopen, FFIType } from "bun:ffi";
import { closeSync, existsSync, openSync } from "node:fs";

export class NetworkNamespace implements Disposable {
  readonly name: string;
  /** What a command begins with that is to run in here. */
  readonly prefix: readonly string[];

  /** `what` tells it from others of this process in the output of commands. */
  constructor(what: string) {
    if (made === 0) removeLeftovers();
    this.name = `ztna-test-${process.pid}-${++made}-${what}`;
    this.prefix = ["ip", "netns", "exec", this.name];
    succeed(["ip", "netns", "add", this.name]);
    open.add(this);
    // Nobody else is here: IPv6 addresses need not be asked for before they are used.
    this.run("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
    this.run("ip", "link", "set", "lo", "up");
  }

  /** Runs a command in here to its end; throws when it fails. */
  run(...command: readonly string[]): string {
    return succeed([...this.prefix, ...command]);
  }

  /** Lays a cable to another one. Addresses are written with their prefix length. */
  connect(name: string, address: string, other: NetworkNamespace, otherName: string, otherAddress: string): void {
    const peer = ["peer", "name", otherName, "netns", other.name];
    succeed(["ip", "link", "add", name, "netns", this.name, "type", "veth", ...peer]);
    this.run("ip", "address", "add", address, "dev", name);
    other.run("ip", "address", "add", otherAddress, "dev", otherName);
    this.run("ip", "link", "set", name, "up");
    other.run("ip", "link", "set", otherName, "up");
  }

  /** Sockets that the body makes belong in here for ever. Nothing in it may wait: the thread itself is moved. */
  enter<T>(body: () => T): T {
    const home = openSync("/proc/thread-self/ns/net", "r");
    const here = openSync(`/run/netns/${this.name}`, "r");
    try {
      moveTo(here);
      return body();
    } finally {
      moveTo(home);
      closeSync(here);
      closeSync(home);
    }
  }

  [Symbol.dispose](): void {
    if (open.delete(this)) succeed(["ip", "netns", "delete", this.name]);
  }
}

/** For a test file's afterAll: a test that ran out of time has not ended what it started. */
export function removeNamespaces(): void {
  for (const { name } of open) remove(name);
  open.clear();
}

/** Those of processes that were killed. */
function removeLeftovers(): void {
  for (const [name, pid] of succeed(["ip", "netns", "list"]).matchAll(/^ztna-test-(\d+)-\S+/gm)) {
    if (!existsSync(`/proc/${pid}`)) remove(name);
  }
}

/** With the processes in it. */
function remove(name: string): void {
  for (const pid of succeed(["ip", "netns", "pids", name]).split("\n").filter(Boolean)) process.kill(Number(pid));
  succeed(["ip", "netns", "delete", name]);
}

function succeed(command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}

function moveTo(namespace: number): void {
  libc ??= dlopen("libc.so.6", { setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } });
  if (libc.symbols.setns(namespace, CLONE_NEWNET) !== 0) throw new Error("setns failed");
}

const CLONE_NEWNET = 0x4000_0000;
const open = new Set<NetworkNamespace>();
let made = 0;
let libc: { readonly symbols: { setns(descriptor: number, kind: number): number } } | undefined;
