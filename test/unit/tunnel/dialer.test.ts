// When attempts start, how many run at once, and who is closed.
import { describe, expect, test } from "bun:test";
import { Outbox } from "../../../src/core/outbox.ts";
import { Dialer } from "../../../src/tunnel/dialer.ts";
import type { Dial, PeerCommand } from "../../../src/tunnel/peer.ts";
import { Random } from "../../support/random.ts";

function setUp(random: () => number = () => 0) {
  const out = new Outbox<Dial | PeerCommand>();
  let dials = 0;
  const dialer = new Dialer({ nextDial: () => ++dials, random }, out);
  const drain = () => {
    const outputs: (Dial | PeerCommand)[] = [];
    for (let output = out.shift(); output !== undefined; output = out.shift()) outputs.push(output);
    return outputs;
  };
  return { dialer, drain };
}

const closeOf = (peer: number) =>
  ({ type: "close", peer, layer: "application", code: 0, reason: "superseded" }) as const;

describe("Dialer", () => {
  test("does nothing until an attempt is wanted", () => {
    const { dialer, drain } = setUp();
    dialer.timeout(5000);
    expect(drain()).toEqual([]);
    expect(dialer.deadline()).toBeUndefined();
  });

  test("starts an attempt at the wanted time and the next one second later, whatever became of the first", () => {
    const { dialer, drain } = setUp();
    dialer.want(100);
    expect(dialer.deadline()).toBe(100);
    dialer.timeout(99);
    expect(drain()).toEqual([]);
    dialer.timeout(100);
    expect(drain()).toEqual([{ type: "dial", dial: 1 }]);
    expect(dialer.deadline()).toBe(1100);
    dialer.dialing(1, 7);
    dialer.timeout(1100);
    expect(drain()).toEqual([{ type: "dial", dial: 2 }]);
    expect(dialer.owns(7)).toBe(true);
  });

  test("attempts are three quarters to one second apart in the first minute, then up to five", () => {
    const random = new Random(7);
    const { dialer, drain } = setUp(() => random.next());
    dialer.want(0);
    const starts: number[] = [];
    for (let at = dialer.deadline()!; at < 120_000; at = dialer.deadline()!) {
      dialer.timeout(at);
      if (drain().some((output) => output.type === "dial")) starts.push(at);
    }
    const gaps = starts.slice(1).map((at, index) => ({ at, gap: at - starts[index]! }));
    const eager = gaps.filter(({ at }) => at <= 60_000).map(({ gap }) => gap);
    const patient = gaps.filter(({ at }) => at > 65_000).map(({ gap }) => gap);
    expect(Math.max(...eager)).toBeLessThanOrEqual(1000);
    expect(Math.min(...eager)).toBeGreaterThanOrEqual(750);
    expect(Math.max(...patient)).toBeLessThanOrEqual(5000);
    expect(Math.min(...patient)).toBeGreaterThanOrEqual(3750);
  });

  test("at most four attempts run at once: the oldest makes room", () => {
    const { dialer, drain } = setUp();
    dialer.want(0);
    for (const [index, at] of [0, 1000, 2000, 3000].entries()) {
      dialer.timeout(at);
      dialer.dialing(index + 1, 10 + index);
    }
    drain();
    dialer.timeout(4000);
    expect(drain()).toEqual([closeOf(10), { type: "dial", dial: 5 }]);
    expect([10, 11, 12, 13].map((peer) => dialer.owns(peer))).toEqual([false, true, true, true]);
  });

  test("an attempt is given up after five seconds", () => {
    const { dialer, drain } = setUp();
    dialer.want(0);
    dialer.timeout(0);
    dialer.dialing(1, 10);
    for (let at = 60_000; at < 70_000; at += 5000) dialer.timeout(at); // patient by now
    drain();
    const started = dialer.deadline()!;
    dialer.timeout(started);
    const dial = drain().find((output) => output.type === "dial");
    expect(dial).toBeDefined();
    dialer.dialing(dial!.dial, 99);
    dialer.timeout(started + 4999);
    expect(dialer.owns(99)).toBe(true);
    dialer.timeout(started + 5000);
    expect(dialer.owns(99)).toBe(false);
    expect(drain()).toContainEqual(closeOf(99));
  });

  test("the first to connect wins: the others are closed and no more are started", () => {
    const { dialer, drain } = setUp();
    dialer.want(0);
    dialer.timeout(0);
    dialer.dialing(1, 10);
    dialer.timeout(1000);
    dialer.dialing(2, 11);
    dialer.timeout(2000); // its name is still being resolved
    drain();
    expect(dialer.won(11)).toBe(true);
    expect(drain()).toEqual([closeOf(10)]);
    expect(dialer.deadline()).toBeUndefined();
    dialer.dialing(3, 12);
    expect(drain()).toEqual([closeOf(12)]);
    expect(dialer.won(12)).toBe(false);
  });

  test("attempts that fail at once are not started faster", () => {
    const { dialer, drain } = setUp();
    dialer.want(0);
    dialer.timeout(0);
    dialer.dialing(1, 10);
    expect(dialer.failed(10)).toBe(true);
    expect(dialer.failed(10)).toBe(false);
    dialer.cancel();
    dialer.want(10);
    expect(dialer.deadline()).toBe(1000);
    dialer.timeout(1000);
    expect(dialer.unresolved(2)).toBe(true);
    expect(dialer.expects(2)).toBe(false);
    expect(drain().filter((output) => output.type === "dial")).toHaveLength(2);
  });

  test("only what settles makes it eager again", () => {
    const { dialer, drain } = setUp();
    const gapAt = (at: number) => {
      dialer.want(at);
      dialer.timeout(at);
      drain();
      const gap = dialer.deadline()! - at;
      dialer.cancel();
      return gap;
    };
    expect(gapAt(0)).toBe(1000);
    expect(gapAt(70_000)).toBe(5000);
    dialer.settled();
    expect(gapAt(80_000)).toBe(1000);
  });
});
