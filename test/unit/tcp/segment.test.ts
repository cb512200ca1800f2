// Reading a segment into a value that is used again.
import { expect, test } from "bun:test";
import { Segment } from "../../../src/tcp/segment.ts";
import { OURS, segment as packetOf, streamBytes, THEIRS } from "../../support/tcp-script.ts";

test("all of it is read, at an offset too, and nothing stays of the one before", () => {
  const segment = new Segment();
  const packet = packetOf("FSPA 5:25 ack 7 win 99 mss 1000 ws 3 ts 1/2");
  segment.read(Uint8Array.of(0, 0, ...packet), 2);
  expect([segment.sequence, segment.acknowledgement, segment.window]).toEqual([
    (THEIRS + 5) >>> 0,
    (OURS + 7) >>> 0,
    99,
  ]);
  expect([segment.isSyn, segment.isAck, segment.isFin, segment.isRst]).toEqual([true, true, true, false]);
  expect([segment.payloadLength, segment.length, segment.options.windowScale]).toEqual([20, 22, 3]);
  const payload: Uint8Array = Uint8Array.of(0, 0, ...packet).slice(segment.payloadStart, segment.payloadEnd);
  expect(payload).toEqual(streamBytes(5, 20));
  segment.read(packetOf("R 9"), 0);
  expect([segment.isSyn, segment.isAck, segment.isFin, segment.isRst]).toEqual([false, false, false, true]);
  expect([segment.length, segment.options.windowScale, segment.options.hasTimestamps]).toEqual([0, -1, false]);
});
