// `ztna status`: what it prints, for people and for programs, and how it ends.
import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { main } from "../../../src/cli/main.ts";
import {
  type AgentStatus,
  type ConnectorStatus,
  parseStatus,
  type RelayStatus,
} from "../../../src/cli/status-document.ts";
import { statusText } from "../../../src/cli/status-text.ts";
import { ControlSocket } from "../../../src/runtime/control-socket.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const READY: AgentStatus = {
  schema_version: 1,
  command: "agent",
  pid: 42,
  version: "0.1.0",
  uptime_seconds: 3723,
  not_ready: null,
  relay: {
    server: "relay.example.org:4433",
    state: "connected",
    address: "203.0.113.9:4433",
    observed_address: "198.51.100.7:40000",
    largest_datagram: 1306,
    reconnections: 2,
  },
  tun: { name: "ztna0", address: "100.64.0.1", mtu: 1301 },
  services: [
    { service: "web", virtual_ip: "10.100.0.2", state: "registered", reason: null, largest_packet: 1301 },
    { service: "lab", virtual_ip: "10.100.0.3", state: "denied", reason: "not-granted", largest_packet: 1301 },
  ],
  hops: [
    { hop: "tun", received: 9, forwarded: 5, dropped: { ipv6: 1, "no-route": 3 } },
    { hop: "relay", received: 1, forwarded: 1, dropped: {} },
  ],
  credentials: [{ certificate: "client", not_after: "2027-01-02T03:04:05.000Z", days: 29 }],
};

const CONNECTOR: ConnectorStatus = {
  schema_version: 1,
  command: "connect",
  pid: 43,
  version: "0.1.0",
  uptime_seconds: 61,
  not_ready: null,
  relay: { server: "relay.example.org:4433" },
  services: [
    {
      service: "web",
      virtual_ip: "10.100.0.2",
      connection: "connected",
      state: "registered",
      reason: null,
      largest_packet: 1301,
      reconnections: 0,
      backends: ["127.0.0.1:8080/tcp", "127.0.0.1"],
      backend_failure: "refused",
    },
    {
      service: "db",
      virtual_ip: null,
      connection: "connecting",
      state: "pending",
      reason: null,
      largest_packet: 0,
      reconnections: 3,
      backends: ["[::1]:5432"],
      backend_failure: null,
    },
  ],
  service_count: 5,
  tcp_sessions: 3,
  udp_flows: 2,
  backend_sockets: 5,
  backend_failures: { refused: 4, timeout: 0 },
  hops: [{ hop: "agent", received: 3, forwarded: 2, dropped: { "foreign-port": 1 } }],
  credentials: [],
};

const RELAY: RelayStatus = {
  schema_version: 1,
  command: "serve",
  pid: 44,
  version: "0.1.0",
  uptime_seconds: 90_000,
  not_ready: "draining",
  listening: ["0.0.0.0:4433", "[::]:4433"],
  connections: { open: 12, half_open: 1, agents: 8, connectors: 3 },
  datagrams_relayed: 1234,
  bytes_relayed: 99_999,
  services: [
    { service: "web", connectors: 2, displaced: 1, silent: 1, agents: 8, denied: 3 },
    { service: "db", connectors: 0, displaced: 0, silent: 0, agents: 1, denied: 0 },
  ],
  service_count: 2,
  hops: [{ hop: "agent", received: 3, forwarded: 2, dropped: { "no-connector": 1, "too-large": 0 } }],
  credentials: [{ certificate: "server", not_after: "2027-01-02T03:04:05.000Z", days: 29 }],
};

