// When the memory of connections that are gone is asked back.
import { expect, test } from "bun:test";
import { NativeMemory } from "../../../src/runtime/native-memory.ts";

test("memory is collected for a thousand connections at a time, and at most once a second", () => {
  const collections: number[] = [];
  let now = 0;
  const memory = new NativeMemory(() => collections.push(now));
  for (let gone = 0; gone <= 10_000; gone++) {
    now = gone; // a thousand connections end in a second
    memory.look(gone, now);
  }
  expect(collections).toEqual([1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 9216]);
  collections.length = 0;
  for (let gone = 10_000; gone <= 30_000; gone += 10) {
    now += 1; // ten thousand do
    memory.look(gone, now);
  }
  expect(collections).toEqual([10_216, 11_216]);
});

test("connections that stay cost no collection", () => {
  const memory = new NativeMemory(() => {
    throw new Error("collected");
  });
  for (let now = 0; now < 100_000; now += 100) memory.look(1023, now);
});
