// A person at a prompt, in virtual time.
import { expect, test } from "bun:test";
import { toHex } from "../../../src/wire/bytes.ts";
import { ProbeWorld } from "../../support/probe-world.ts";

function world() {
  const run = new ProbeWorld({ plan: { activity: { type: "interactive" }, collectMs: 0 } });
  run.run(2);
  return run;
}

test("prompts, sends the line as one datagram, and shows answers for 500 ms before the next prompt", () => {
  const run = world();
  expect(run.events("prompt")).toHaveLength(1);
  expect(run.deadline()).toBeUndefined();
  run.run(60_000);
  run.input({ type: "line", text: "grüß dich" });
  expect(run.sent().map(toHex)).toEqual(["6772c3bcc39f2064696368"]);
  expect(run.deadline()).toBe(60_502);
  run.run(499);
  run.datagram(Uint8Array.of(0x45, 1, 2));
  expect(run.events("received")).toHaveLength(1);
  expect(run.events("prompt")).toHaveLength(1);
  run.run(1);
  expect(run.events("prompt")).toHaveLength(2);
});

test.each(["quit", "exit", " quit ", undefined])("ends at %p without sending it", (text) => {
  const run = world();
  run.input(text === undefined ? { type: "line" } : { type: "line", text });
  expect(run.finishedAt()).toBe(2);
  expect(run.sent()).toHaveLength(0);
  expect(run.report().wantsAnswers).toBe(false);
  expect(run.closes()).toHaveLength(1);
});

test("sends an empty line as an empty datagram", () => {
  const run = world();
  run.input({ type: "line", text: "" });
  expect(run.sent().map(({ length }) => length)).toEqual([0]);
});

test("ignores a line that it did not ask for", () => {
  const run = world();
  run.input({ type: "line", text: "one" });
  run.input({ type: "line", text: "two" });
  expect(run.sent()).toHaveLength(1);
});

test("stays at the prompt when the connection closes, and fails at the next line only", () => {
  const run = world();
  run.close(0, "");
  expect(run.finishedAt()).toBeUndefined();
  run.input({ type: "line", text: "hello" });
  expect(run.report().sendFailure).toBe("the connection is closed");
  const leaving = world();
  leaving.close(0, "");
  leaving.input({ type: "line" });
  expect(leaving.report().sendFailure).toBeUndefined();
});
