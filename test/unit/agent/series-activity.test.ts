// Datagrams one after the other: pace, bursts, and what the books say in the end.
import { describe, expect, test } from "bun:test";
import { nameOfPayload } from "../../../src/agent/numbered-payload.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import {
  type Answers,
  echoOf,
  FLOW,
  ProbeWorld,
  payloadOf,
  RUN,
  type WorldOptions,
} from "../../support/probe-world.ts";

const PATTERN = { type: "pattern", pattern: "sequential", size: { bytes: 100 } } as const;
const NUMBERED = { type: "numbered", least: { bytes: 0 }, most: { beyondLargest: 0 } } as const;
const SERIES = {
  type: "series",
  count: 1,
  delayMs: 0,
  flow: FLOW,
  content: PATTERN,
  burst: false,
  verify: true,
} as const;

function world(activity: object, options: WorldOptions = {}) {
  return new ProbeWorld({ ...options, plan: { activity: { ...SERIES, ...activity }, collectMs: 100 } });
}

const echo: Answers = (bytes) => [{ afterMs: 3, bytes: echoOf(bytes) }];

describe("pace", () => {
  test("leaves the delay between datagrams, and none after the last", () => {
    const run = world({ count: 4, delayMs: 25 });
    run.run(1000);
    expect(run.sentAt()).toEqual([2, 27, 52, 77]);
    expect(run.finishedAt()).toBe(178);
  });

  test("is never made up for: a late wake-up does not bring two at once", () => {
    const run = world({ count: 3, delayMs: 10 });
    run.run(2);
    run.now = 60;
    run.run(0);
    expect(run.sentAt()).toEqual([2, 60]);
    expect(run.deadline()).toBe(70);
  });
});

describe("a burst", () => {
  test("fills the room there is, and ends when everything has left", () => {
    let queued = 0;
    const room = () => 100 - queued;
    const run = world({ count: 250, burst: true, verify: false }, { room });
    const drainPerMs = 50;
    for (let i = 0; i < 20; i += 1) {
      const before = run.sent().length;
      run.run(1);
      queued = Math.max(0, queued + run.sent().length - before - drainPerMs);
    }
    expect(run.sent()).toHaveLength(250);
    const { burst } = run.events("burst")[0]!;
    expect(burst.sent).toBe(250);
    expect(burst.micros).toBeGreaterThanOrEqual(4000);
    expect(run.sentAt().at(-1)).toBeGreaterThanOrEqual(5);
  });

  test("is not one flood in one step: packets that arrive meanwhile are seen", () => {
    const run = world({ count: 1000, burst: true });
    run.run(2);
    expect(run.sent()).toHaveLength(256);
    expect(run.deadline()).toBe(3);
    run.run(1);
    expect(run.sent()).toHaveLength(512);
  });

  test("that the connection cuts off has failed, and one that had left has not", () => {
    const cut = world({ count: 300, burst: true });
    cut.run(2);
    cut.close(0, "");
    expect(cut.report()).toMatchObject({ sendFailure: "the connection is closed", sent: 256 });
    let queued = 0;
    const left = world({ count: 10, burst: true }, { room: () => 100 - queued });
    left.run(2);
    queued = 10;
    left.run(5);
    left.close(0, "");
    expect(left.report().sendFailure).toBeUndefined();
    expect(left.report().burst).toEqual({ sent: 10, micros: 5000 });
  });
});

describe("verification", () => {
  test("passes when every payload comes back", () => {
    const run = world({ count: 3, content: { ...PATTERN, pattern: "random" } }, { answers: echo });
    run.run(200);
    expect(run.report().echo).toEqual({ matches: 3, mismatches: 0, total: 3 });
    expect(new Set(run.sent().map(toHex)).size).toBe(3);
  });

  test("fails for what does not come back, or comes back changed", () => {
    const damaged: Answers = (bytes) => {
      const answer = echoOf(bytes);
      answer[answer.length - 1]! ^= 1;
      return [{ afterMs: 3, bytes: answer }];
    };
    const run = world({ count: 2 }, { answers: damaged });
    run.run(200);
    expect(run.report().echo).toEqual({ matches: 0, mismatches: 2, total: 2 });
  });

  test("is not fooled by a datagram too short to carry a payload", () => {
    const run = world({ content: { ...PATTERN, size: { bytes: 0 } } });
    run.run(10);
    run.datagram(new Uint8Array(27).fill(0x45));
    run.run(200);
    expect(run.report().echo).toEqual({ matches: 0, mismatches: 1, total: 1 });
  });

  test("is not made unless asked for", () => {
    const run = world({ verify: false }, { answers: echo });
    run.run(200);
    expect(run.report()).toMatchObject({ sent: 1, answers: 1 });
    expect(run.report().echo).toBeUndefined();
  });
});

