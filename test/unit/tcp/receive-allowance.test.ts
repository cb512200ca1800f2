// How much is offered to senders that fill whatever they are offered, and to those that do not.
import { expect, test } from "bun:test";
import { ReceiveAllowance } from "../../../src/tcp/receive-allowance.ts";

const CAPACITY = 4_000_000;
const PACKET = 1_000;

/** A sender that fills whatever it is offered, over a path of 2 ms that carries so many bytes in a millisecond. */
class GreedySender {
  now = 1_000;
  longestRtt = 0;
  private readonly allowance: ReceiveAllowance;
  private readonly bytesPerMs: number;

  constructor(allowance: ReceiveAllowance, bytesPerMs: number) {
    this.allowance = allowance;
    this.bytesPerMs = bytesPerMs;
  }

  /** What came last was sent when the window was as it was a round trip ago. */
  run(ms: number): void {
    const offers: { readonly at: number; readonly bytes: number }[] = [];
    this.longestRtt = 0;
    for (const end = this.now + ms; this.now < end; this.now += PACKET / this.bytesPerMs) {
      offers.push({ at: this.now, bytes: this.allowance.bytes });
      while (offers.length > 1 && offers[0]!.at + offers[0]!.bytes / this.bytesPerMs < this.now) offers.shift();
      const rtt = Math.max(PATH_MS, offers[0]!.bytes / this.bytesPerMs);
      this.longestRtt = Math.max(this.longestRtt, rtt);
      this.allowance.arrive(PACKET, Math.max(1, Math.floor(rtt)), this.now);
      this.allowance.take(PACKET);
    }
  }
}

test("doubles for a reader that takes as much as was offered, up to the buffer", () => {
  const allowance = new ReceiveAllowance(CAPACITY);
  expect(allowance.bytes).toBe(512 * 1024);
  allowance.take(512 * 1024 - 1);
  expect(allowance.bytes).toBe(512 * 1024);
  allowance.take(1);
  expect(allowance.bytes).toBe(1024 * 1024);
  for (let i = 0; i < 10; i++) allowance.take(CAPACITY);
  expect(allowance.bytes).toBe(CAPACITY);
});

test("a sender that fills what it is offered is kept to a short queue, for minutes, and stays busy", () => {
  const allowance = new ReceiveAllowance(CAPACITY);
  allowance.arrive(PACKET, PATH_MS, 999);
  const sender = new GreedySender(allowance, 20_000);
  sender.run(1_000);
  sender.run(60_000);
  expect(sender.longestRtt).toBeLessThan(30);
  expect(allowance.bytes).toBeGreaterThan(PATH_MS * 20_000);
});

test("when the path becomes faster, more is offered again", () => {
  const allowance = new ReceiveAllowance(CAPACITY);
  allowance.arrive(PACKET, PATH_MS, 999);
  const slow = new GreedySender(allowance, 5_000);
  slow.run(2_000);
  const before = allowance.bytes;
  const fast = new GreedySender(allowance, 50_000);
  fast.now = slow.now;
  fast.run(2_000);
  expect(allowance.bytes).toBeGreaterThan(4 * before);
});

test("a peer that says little, and so echoes old timestamps, loses nothing of the offer", () => {
  const allowance = new ReceiveAllowance(CAPACITY);
  allowance.arrive(PACKET, 1, 0);
  for (let now = 100; now < 60_000; now += 100) allowance.arrive(PACKET, 100, now);
  expect(allowance.bytes).toBe(512 * 1024);
});

test("without timestamps nothing is known of queues", () => {
  const allowance = new ReceiveAllowance(CAPACITY);
  for (let now = 0; now < 30_000; now++) {
    allowance.arrive(100 * PACKET, undefined, now);
    allowance.take(100 * PACKET);
  }
  expect(allowance.bytes).toBe(CAPACITY);
});

const PATH_MS = 2;
