// The receiving half: which segments belong to the stream, and what is answered.
import { describe, expect, test } from "bun:test";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { Receiver } from "../../../src/tcp/receiver.ts";
import { TcpOptions } from "../../../src/wire/tcp-options.ts";
import { streamBytes } from "../../support/tcp-script.ts";

function receiver(capacity = 10_000): Receiver {
  const result = new Receiver({ receiveBufferBytes: capacity, delayedAckMs: 40, pages: new PagePool(0) });
  result.offerWindow(1_000, false);
  return result;
}

function take(to: Receiver, position: number, length: number, fin = false): void {
  to.take(position, streamBytes(position, length), 0, length, fin, 0);
}

/** Acknowledgements that leave now. */
function leave(half: Receiver): number {
  let count = 0;
  for (; half.acks.due; count += 1) {
    half.fillSack(new TcpOptions(), 4);
    half.acknowledged(true);
  }
  return count;
}

describe("accepts()", () => {
  test("what reaches into the window, and a segment right behind it", () => {
    const half = receiver();
    take(half, 1, 1_000);
    const verdicts = [
      [1_001, 0, true],
      [1_000, 0, false],
      [10_001, 0, true],
      [10_002, 0, false],
      [1, 1_000, false],
      [1, 1_001, true],
      [10_001, 1, true],
      [10_002, 1, false],
    ] as const;
    for (const [position, length, accepted] of verdicts) {
      expect([position, length, half.accepts(position, length)]).toEqual([position, length, accepted]);
    }
  });

  test("with the window closed, what comes right behind it", () => {
    const half = receiver(1_000);
    take(half, 1, 1_000);
    expect([half.accepts(1_001, 0), half.accepts(1_001, 1), half.accepts(1_002, 0)]).toEqual([true, true, false]);
  });
});

describe("the peer's FIN", () => {
  test("counts when everything before it is there", () => {
    const half = receiver();
    take(half, 501, 100, true);
    expect([half.finished, half.next]).toEqual([false, 1]);
    take(half, 1, 500);
    expect([half.finished, half.next, half.buffer.readable]).toEqual([true, 602, 600]);
  });

  test("stays where the first one was; bytes behind it are not taken", () => {
    const half = receiver();
    take(half, 101, 0, true);
    take(half, 201, 0, true);
    take(half, 1, 300);
    expect([half.finished, half.next, half.buffer.readable]).toEqual([true, 102, 100]);
  });

  test("beyond the window is not believed", () => {
    const half = receiver(1_000);
    take(half, 1, 1_200, true);
    expect([half.finished, half.buffer.readable]).toEqual([false, 1_000]);
    half.consumed(1_000, 100);
    half.offerWindow(100, false);
    take(half, 1_001, 200, true);
    expect(half.finished).toBe(true);
  });
});

describe("acknowledgements", () => {
  test("two tell of each gap to a peer with SACK, one for each segment to one without", () => {
    for (const [selective, expected] of [
      [true, 2],
      [false, 5],
    ] as const) {
      const half = receiver();
      half.selective = selective;
      for (let i = 1; i <= 5; i += 1) take(half, i * 1_000, 500);
      expect(leave(half)).toBe(expected);
    }
  });

  test("one when the last gap is closed", () => {
    const half = receiver();
    take(half, 501, 500);
    leave(half);
    take(half, 1, 500);
    expect([leave(half), half.ackSent]).toEqual([1, 1_001]);
  });

  test("an update when the application made room, but none after the FIN", () => {
    const half = receiver(2_000);
    take(half, 1, 2_000);
    half.offerWindow(500, false);
    half.acknowledged(true);
    half.consumed(499, 500);
    expect(half.acks.due).toBe(false);
    half.consumed(1, 500);
    expect(half.acks.due).toBe(true);
    const closed = receiver(2_000);
    take(closed, 1, 2_000, true);
    closed.acknowledged(true);
    closed.consumed(2_000, 500);
    expect(closed.acks.due).toBe(false);
  });
});

test("recent is what came within the last bufferful", () => {
  const half = receiver(1_000);
  take(half, 1, 1_000);
  half.consumed(1_000, 100);
  half.offerWindow(100, false);
  take(half, 1_001, 500);
  expect([1_501, 1_500, 501, 500, -5].map((position) => half.isRecent(position))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});