async function withDaemons(documents: readonly string[], args: readonly string[] = []) {
  using place = temporaryDirectory();
  chmodSync(place.path, 0o700);
  const sockets: ControlSocket[] = [];
  for (const [index, document] of documents.entries()) {
    sockets.push(await ControlSocket.open({ directory: place.path, name: `agent-${index}`, document: () => document }));
  }
  const terminal = recordingTerminal();
  const status = await main(["status", "--control-dir", place.path, ...args], terminal);
  for (const socket of sockets) await socket.close();
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

test("a daemon in a few lines, what is wrong with its reason", () => {
  expect(statusText({ ...READY, not_ready: "not registered: lab (not-granted)" })).toBe(
    `ztna agent 0.1.0, process 42, up 1h 2m, not ready: not registered: lab (not-granted)
  relay        relay.example.org:4433 connected, at 203.0.113.9:4433, sees us at 198.51.100.7:40000, largest datagram 1306 bytes, 2 reconnections
  device       ztna0, 100.64.0.1, MTU 1301
  service      web  10.100.0.2       registered
  service      lab  10.100.0.3       denied: not-granted
  dropped      3 of tun: no-route
  dropped      1 of tun: ipv6
  certificate  client expires in 29 days, 2027-01-02
`,
  );
});

test("a connector with each service's registration and backends, and what is open", () => {
  expect(statusText(CONNECTOR)).toBe(
    `ztna connect 0.1.0, process 43, up 1m 1s, ready
  relay        relay.example.org:4433
  service      web  10.100.0.2       registered, to 127.0.0.1:8080/tcp 127.0.0.1, which failed last: refused
  service      db   any address      pending, relay connecting, 3 reconnections, to [::1]:5432
  service      and 3 more
  open         3 TCP connections, 2 UDP flows, 5 backend sockets
  dropped      1 of agent: foreign-port
`,
  );
});

test("a relay with its connections, and who serves and uses each service", () => {
  expect(statusText(RELAY)).toBe(
    `ztna serve 0.1.0, process 44, up 1d 1h, not ready: draining
  listening    0.0.0.0:4433, [::]:4433
  connections  12, 1 half open, 8 of agents, 3 of connectors
  relayed      1234 datagrams, 99999 bytes
  service      web  2 connectors, 8 agents, 1 displaced, 1 silent, 3 refused lately
  service      db   0 connectors, 1 agents
  dropped      1 of agent: no-connector
  certificate  server expires in 29 days, 2027-01-02
`,
  );
});

test("a name that a peer registered reaches no terminal as it is, and makes no other row wide", () => {
  const [web, db] = RELAY.services;
  const strange = `\u001b[2J\n  certificate\u009b${"x".repeat(200)}`;
  const text = statusText({ ...RELAY, services: [{ ...web!, service: strange }, db!] });
  expect(text).not.toMatch(/[^\n\x20-\x7e]/);
  const rows = text.split("\n");
  expect(rows.filter((row) => row.startsWith("  certificate"))).toHaveLength(1);
  expect(rows.find((row) => row.includes(" db "))).toHaveLength(
    "  service      ".length + 40 + "  0 connectors, 1 agents".length,
  );
});

test("whatever a daemon says, a terminal gets printable lines", () => {
  const text = statusText({ ...READY, not_ready: "not registered: \u001b[31m\u202e", version: "1\n2\u009b" });
  expect(text.split("\n")[0]).toBe(
    "ztna agent 1\\u{a}2\\u{9b}, process 42, up 1h 2m, not ready: not registered: \\u{1b}[31m\\u{202e}",
  );
});

test("what is not there is not shown", () => {
  const text = statusText({
    ...READY,
    uptime_seconds: 0,
    relay: {
      ...READY.relay,
      state: "connecting",
      address: null,
      observed_address: null,
      largest_datagram: 0,
      reconnections: 0,
    },
    tun: null,
    hops: [],
    credentials: [{ certificate: "client", not_after: "2027-01-02T03:04:05.000Z", days: -3 }],
  });
  expect(text).toContain("up 0s, ready\n  relay        relay.example.org:4433 connecting\n  service ");
  expect(text).toContain("client expired 3 days ago");
  expect(text).not.toContain("device");
  expect(text).not.toContain("dropped");
});

test("0 when all are ready, 7 when one is not, 1 when there is none", async () => {
  const ready = JSON.stringify(READY);
  const waiting = JSON.stringify({ ...READY, pid: 7, not_ready: "not registered: web (pending)" });
  expect(await withDaemons([ready])).toMatchObject({ status: 0, stdout: statusText(READY), stderr: "" });
  const two = await withDaemons([ready, waiting]);
  expect(two.status).toBe(7);
  expect(two.stdout.indexOf("process 7")).toBeLessThan(two.stdout.indexOf("process 42"));
  const none = await withDaemons([]);
  expect([none.status, none.stdout]).toEqual([1, ""]);
  expect(none.stderr).toContain("no daemon of this user runs here");
});

test("--json prints what the daemons say, as they say it", async () => {
  const { stdout } = await withDaemons([JSON.stringify(READY)], ["--json"]);
  expect(JSON.parse(stdout)).toEqual({ schema_version: 1, daemons: [READY] });
  const all = await withDaemons(
    [RELAY, CONNECTOR, READY].map((one) => JSON.stringify(one)),
    ["--json"],
  );
  expect(JSON.parse(all.stdout)).toEqual({ schema_version: 1, daemons: [READY, CONNECTOR, RELAY] });
});

test("what is no status is not shown, but that there is one is said", async () => {
  for (const text of ["", "nonsense", "{}", JSON.stringify({ ...READY, schema_version: 2 })]) {
    expect(parseStatus(text)).toBeUndefined();
    const { status, stderr } = await withDaemons([text]);
    expect([status, stderr]).toEqual([7, expect.stringMatching(/agent-0\.sock tells nothing: [^\n]*\n$/)]);
    expect((await withDaemons([text, JSON.stringify(READY)])).status).toBe(7);
  }
});

test("a directory that does not exist holds no daemon", async () => {
  const terminal = recordingTerminal();
  expect(await main(["status", "--control-dir", "/nonexistent/ztna"], terminal)).toBe(1);
  expect(terminal.stderr).toContain("no daemon of this user runs here (looked in /nonexistent/ztna)");
});
