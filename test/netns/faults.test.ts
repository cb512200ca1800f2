// Sending fails: firewalls, routes, cables, full buffers. It costs the packets concerned, never the process and never
// another peer's packets, and data flows again when the fault is over. Each host is a network namespace of the test's.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { requireBinary } from "../support/binary.ts";
import type { Daemon } from "../support/daemons.ts";
import { type CableEnd, type FaultWorld, faultWorld } from "../support/fault-world.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { RawUdp } from "../support/raw-udp.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { firstPacket, unknownVersion } from "../support/stranger-packets.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

const here = testUnless(withoutNetworkNamespaces(), withoutProgram("nft"), withoutProgram("tc"));

/** Generous: what is promised after a relay was away. */
const RECOVERY_MS = 5000;
const FAULT_MS = 15_000;
const TEST_MS = 90_000;

interface Fault {
  readonly what: string;
  strike(end: CableEnd): void;
  lift(end: CableEnd): void;
}

function firewall(verdict: "drop" | "reject"): Fault {
  return {
    what: `a firewall that says ${verdict}`,
    strike: ({ host, peer }) => {
      host.run("nft", "add", "table", "ip", "fault");
      host.run("nft", "add", "chain", "ip", "fault", "out", "{ type filter hook output priority 0; }");
      host.run("nft", "add", "rule", "ip", "fault", "out", "ip", "daddr", peer, verdict);
    },
    lift: ({ host }) => void host.run("nft", "delete", "table", "ip", "fault"),
  };
}

function route(kind: "blackhole" | "prohibit"): Fault {
  return {
    what: `a ${kind} route`,
    strike: ({ host, peer }) => void host.run("ip", "route", "add", kind, `${peer}/32`),
    lift: ({ host, peer }) => void host.run("ip", "route", "delete", kind, `${peer}/32`),
  };
}

const FAULTS: readonly Fault[] = [
  firewall("drop"),
  firewall("reject"),
  {
    what: "no route",
    strike: ({ host, network, device }) => void host.run("ip", "route", "delete", network, "dev", device),
    lift: ({ host, network, device }) => void host.run("ip", "route", "add", network, "dev", device),
  },
  route("blackhole"),
  route("prohibit"),
  {
    what: "a link that is down",
    strike: ({ host, device }) => void host.run("ip", "link", "set", device, "down"),
    lift: ({ host, device }) => void host.run("ip", "link", "set", device, "up"),
  },
];

