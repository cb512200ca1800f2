// RFC 7323: our clock, the peer's echo, and what is too old.
import { expect, test } from "bun:test";
import { Timestamps } from "../../../src/tcp/timestamps.ts";
import { TcpOptions } from "../../../src/wire/tcp-options.ts";

const stamp = (timestamp: number, timestampEcho = 0) =>
  Object.assign(new TcpOptions(), { hasTimestamps: true, timestamp, timestampEcho });

test("count whole milliseconds from the offset, and wrap", () => {
  const timestamps = new Timestamps(0xffff_fffe);
  expect([timestamps.value(0.9), timestamps.value(2.1)]).toEqual([0xffff_fffe, 0]);
  timestamps.note(stamp(77), 0);
  const options = new TcpOptions();
  timestamps.write(options, 5);
  expect([options.hasTimestamps, options.timestamp, options.timestampEcho]).toEqual([true, 3, 77]);
});

test("accept what is not before the latest, across the wrap, and refuse what has none", () => {
  const timestamps = new Timestamps(0);
  timestamps.note(stamp(0xffff_fff0), 0);
  expect([0xffff_fff0, 5, 0xffff_ffef].map((value) => timestamps.accepts(stamp(value), 1))).toEqual([
    true,
    true,
    false,
  ]);
  expect(timestamps.accepts(new TcpOptions(), 1)).toBe(false);
});

test("after 24 days anything may be of now", () => {
  const timestamps = new Timestamps(0);
  timestamps.note(stamp(100), 0.5);
  expect(timestamps.accepts(stamp(99), 24 * 86_400_000)).toBe(false);
  expect(timestamps.accepts(stamp(99), 24 * 86_400_000 + 0.5)).toBe(true);
});

test("a round trip is at least a millisecond, and none when the echo is not ours", () => {
  const timestamps = new Timestamps(1_000);
  expect(timestamps.roundTrip(stamp(1, 1_005), 30)).toBeUndefined();
  timestamps.agreed = true;
  expect(timestamps.roundTrip(stamp(1, 1_005), 30)).toBe(25);
  expect(timestamps.roundTrip(stamp(1, 1_030), 30)).toBe(1);
  expect(timestamps.roundTrip(stamp(1, 0), 30)).toBeUndefined();
  expect(timestamps.roundTrip(stamp(1, 1_031), 30)).toBeUndefined();
});

test("newer is strictly later, and means nothing unless agreed", () => {
  const timestamps = new Timestamps(0);
  timestamps.note(stamp(100), 0);
  expect(timestamps.isNewer(stamp(101))).toBe(false);
  timestamps.agreed = true;
  expect([101, 100, 99].map((value) => timestamps.isNewer(stamp(value)))).toEqual([true, false, false]);
});
