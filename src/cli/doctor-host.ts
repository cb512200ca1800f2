// What the doctor looks at on this host. Each finding is judged apart from how it was found out.
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { type SocketAbilities, socketAbilities } from "../runtime/socket-abilities.ts";
import { DEFAULT_BUFFER_BYTES } from "../runtime/socket-buffers.ts";
import { failure, ok, type Row, warning } from "./doctor-row.ts";
import type { Terminal } from "./terminal.ts";

export function hostRows(terminal: Terminal): readonly Row[] {
  const abilities = askSocket();
  return [
    judgeClock(Date.now(), statSync(process.execPath).mtimeMs),
    judgeBuffers(abilities),
    judgeOffload(abilities),
    judgeTun(tunState()),
    judgeFamilies(Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])),
    judgeEnvironment(terminal.environment),
    judgeTemporaryDirectory(tmpdir(), temporaryDirectoryFault(tmpdir())),
  ];
}

/** Certificates are judged by the clock; this very program cannot be younger than now, but may seem as old as it likes. */
export function judgeClock(now: number, programMadeAt: number): Row {
  const shown = new Date(now).toISOString();
  const remedy = "set the clock, and keep it with chrony or systemd-timesyncd";
  if (now < Math.max(FIRST_PLAUSIBLE, programMadeAt - DAY_MS))
    return failure("clock", `${shown}, which is before this program was made: the clock is behind`, remedy);
  if (now > LAST_PLAUSIBLE) return failure("clock", `${shown}, which is decades ahead`, remedy);
  return ok("clock", `${shown} is plausible`);
}

export function judgeBuffers(abilities: SocketAbilities | undefined): Row {
  if (abilities === undefined)
    return warning("buffers", "the kernel cannot be asked for buffer sizes", "run on Linux with glibc");
  const { receiveBufferBytes: receive, sendBufferBytes: send } = abilities;
  const detail = `${receive} bytes to receive, ${send} to send, of ${DEFAULT_BUFFER_BYTES} asked for`;
  if (Math.min(receive, send) >= DEFAULT_BUFFER_BYTES) return ok("buffers", detail);
  const sysctl = `net.core.rmem_max=${DEFAULT_BUFFER_BYTES} net.core.wmem_max=${DEFAULT_BUFFER_BYTES}`;
  return warning("buffers", `${detail}: bursts will be lost`, `sysctl -w ${sysctl}`);
}

export function judgeOffload(abilities: SocketAbilities | undefined): Row {
  const missing = [
    ...(abilities?.sendOffload ? [] : ["to send (GSO)"]),
    ...(abilities?.receiveOffload ? [] : ["to receive (GRO)"]),
  ];
  if (missing.length === 0) return ok("offload", "the kernel takes and gives UDP packets in batches (GSO, GRO)");
  const detail = `no batches ${missing.join(", nor ")}: each packet costs several times as much`;
  return warning("offload", detail, "use Linux 5.0 or newer, outside of sandboxes that emulate the kernel");
}

export type TunState = "usable" | "missing" | "denied" | "not-privileged";

export function judgeTun(state: TunState): Row {
  const rootless = "or use the agent's rootless ports, which need no device";
  switch (state) {
    case "usable":
      return ok("tun", "/dev/net/tun can be used");
    case "missing":
      return warning("tun", "there is no /dev/net/tun", `modprobe tun, ${rootless}`);
    case "denied":
      return warning("tun", "/dev/net/tun cannot be opened", `run as root, ${rootless}`);
    case "not-privileged":
      return warning("tun", "devices cannot be made without CAP_NET_ADMIN", `run as root, ${rootless}`);
  }
}

export function judgeFamilies(addresses: readonly { readonly family: string; readonly internal: boolean }[]): Row {
  const outside = new Set(addresses.filter(({ internal }) => !internal).map(({ family }) => family));
  if (outside.size > 0) return ok("addresses", [...outside].toSorted().join(" and "));
  return warning("addresses", "this host has only loopback addresses", "connect it to a network");
}

/** Both change what a compiled program does before its own first line. */
export function judgeEnvironment(environment: Terminal["environment"]): Row {
  const set = ["BUN_OPTIONS", "BUN_BE_BUN"].filter((name) => environment[name] !== undefined);
  if (set.length === 0) return ok("environment", "neither BUN_OPTIONS nor BUN_BE_BUN is set");
  const detail = `${set.join(" and ")} can make this program run other code`;
  return warning("environment", detail, `unset ${set.join(" ")}`);
}

export function judgeTemporaryDirectory(directory: string, fault: string | undefined): Row {
  if (fault === undefined) return ok("tmpdir", `${directory} can be written to, and files there executed`);
  const remedy = "set TMPDIR to a directory that can be written to and is not mounted noexec";
  return failure("tmpdir", `${directory} ${fault}: the QUIC library cannot be unpacked there`, remedy);
}

/** The addon of the compiled program is unpacked into this directory and loaded from there. */
export function temporaryDirectoryFault(parent: string): string | undefined {
  let directory: string | undefined;
  try {
    directory = mkdtempSync(join(parent, "ztna-doctor-"));
    const script = join(directory, "probe");
    writeFileSync(script, "#!/bin/sh\nexit 0\n");
    chmodSync(script, 0o700);
    return Bun.spawnSync([script]).exitCode === 0 ? undefined : "does not let files be executed";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return directory === undefined ? `cannot be written to (${code})` : `does not let files be executed (${code})`;
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

function askSocket(): SocketAbilities | undefined {
  try {
    return socketAbilities(DEFAULT_BUFFER_BYTES);
  } catch {
    return undefined;
  }
}

function tunState(): TunState {
  try {
    accessSync(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? "missing" : "denied";
  }
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> CAP_NET_ADMIN) % 2n === 1n ? "usable" : "not-privileged";
}

const TUN_DEVICE = "/dev/net/tun";
const CAP_NET_ADMIN = 12n;
const DAY_MS = 86_400_000;
const FIRST_PLAUSIBLE = Date.UTC(2024, 0, 1);
const LAST_PLAUSIBLE = Date.UTC(2070, 0, 1);
