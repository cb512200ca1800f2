// Who is told what: data on standard output, prose on standard error, and one document with --json.
import { expect, test } from "bun:test";
import type { ProbeReport } from "../../../src/agent/probe-output.ts";
import { type Outcome, openReporter } from "../../../src/cli/test-client-report.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

const LINES = { measureHandshake: true, queryMaxSize: true, verifyEcho: true, json: false, agents: undefined };
const CLOSED = { by: "peer", layer: "transport", code: 0x174, reason: "" } as const;
const REPORT: ProbeReport = {
  handshake: { done: true, micros: 3984 },
  registration: { type: "refused", status: 2 },
  closed: CLOSED,
  sent: 1,
  answers: 0,
  wantsAnswers: true,
  echo: { matches: 0, mismatches: 1, total: 1 },
  interrupted: false,
};
const OUTCOME: Outcome = { reports: [REPORT], failure: undefined, status: 0, rejectedAsExpected: false };

function report(options: object, outcome: Partial<Outcome> = {}) {
  const terminal = recordingTerminal();
  const reporter = openReporter({ ...LINES, ...options }, terminal);
  reporter.event(0, { type: "handshake", micros: 3984 });
  reporter.event(0, { type: "sizes", datagram: 1306, payload: 1278 });
  reporter.event(0, { type: "received", bytes: Uint8Array.of(1, 2) });
  reporter.event(0, { type: "prompt" });
  reporter.event(0, { type: "closed", closed: CLOSED });
  reporter.event(0, { type: "finished", report: REPORT });
  reporter.finished({ ...OUTCOME, ...outcome });
  return terminal;
}

test("one agent is heard line by line, as it goes", () => {
  const { stdout, stderr } = report({});
  expect(stdout).toBe(
    `${["HANDSHAKE_US:3984", "MAX_DGRAM_SIZE:1306", "MAX_UDP_PAYLOAD:1278", "RECV:0102"].join("\n")}\n` +
      "VERIFY_MATCHES:0\nVERIFY_MISMATCHES:1\nVERIFY_TOTAL:1\nVERIFY_RESULT:FAIL\n",
  );
  expect(stderr).toBe("> ztna: the connection was closed: transport code 0x174\n");
});

test("an expected rejection is a line of its own", () => {
  expect(report({}, { rejectedAsExpected: true }).stdout).toEndWith("EXPECTED_FAIL:connection_rejected\n");
  expect(report({ agents: 3 }, { rejectedAsExpected: true }).stdout).toEndWith("EXPECTED_FAIL:connection_rejected\n");
});

test("several agents are heard together, at the end, and prose says which", () => {
  const { stdout, stderr } = report({ agents: 3 });
  expect(stdout).toStartWith("AGENTS:1\nHANDSHAKE_US:3984\nMAX_DGRAM_SIZE:1306\n");
  expect(stdout).not.toContain("RECV:");
  expect(stderr).toContain("ztna: agent 0: the connection was closed");
});

test("--json is one document with everything, and nothing beside it", () => {
  const failure = { cause: "refused", sentence: "The relay refused." } as const;
  const { stdout } = report({ json: true }, { failure, status: 6 });
  expect(JSON.parse(stdout)).toEqual({
    schema_version: 1,
    status: 6,
    failure,
    received: ["0102"],
    received_not_shown: 0,
    verify: { matches: 0, mismatches: 1, total: 1, passed: false },
    agents: [
      {
        agent: 0,
        max_datagram: 1306,
        max_payload: 1278,
        handshake: { done: true, us: 3984 },
        registration: "refused",
        registration_status: 2,
        closed: CLOSED,
        sent: 1,
        answers: 0,
        verify: { matches: 0, mismatches: 1, total: 1, passed: false },
      },
    ],
  });
  expect(stdout.trimEnd()).not.toContain("\n");
});

test("--json gives figures as numbers, of every agent and of all", () => {
  const ledger = { sent: 2, returned: 1, lost: 1, duplicate: 0, foreign: 0, corrupt: 0 };
  const { echo: _, closed: __, ...base } = REPORT;
  const one = { ...base, registration: { type: "none" }, ledger, rtt: { samples: [5], timeouts: 0 } } as const;
  const failed = { ...one, handshake: { done: false, reason: "alpn", detail: "refused", code: 0x178 } } as const;
  const outcome = { reports: [one, { ...failed, sendFailure: "gone", burst: { sent: 3, micros: 1000 } }] };
  const document = JSON.parse(report({ json: true, agents: 2 }, outcome).stdout);
  expect(document.payloads).toEqual({
    sent: 4,
    returned: 2,
    lost: 2,
    duplicate: 0,
    foreign: 0,
    corrupt: 0,
    passed: false,
  });
  expect(document.rtt_us).toEqual({ count: 2, timeouts: 0, min: 5, max: 5, avg: 5, p50: 5, p95: 5, p99: 5 });
  expect(document.burst).toEqual({ sent: 3, us: 1000, pps: 3000 });
  expect(document.received).toBeUndefined();
  expect(document.agents[1]).toMatchObject({
    agent: 1,
    handshake: { done: false, reason: "alpn", detail: "refused", code: 376 },
    send_failure: "gone",
  });
});

test("--json says that a rejection was expected, and prose which agent it is about", () => {
  expect(JSON.parse(report({ json: true }, { rejectedAsExpected: true }).stdout).rejected_as_expected).toBe(true);
  expect(JSON.parse(report({ json: true }).stdout).rejected_as_expected).toBeUndefined();
  expect(report({ json: true }).stderr).toContain("ztna: the connection was closed");
  expect(report({ json: true, agents: 2 }).stderr).toContain("ztna: agent 0: the connection was closed");
});

test("--json keeps a bounded number of datagrams and says how many it left out", () => {
  const terminal = recordingTerminal();
  const reporter = openReporter({ ...LINES, json: true }, terminal);
  for (let i = 0; i < 10_003; i += 1) reporter.event(0, { type: "received", bytes: Uint8Array.of(7) });
  reporter.finished(OUTCOME);
  const document = JSON.parse(terminal.stdout);
  expect(document.received).toHaveLength(10_000);
  expect(document.received_not_shown).toBe(3);
});
