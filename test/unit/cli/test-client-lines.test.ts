// The lines of the test client, character for character: scripts read them.
import { describe, expect, test } from "bun:test";
import type { ProbeEvent, ProbeReport } from "../../../src/agent/probe-output.ts";
import { eventLines, fleetLines, isEven, totals } from "../../../src/cli/test-client-lines.ts";

const ALL = { measureHandshake: true, queryMaxSize: true, verifyEcho: true };
const NONE = { measureHandshake: false, queryMaxSize: false, verifyEcho: false };
const REPORT: ProbeReport = {
  handshake: { done: true, micros: 3984 },
  registration: { type: "none" },
  sent: 1,
  answers: 1,
  wantsAnswers: true,
  interrupted: false,
};
const EVEN = { sent: 9, returned: 9, lost: 0, duplicate: 0, foreign: 0, corrupt: 0 };

describe("one agent", () => {
  const sizes = { type: "sizes", datagram: 1306, payload: 1278 } as const;

  test("says the time of its handshake and its sizes when asked", () => {
    expect(eventLines({ type: "handshake", micros: 3984 }, ALL)).toEqual(["HANDSHAKE_US:3984"]);
    expect(eventLines(sizes, ALL)).toEqual(["MAX_DGRAM_SIZE:1306", "MAX_UDP_PAYLOAD:1278"]);
    expect(eventLines({ type: "handshake", micros: 3984 }, NONE)).toEqual([]);
    expect(eventLines(sizes, NONE)).toEqual([]);
  });

  test("shows what it received in lower-case hexadecimal, also nothing", () => {
    expect(eventLines({ type: "received", bytes: Uint8Array.of(1, 0xcb, 0xd4) }, NONE)).toEqual(["RECV:01cbd4"]);
    expect(eventLines({ type: "received", bytes: new Uint8Array() }, NONE)).toEqual(["RECV:"]);
  });

  test("says how many left in a burst, and how many per second with one decimal", () => {
    const burst = (sent: number, micros: number) => eventLines({ type: "burst", burst: { sent, micros } }, NONE);
    expect(burst(100, 30_000)).toEqual(["BURST_SENT:100", "BURST_PPS:3333.3"]);
    expect(burst(7, 7_000_000)).toEqual(["BURST_SENT:7", "BURST_PPS:1.0"]);
    expect(burst(1, 0)).toEqual(["BURST_SENT:1", "BURST_PPS:1000000.0"]);
  });

  test("gives eight lines of round trips, and two when none came back", () => {
    const rtt = (samples: number[], timeouts: number) =>
      eventLines({ type: "rtt", rtt: { samples, timeouts } } as ProbeEvent, NONE);
    expect(rtt([30, 10, 21], 1)).toEqual([
      "RTT_COUNT:3",
      "RTT_TIMEOUTS:1",
      "RTT_MIN_US:10",
      "RTT_MAX_US:30",
      "RTT_AVG_US:20",
      "RTT_P50_US:21",
      "RTT_P95_US:30",
      "RTT_P99_US:30",
    ]);
    expect(rtt([], 10)).toEqual(["RTT_COUNT:0", "RTT_TIMEOUTS:10"]);
  });

  test("gives the result of the verification when it was asked for", () => {
    const finished = (report: Partial<ProbeReport>) =>
      ({ type: "finished", report: { ...REPORT, ...report } }) as ProbeEvent;
    const echo = finished({ echo: { matches: 2, mismatches: 1, total: 3 } });
    expect(eventLines(echo, ALL)).toEqual([
      "VERIFY_MATCHES:2",
      "VERIFY_MISMATCHES:1",
      "VERIFY_TOTAL:3",
      "VERIFY_RESULT:FAIL",
    ]);
    expect(eventLines(echo, NONE)).toEqual([]);
    expect(eventLines(finished({ echo: { matches: 3, mismatches: 0, total: 3 } }), ALL).at(-1)).toBe(
      "VERIFY_RESULT:PASS",
    );
    expect(eventLines(finished({ ledger: EVEN }), ALL).at(-1)).toBe("VERIFY_RESULT:PASS");
    expect(eventLines(finished({ ledger: { ...EVEN, foreign: 1 } }), ALL)).toEqual([
      "VERIFY_MATCHES:9",
      "VERIFY_MISMATCHES:0",
      "VERIFY_TOTAL:9",
      "VERIFY_RESULT:FAIL",
    ]);
    expect(eventLines(finished({}), ALL)).toEqual([]);
  });

  test("keeps prompts and closes out of the data", () => {
    expect(eventLines({ type: "prompt" }, ALL)).toEqual([]);
    const closed = { by: "peer", layer: "transport", code: 1, reason: "" } as const;
    expect(eventLines({ type: "closed", closed }, ALL)).toEqual([]);
  });
});

describe("several agents", () => {
  test("speak together: the smallest size, every handshake, the sum of the books", () => {
    const reports = [
      { ...REPORT, ledger: EVEN },
      {
        ...REPORT,
        handshake: { done: true, micros: 5 } as const,
        ledger: { ...EVEN, returned: 7, lost: 2, foreign: 1 },
      },
    ];
    const sizes = [1306, 1250].map((datagram) => ({ type: "sizes", datagram, payload: datagram - 28 }) as const);
    expect(fleetLines(reports, sizes, ALL)).toEqual([
      ...["AGENTS:2", "HANDSHAKE_US:3984", "HANDSHAKE_US:5", "MAX_DGRAM_SIZE:1250", "MAX_UDP_PAYLOAD:1222"],
      ...["SENT:18", "RETURNED:16", "LOST:2", "DUPLICATE:0", "FOREIGN:1", "CORRUPT:0"],
      ...["VERIFY_MATCHES:16", "VERIFY_MISMATCHES:2", "VERIFY_TOTAL:18", "VERIFY_RESULT:FAIL"],
    ]);
    expect(fleetLines(reports, sizes, NONE)).toHaveLength(7);
  });

  test("count every sample, and the longest burst", () => {
    const reports = [
      { ...REPORT, rtt: { samples: [10, 30], timeouts: 1 }, burst: { sent: 100, micros: 1000 } },
      { ...REPORT, rtt: { samples: [20], timeouts: 2 }, burst: { sent: 50, micros: 3000 } },
    ];
    expect(totals(reports)).toEqual({
      rtt: { samples: [10, 30, 20], timeouts: 3 },
      burst: { sent: 150, micros: 3000 },
    });
    const lines = fleetLines(reports, [], NONE);
    expect(lines.slice(0, 6)).toEqual([
      ...["AGENTS:2", "BURST_SENT:150", "BURST_PPS:50000.0", "RTT_COUNT:3", "RTT_TIMEOUTS:3", "RTT_MIN_US:10"],
    ]);
  });

  test("are balanced only when there is no fault of any kind", () => {
    expect(isEven(EVEN)).toBe(true);
    for (const fault of ["lost", "duplicate", "foreign", "corrupt"]) {
      expect(isEven({ ...EVEN, [fault]: 1 })).toBe(false);
      for (const other of ["lost", "duplicate", "foreign", "corrupt"]) {
        expect(isEven({ ...EVEN, [other]: 1, [fault]: 1 })).toBe(false);
      }
    }
  });

  test("say how many they are when none of them got through", () => {
    const failed = { ...REPORT, handshake: { done: false, reason: "unreachable", detail: "" } as const };
    expect(fleetLines([failed], [], ALL)).toEqual(["AGENTS:1"]);
  });
});