describe.concurrent.each(["linux", "portable"] as const)("with --io %s", (io) => {
  here(
    "a relay that cannot send to one peer loses what is for that peer, and serves it again afterwards",
    async () => {
      await using world = await faultWorld({ flags: ["--io", io] });
      const { first, second, relay } = world;
      await startTraffic(world);
      for (const fault of FAULTS) {
        const from = first.sent;
        await undergo(fault, relay, world.ends.serve);
        await second.flowing(second.sent, RECOVERY_MS);
        await first.answered(first.sent);
        expect({ fault: fault.what, lost: first.lost(from, first.sent - 1) }).toEqual({ fault: fault.what, lost: 0 });
      }
      await expectUnharmed(world);
    },
    TEST_MS,
  );

  here(
    "a connector that cannot send to its relay goes on trying, and serves again afterwards",
    async () => {
      await using world = await faultWorld({ flags: ["--io", io] });
      const { first, second, connector } = world;
      await startTraffic(world);
      for (const fault of FAULTS) {
        await undergo(fault, connector, world.ends.connect);
        await Promise.all([first, second].map((agent) => agent.flowing(agent.sent, RECOVERY_MS)));
      }
      await expectUnharmed(world);
    },
    TEST_MS,
  );

  for (const command of ["serve", "connect"] as const) {
    here(
      `the full send buffer of ${command} delays and loses packets, and nothing else`,
      async () => {
        await using world = await faultWorld({ flags: ["--io", io, "--socket-buffer", "4096"], payloadBytes: 1000 });
        const agents = [world.first, world.second];
        const { host, device } = world.ends[command];
        const daemon = command === "serve" ? world.relay : world.connector;
        for (const agent of agents) agent.start(PACE_MS);
        // Packets wait for a slow link; while they wait, they count against the socket that they came from.
        host.run("tc", "qdisc", "add", "dev", device, "root", "tbf", ...SLOW_LINK);
        await until(async () => unsentBytes(daemon) >= FULL_BYTES);
        await daemon.metrics();
        host.run("tc", "qdisc", "delete", "dev", device, "root");
        // Such small buffers lose packets at all times: an answer to each is what can be expected.
        await Promise.all(agents.map((agent) => agent.answered(agent.sent, RECOVERY_MS)));
        await expectUnharmed(world);
      },
      TEST_MS,
    );
  }

  here(
    "packets from port 0, which nobody can answer, end nothing",
    async () => {
      await using world = await faultWorld({ flags: ["--io", io] });
      const { relay, connector, ends, relayAddress } = world;
      const genuine = await firstPacket();
      const packets = [unknownVersion(), unknownVersion(), genuine, genuine, SHORT_HEADER, new Uint8Array(0)];
      const [, connectorPort] = await connector.process.line(/^listening 0\.0\.0\.0:(\d+)$/);
      using stranger = ends.connect.host.enter(() => new RawUdp());
      using neighbour = ends.serve.host.enter(() => new RawUdp());
      for (const packet of packets) {
        stranger.send(0, { ...relayAddress, host: ends.connect.peer }, packet);
        neighbour.send(0, { host: "10.99.0.2", port: Number(connectorPort) }, packet);
      }
      await startTraffic(world);
      // Bun's own socket does not even pass them on.
      const seen = io === "linux" ? 4 : 0;
      expect(await relay.total("ztna_dropped_total", 'reason="source-port-0"')).toBe(seen);
      await expectUnharmed(world);
    },
    TEST_MS,
  );

  here(
    "an established peer whose packets seem to come from port 0 harms itself alone",
    async () => {
      await using world = await faultWorld({ flags: ["--io", io] });
      const { first, second, relay, secondHost } = world;
      await startTraffic(world);
      const from = first.sent;
      const errors = await relay.total("ztna_send_errors_total");
      secondHost.run("nft", "add", "table", "ip", "fault");
      secondHost.run("nft", "add", "chain", "ip", "fault", "out", "{ type filter hook postrouting priority 300; }");
      const sent = second.sent;
      secondHost.run(
        "nft",
        "add",
        "rule",
        "ip",
        "fault",
        "out",
        "udp",
        "dport",
        `${relay.port}`,
        "udp",
        "sport",
        "set",
        "0",
      );
      await Bun.sleep(STRIKE_MS);
      expect(second.lost(sent + 1, second.sent - 1)).toBeGreaterThan(0);
      const failed = (await relay.total("ztna_send_errors_total")) - errors;
      secondHost.run("nft", "delete", "table", "ip", "fault");
      await second.flowing(second.sent, RECOVERY_MS);
      expect(first.lost(from, first.sent - 2)).toBe(0);
      expect(failed > 0).toBe(io === "linux");
      await expectUnharmed(world);
    },
    TEST_MS,
  );
});

async function startTraffic({ first, second }: FaultWorld): Promise<void> {
  for (const agent of [first, second]) agent.start();
  await Promise.all([first.flowing(), second.flowing()]);
}

/** Lets the fault strike until sending has failed, and long enough for the other end to look for another way. */
async function undergo(fault: Fault, daemon: Daemon, end: CableEnd): Promise<void> {
  const errors = () => daemon.total("ztna_send_errors_total");
  const before = await errors();
  fault.strike(end);
  try {
    await Promise.all([Bun.sleep(STRIKE_MS), until(async () => (await errors()) >= before + FAILED_SENDS)]);
  } finally {
    fault.lift(end);
  }
}

/** Nothing ended, nothing was reported as a bug, and packets still leave in batches. */
async function expectUnharmed({ relay, connector, first, second }: FaultWorld): Promise<void> {
  for (const daemon of [relay, connector]) {
    expect(await daemon.total("ztna_unexpected_errors_total")).toBe(0);
    expect(daemon.process.stderr).not.toMatch(/ no-segmentation | error /);
  }
  for (const { strange, duplicates } of [first, second]) expect({ strange, duplicates }).toEqual(NOTHING);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + FAULT_MS; !(await isSo()); await Bun.sleep(10)) {
    if (performance.now() > end) throw new Error(`not so within ${FAULT_MS} ms: ${isSo}`);
  }
}

/** What the kernel holds for a daemon's sockets: tx_queue in the table of its namespace. */
function unsentBytes({ process }: Daemon): number {
  const table = readFileSync(`/proc/${process.pid}/net/udp`, "utf8");
  const queues = [...table.matchAll(/^ *\d+: \S+ \S+ \S+ ([0-9A-F]{8}):/gm)];
  return Math.max(0, ...queues.map(([, bytes = ""]) => Number.parseInt(bytes, 16)));
}

const SHORT_HEADER = new Uint8Array(60).fill(0x40);
const NOTHING = { strange: 0, duplicates: 0 };
const FAILED_SENDS = 2;
const STRIKE_MS = 1000;
const PACE_MS = 5;
const SLOW_LINK = ["rate", "64kbit", "burst", "1600", "limit", "1000000"];
/** The kernel doubles what it is asked for. */
const FULL_BYTES = 8192;
