// The ceiling of a process's memory.
import { expect, test } from "bun:test";
import { MemoryCeiling } from "../../../src/runtime/memory-ceiling.ts";

test("what is above the ceiling is told, once", async () => {
  const told: number[] = [];
  let resident = 90;
  const { promise, resolve } = Promise.withResolvers<void>();
  const exceeded = (bytes: number) => {
    told.push(bytes);
    resolve();
  };
  let looks = 0;
  const residentBytes = () => {
    looks++;
    resident += 5;
    return resident;
  };
  using _ceiling = disposable(new MemoryCeiling({ limitBytes: 100, exceeded, residentBytes, intervalMs: 1 }));
  await promise;
  expect({ told, looks }).toEqual({ told: [105], looks: 3 });
});

test("a process that is too large from the start is told at once, by its real size", () => {
  const told: number[] = [];
  using _ceiling = disposable(new MemoryCeiling({ limitBytes: 1, exceeded: (bytes) => told.push(bytes) }));
  expect(told.length).toBe(1);
  expect(told[0]).toBeGreaterThan(1024 * 1024);
});

test("no ceiling is none", () => {
  const residentBytes = () => {
    throw new Error("nobody asks");
  };
  using _ceiling = disposable(new MemoryCeiling({ limitBytes: 0, exceeded: residentBytes, residentBytes }));
});

function disposable(ceiling: MemoryCeiling): Disposable {
  return { [Symbol.dispose]: () => ceiling.close() };
}