describe("numbered payloads", () => {
  test("go through all sizes from nothing to the largest, and are balanced when all come back", () => {
    const run = world({ count: 1279, content: NUMBERED }, { answers: echo });
    run.run(200);
    const sizes = run.sent().map((inner) => payloadOf(inner).length);
    expect(new Set(sizes).size).toBe(1279);
    expect(Math.max(...run.sent().map(({ length }) => length))).toBe(1306);
    const ledger = { sent: 1279, returned: 1279, lost: 0, duplicate: 0, foreign: 0, corrupt: 0 };
    expect(run.report().ledger).toEqual(ledger);
  });

  test("show what was lost and what came twice", () => {
    let number = 0;
    const answers: Answers = (bytes) => {
      const times = [1, 0, 2][number++ % 3]!;
      return Array.from({ length: times }, () => ({ afterMs: 1, bytes: echoOf(bytes) }));
    };
    const run = world({ count: 30, content: { ...NUMBERED, least: { bytes: 20 } } }, { answers });
    run.run(200);
    expect(run.report().ledger).toMatchObject({ sent: 30, returned: 20, lost: 10, duplicate: 10 });
  });
});

describe("numbered payloads that nobody verifies", () => {
  test("still say whose and which they are", () => {
    const content = { ...NUMBERED, least: { bytes: 20 }, most: { bytes: 20 } };
    const run = world({ count: 2, flow: undefined, content, verify: false });
    run.run(500);
    const names = [0, 1].map((number) => ({ run: RUN, agent: 0, number }));
    expect(run.sent().map(nameOfPayload)).toEqual(names);
    expect(run.report().ledger).toBeUndefined();
  });
});

test("sends given bytes as they are, in an inner packet without a UDP checksum", () => {
  const content = { type: "bytes", bytes: new TextEncoder().encode("hello") };
  const run = world({ content, verify: false });
  run.run(500);
  expect(run.sent().map(toHex)).toEqual(["4500002100004000401126040a0000640a6400013039270f000d000068656c6c6f"]);
  expect(run.report().wantsAnswers).toBe(true);
  expect(run.events("burst")).toEqual([]);
});

test("shows what comes while it is sending", () => {
  const run = world({ count: 3, delayMs: 50 });
  run.run(10);
  run.datagram(Uint8Array.of(0x45));
  expect(run.events("received")).toHaveLength(1);
});

test("stops at the first payload that does not fit, and says so whatever could follow", () => {
  const content = { ...NUMBERED, least: { bytes: 1270 }, most: { beyondLargest: 1 } };
  const run = world({ count: 50, content });
  run.run(100);
  expect(run.report()).toMatchObject({ sent: 1, sendFailure: "a datagram of 1307 bytes is too large: 1306 fit" });
});

describe("a window", () => {
  const LONG = { ...NUMBERED, least: { bytes: 14 } };

  test("lets no more payloads be on their way at once; each that comes back lets the next go", () => {
    const slow: Answers = (bytes) => [{ afterMs: 100, bytes: echoOf(bytes) }];
    const run = world({ count: 6, delayMs: 10, content: LONG, window: 3 }, { answers: slow });
    run.run(500);
    expect(run.sentAt()).toEqual([2, 12, 22, 102, 112, 122]);
    expect(run.report().ledger).toMatchObject({ returned: 6, lost: 0 });
  });

  test("does not count what was lost for longer than a second", () => {
    const run = world({ count: 4, delayMs: 10, content: LONG, window: 2 });
    run.run(3000);
    expect(run.sentAt()).toEqual([2, 12, 1002, 1012]);
  });

  test("bounds a burst too, and leaves out payloads too short for a number", () => {
    const run = world({ count: 100, burst: true, content: LONG, window: 7 });
    run.run(500);
    expect(run.sent()).toHaveLength(7);
    const short = world({ count: 100, content: { ...NUMBERED, most: { bytes: 13 } }, window: 7 });
    short.run(500);
    expect(short.sent()).toHaveLength(100);
  });
});

describe("without inner addresses", () => {
  test("the payload is the datagram, and max still leaves room for the headers", () => {
    const run = world({ flow: undefined, content: { ...PATTERN, size: { beyondLargest: 0 } }, verify: false });
    run.run(10);
    expect(run.sent().map(({ length }) => length)).toEqual([1278]);
    expect(toHex(run.sent()[0]!.subarray(0, 4))).toBe("00010203");
    run.run(200);
    expect(run.report().wantsAnswers).toBe(false);
  });
});

test("a payload one byte too large is refused before anything is made of it", () => {
  const one = world({ content: { ...PATTERN, size: { beyondLargest: 1 } } });
  one.run(10);
  expect(one.report()).toMatchObject({ sendFailure: "a datagram of 1307 bytes is too large: 1306 fit", sent: 0 });
  const huge = world({ content: { ...PATTERN, size: { bytes: 1e12 } } });
  huge.run(10);
  expect(huge.report().sendFailure).toContain("too large");
});
