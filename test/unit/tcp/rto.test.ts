// RFC 6298, number by number.
import { expect, test } from "bun:test";
import { RetransmissionTimeout } from "../../../src/tcp/rto.ts";

const rto = () => new RetransmissionTimeout({ minRtoMs: 200, maxRtoMs: 60_000 });

test("is a second before anything was measured", () => {
  expect(rto().current).toBe(1_000);
});

test("the first sample counts with half of itself as variation, further ones by eighths and quarters", () => {
  const timeout = rto();
  timeout.sample(500);
  expect([timeout.srtt, timeout.current]).toEqual([500, 1_500]);
  timeout.sample(900);
  expect(timeout.srtt).toBe(550);
  expect(timeout.current).toBe(550 + 4 * (250 * 0.75 + 400 * 0.25));
});

test("is at least 200 ms and the clock's grain above the round trip, at most a minute", () => {
  const timeout = rto();
  timeout.sample(2);
  expect(timeout.current).toBe(200);
  for (let i = 0; i < 200; i += 1) timeout.sample(400);
  expect(timeout.current).toBeCloseTo(401, 5);
  timeout.sample(1_000_000);
  expect(timeout.current).toBe(60_000);
});

test("doubles while nothing is measured, up to the limit, and a sample ends that", () => {
  const timeout = rto();
  timeout.sample(100);
  const waits = Array.from({ length: 10 }, () => {
    timeout.backOff();
    return timeout.current;
  });
  expect(waits).toEqual([600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 60_000, 60_000, 60_000]);
  timeout.sample(100);
  expect(timeout.current).toBeLessThan(300);
  timeout.backOff();
  timeout.forgetBackOff();
  expect(timeout.current).toBeLessThan(300);
});

test("remembers the shortest round trip of all that were measured", () => {
  const timeout = rto();
  timeout.sample(50, 40);
  timeout.sample(30);
  timeout.sample(80, 60);
  expect(timeout.minRtt).toBe(30);
});

test("after a repeated SYN it is three seconds, unless something was measured", () => {
  const timeout = rto();
  timeout.backOff();
  timeout.handshakeRepeated();
  expect(timeout.current).toBe(3_000);
  timeout.sample(100);
  timeout.handshakeRepeated();
  expect(timeout.current).toBe(300);
});
