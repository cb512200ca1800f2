// How fast a path delivers.
import { expect, test } from "bun:test";
import { DeliveryRate } from "../../../src/tcp/delivery-rate.ts";

/** Acknowledgements of `bytes` each, every millisecond from `from` on; returns when the last one came. */
function steady(rate: DeliveryRate, bytes: number, from: number, ms: number): number {
  for (let now = from; now < from + ms; now += 1) rate.acknowledged(bytes, 5, now);
  return from + ms - 1;
}

test("is what arrived in the time it took, once there was time to tell", () => {
  const rate = new DeliveryRate();
  steady(rate, 1_000, 0, 20);
  expect(rate.bytesPerMs).toBe(0);
  rate.acknowledged(1_000, 5, 20);
  expect(rate.bytesPerMs).toBe(1_000);
});

test("a burst of acknowledgements is no rate", () => {
  const rate = new DeliveryRate();
  rate.acknowledged(0, 5, 0);
  for (let n = 0; n < 10; n += 1) rate.acknowledged(10_000, 5, 1);
  rate.acknowledged(0, 5, 50);
  expect(rate.bytesPerMs).toBe(2_000);
});

test("takes no less than a round trip to tell", () => {
  const rate = new DeliveryRate();
  rate.acknowledged(0, 100, 0);
  rate.acknowledged(99_000, 100, 99);
  expect(rate.bytesPerMs).toBe(0);
  rate.acknowledged(1_000, 100, 100);
  expect(rate.bytesPerMs).toBe(1_000);
});

test("is kept while an application has little to send, for two to four seconds", () => {
  const rate = new DeliveryRate();
  steady(rate, 1_000, 0, 1_000);
  const now = steady(rate, 10, 1_000, 2_900);
  expect(rate.bytesPerMs).toBeGreaterThan(900);
  steady(rate, 10, now, 200);
  expect(rate.bytesPerMs).toBeLessThan(20);
});
