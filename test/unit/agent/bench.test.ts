// The measuring agent against a path that a test plays: what it sends, what it counts, and when it gives up.
import { describe, expect, test } from "bun:test";
import { Bench, type BenchOutput, type BenchPlan } from "../../../src/agent/bench.ts";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { encodeEchoReply } from "../../../src/wire/icmp.ts";
import { encodeAck, encodeNack, NACK_NOT_GRANTED, ROUTED_PACKET, routedInnerStart } from "../../../src/wire/tunnel.ts";
import { connected, disconnected } from "../../support/uplink-by-hand.ts";

const PLAN: BenchPlan = { service: "web", destination: 0x0a640001, bytes: 1000, perSecond: 500, seconds: 2 };
const TRIP_MS = 7;
const PEER = 3;

interface Play {
  readonly plan?: Partial<BenchPlan>;
  readonly room?: (now: number) => number;
  /** What comes back for the request of this number. */
  readonly answer?: (reply: Uint8Array, number: number) => readonly Uint8Array[];
  readonly registration?: Uint8Array;
  readonly dial?: boolean;
  readonly loseAt?: number;
}

/** Plays until the end; times are virtual. */
function play({ plan, room = () => 48, answer = (reply) => [reply], ...path }: Play = {}) {
  let now = 0;
  const role = new Bench({ plan: { ...PLAN, ...plan }, random: () => 0.5, room: () => room(now) }, now);
  const coming: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const requests: number[] = [];
  let end: BenchOutput | undefined;
  const perform = (output: BenchOutput) => {
    if (output.type === "dial" && path.dial !== false) {
      handle({ type: "dialing", dial: output.dial, peer: PEER });
      handle(connected(PEER));
    } else if (output.type === "bench-over" || output.type === "bench-failed") end = output;
    else if (output.type === "send") {
      const reply = output.bytes[0] === ROUTED_PACKET ? echoOf(output.bytes) : undefined;
      if (reply !== undefined) requests.push(now);
      const answers =
        reply === undefined ? [path.registration ?? encodeAck("web")] : answer(reply, requests.length - 1);
      for (const bytes of answers) coming.push({ at: now + TRIP_MS, bytes });
    }
  };
  const waiting: Parameters<Bench["handle"]>[0][] = [];
  const handle = (input: Parameters<Bench["handle"]>[0]) => void waiting.push(input);
  const settle = () => {
    for (let input = waiting.shift(); input !== undefined; input = waiting.shift()) {
      role.handle(input, now);
      for (let output = role.poll(); output !== undefined; output = role.poll()) perform(output);
    }
  };
  for (; end === undefined && now < 60_000; now++) {
    if (now === path.loseAt) handle(disconnected(PEER, "timeout"));
    while (coming.length > 0 && coming[0]!.at <= now) {
      handle({ type: "datagram", peer: PEER, bytes: coming.shift()!.bytes });
    }
    if ((role.deadline() ?? now + 1) <= now) handle(TIMEOUT);
    settle();
  }
  expect(role.deadline()).toBeUndefined();
  return { end: end as BenchOutput, requests, endedAt: now };
}

function echoOf(routed: Uint8Array): Uint8Array {
  return encodeEchoReply(routed.slice(routedInnerStart(routed)))!;
}

function resultOf({ end }: ReturnType<typeof play>) {
  if (end.type !== "bench-over") throw new Error(`ended with ${JSON.stringify(end)}`);
  return end.result;
}

describe("a measurement", () => {
  test("sends one request at a time, then as many a second as it was told, and times each", () => {
    const played = play();
    const { idle, load } = resultOf(played);
    expect([idle.sent, idle.returned, load.sent, load.returned, load.heldBack]).toEqual([50, 50, 1000, 1000, 0]);
    expect(load.perSecond).toBe(500);
    for (const { p50Us, p99Us } of [idle, load]) {
      expect(p50Us).toBeGreaterThanOrEqual(TRIP_MS * 1000);
      expect(p99Us).toBeLessThanOrEqual(TRIP_MS * 1000 + 1010);
    }
    const gaps = played.requests.slice(1, 50).map((at, i) => at - played.requests[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(TRIP_MS);
    const inFirstSecond = played.requests.slice(50).filter((at) => at < played.requests[50]! + 1000);
    expect(inFirstSecond.length).toBeLessThanOrEqual(501);
  });

  test("counts what is lost, and each answer once", () => {
    const { load } = resultOf(play({ answer: (reply, n) => (n >= 50 && n % 3 === 0 ? [] : [reply, reply]) }));
    expect([load.sent, load.returned]).toEqual([1000, 1000 - 333]);
  });

  test("takes nothing for an answer but its own requests' echoes", () => {
    const changed = (reply: Uint8Array, at: number) => {
      const other = reply.slice();
      other[at] = other[at]! ^ 1;
      return other;
    };
    // A damaged checksum, another protocol, no IPv4, and a control message.
    const answer = (reply: Uint8Array) => [changed(reply, 30), changed(reply, 9), reply.slice(0, 10), encodeAck("web")];
    const { idle, load } = resultOf(play({ answer, plan: { perSecond: 10, seconds: 1 } }));
    expect([idle.returned, load.returned, "p50Us" in load]).toEqual([0, 0, false]);
  });

  test("holds back what the connection has no room for, and makes up for nothing", () => {
    let free = 0;
    const room = (now: number) => (Math.floor(now / 500) % 2 === 0 && free++ >= 0 ? 48 : 0);
    const { load } = resultOf(play({ room, plan: { seconds: 4 } }));
    expect(load.heldBack).toBeGreaterThan(500);
    expect(load.sent + load.heldBack).toBe(2000);
    expect(load.returned).toBe(load.sent);
  });
});

describe("there is nothing to measure", () => {
  test("where the relay does not answer", () => {
    const { end, endedAt } = play({ dial: false });
    expect(end).toMatchObject({ type: "bench-failed", cause: "unreachable" });
    expect(endedAt).toBeLessThanOrEqual(10_002);
  });

  test("where the service is denied", () => {
    const { end } = play({ registration: encodeNack(NACK_NOT_GRANTED, "web") });
    expect(end).toMatchObject({ type: "bench-failed", cause: "refused" });
  });

  test("with packets that do not fit, and the largest that do are named", () => {
    const { end } = play({ plan: { bytes: 1302 } });
    expect(end).toMatchObject({ cause: "failed", sentence: expect.stringContaining("--bytes 1301 at most") });
    expect(play({ plan: { bytes: 1301 } }).end.type).toBe("bench-over");
  });

  test("once the connection is lost", () => {
    expect(play({ loseAt: 800 }).end).toMatchObject({ type: "bench-failed", cause: "failed" });
  });
});
