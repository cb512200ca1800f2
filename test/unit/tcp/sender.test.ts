// The sending half by itself: what it chooses to send, and what it waits for.
import { describe, expect, test } from "bun:test";
import { DEFAULT_LIMITS } from "../../../src/tcp/connection-options.ts";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { Segment } from "../../../src/tcp/segment.ts";
import { Sender } from "../../../src/tcp/sender.ts";
import { newTcpStats } from "../../../src/tcp/stats.ts";

const MSS = 1_000;

class Half {
  readonly sender = new Sender({
    ...DEFAULT_LIMITS,
    initialSequence: 0,
    mss: MSS,
    stats: newTcpStats(),
    pages: new PagePool(0),
  });
  now = 1.5;

  /** A handshake that took 20 ms, SACK, a large window. */
  constructor() {
    expect(this.leave()).toEqual(["0-1"]);
    this.now += 20;
    this.acknowledged(1);
    this.sender.begin(MSS, true);
  }

  write(length: number): this {
    this.sender.write(new Uint8Array(length), "given", this.now);
    return this;
  }

  /** What leaves now; "again" when it left before. */
  leave(most = 1_000): string[] {
    const left: string[] = [];
    while (left.length < most && this.sender.next(MSS)) {
      const { start, end } = this.sender;
      left.push(`${start}-${end}${this.sender.sent(this.now) ? " again" : ""}`);
    }
    return left;
  }

  acknowledged(position: number, window = 60_000): void {
    const segment = Object.assign(new Segment(), { window });
    this.sender.acknowledge(position, 1, segment, undefined, this.now);
  }

  get waits(): number | undefined {
    return this.sender.deadline === undefined ? undefined : this.sender.deadline - this.now;
  }

  expire(): void {
    this.now = this.sender.deadline!;
    this.sender.handleTimeout(this.now);
  }
}

test("waits for nothing when everything is acknowledged", () => {
  const half = new Half();
  expect([half.leave(), half.waits, half.sender.waiting]).toEqual([[], undefined, false]);
  half.write(500).leave();
  expect(half.sender.waiting).toBe(true);
  half.acknowledged(501);
  expect([half.waits, half.sender.waiting]).toEqual([undefined, false]);
});

test("asking again what to send changes nothing", () => {
  const half = new Half().write(1_500);
  for (let i = 0; i < 3; i += 1)
    expect([half.sender.next(MSS), half.sender.start, half.sender.end]).toEqual([true, 1, 1_001]);
  expect(half.leave()).toEqual(["1-1001", "1001-1501"]);
});

test("bytes, their FIN, and then nothing", () => {
  const half = new Half().write(1_000);
  half.sender.finish(half.now);
  half.sender.finish(half.now);
  expect(half.leave()).toEqual(["1-1002"]);
  half.acknowledged(1_002);
  expect([half.sender.space.finAcknowledged, half.leave(), half.waits]).toEqual([true, [], undefined]);
});

describe("without room at the caller", () => {
  test("what is sent first is what was lost", () => {
    const half = new Half().write(5_000);
    half.leave();
    half.write(5_000);
    half.expire();
    expect(half.leave(1)).toEqual(["5001-6001"]); // the first probe
    half.expire();
    half.leave(1);
    half.expire();
    half.leave(1);
    half.expire();
    expect(half.leave(1)).toEqual(["1-1001 again"]);
  });

  test("no timeout is counted against what did not leave", () => {
    const half = new Half().write(2_000);
    half.leave();
    for (let probes = 0; probes < 3; probes += 1) {
      half.expire();
      half.leave();
    }
    half.expire();
    const { waits } = half;
    for (let i = 0; i < 20; i += 1) {
      half.expire();
      expect(half.waits).toBe(waits!);
    }
    expect(half.leave(1)).toEqual(["1-1001 again"]);
  });
});

test("pathRestored() brings the next attempt forward, and does nothing when nothing is missing", () => {
  const half = new Half();
  half.sender.pathRestored(half.now);
  expect([half.waits, half.leave()]).toEqual([undefined, []]);
  half.write(1_000).leave();
  for (let i = 0; i < 9; i += 1) {
    half.expire();
    half.leave();
  }
  expect(half.waits!).toBeGreaterThan(5_000);
  half.sender.pathRestored(half.now);
  expect([half.leave(), half.waits]).toEqual([["1-1001 again"], 200]);
});

test("a window that opens again sends at once what it had refused", () => {
  const half = new Half();
  half.acknowledged(1, 0);
  half.write(3_000);
  half.expire();
  expect(half.leave()).toEqual(["1-2"]);
  half.acknowledged(1, 0);
  expect(half.leave()).toEqual([]);
  half.acknowledged(1, 10_000);
  expect(half.leave()).toEqual(["1-2 again", "2-1002", "1002-2002", "2002-3001"]);
});

test("stopped, it has nothing to send and nothing to wait for", () => {
  const half = new Half().write(5_000);
  half.leave(2);
  half.sender.stop();
  expect([half.leave(), half.waits, half.sender.space.buffer.held]).toEqual([[], undefined, 0]);
});
