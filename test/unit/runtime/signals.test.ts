// Signals to a daemon.
import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { onSignals, type SignalSource } from "../../../src/runtime/signals.ts";

function setUp() {
  const source = new EventEmitter();
  const calls: string[] = [];
  const off = onSignals(
    { drain: (signal) => calls.push(signal), abort: () => calls.push("abort"), reload: () => calls.push("reload") },
    source as SignalSource,
  );
  return { source, calls, off };
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`the first ${signal} drains, the second signal ends at once`, () => {
    const { source, calls } = setUp();
    source.emit(signal, signal);
    expect(calls).toEqual([signal]);
    source.emit("SIGINT", "SIGINT");
    expect(calls).toEqual([signal, "abort"]);
  });
}

test("HUP reloads as often as it comes, but not while draining", () => {
  const { source, calls } = setUp();
  source.emit("SIGHUP", "SIGHUP");
  source.emit("SIGHUP", "SIGHUP");
  source.emit("SIGTERM", "SIGTERM");
  source.emit("SIGHUP", "SIGHUP");
  expect(calls).toEqual(["reload", "reload", "SIGTERM"]);
});

test("nothing is heard any more once it is off", () => {
  const { source, calls, off } = setUp();
  off();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) expect(source.emit(signal, signal)).toBe(false);
  expect(calls).toEqual([]);
});
