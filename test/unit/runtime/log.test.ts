// What a log line looks like, and that neither peers nor floods can misuse it.
import { expect, test } from "bun:test";
import { Log, type LogOptions } from "../../../src/runtime/log.ts";

function setUp(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const clock = { now: 0 };
  const log = new Log({
    format: "text",
    level: "debug",
    write: (line) => lines.push(line),
    wallNow: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    now: () => clock.now,
    ...options,
  });
  return { log, lines, clock };
}

test("a text line has UTC milliseconds, level, event and fields", () => {
  const { log, lines } = setUp();
  log.notice({ type: "notice", level: "warn", event: "takeover", fields: { service: "web", peers: 2 } });
  expect(lines).toEqual(["2026-01-02T03:04:05.678Z warn  takeover service=web peers=2\n"]);
});

test("a JSON line holds the same and is one object", () => {
  const { log, lines } = setUp({ format: "json" });
  log.line("info", "registered", { service: 'a"b\n', time: "x" });
  expect(lines[0]).toEndWith("}\n");
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    event: "registered",
    service: 'a"b\n',
    field_time: "x",
  });
  expect(lines[0]?.trimEnd()).not.toContain("\n");
});

for (const [level, expected] of [
  ["debug", ["debug", "info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
] as const) {
  test(`at level ${level} the lines from ${expected[0]} up are written`, () => {
    const { log, lines } = setUp({ level });
    for (const one of ["debug", "info", "warn", "error"] as const) log.line(one, one);
    expect(lines.map((line) => line.trimEnd().split(" ").at(-1))).toEqual([...expected]);
  });
}

test("a line of the contract ignores level and format", () => {
  const { log, lines } = setUp({ level: "error", format: "json" });
  log.plain("listening 127.0.0.1:4433");
  expect(lines).toEqual(["listening 127.0.0.1:4433\n"]);
});

test("a name that a peer chose forges no line, no field and no terminal sequence", () => {
  const { log, lines } = setUp();
  for (const name of ["a\nb", "a b=c", "\u001b[31mred", "\u202eevil", "a\u2028b", "\u0085", "", "x".repeat(5000)]) {
    log.line("info", "event", { name });
  }
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    expect(line.trimEnd()).toMatch(/^[\x20-\x7e]{1,700}$/);
    expect(line.trimEnd()).toMatch(/ name=(\w+|"([^"\\]|\\.)*")$/);
  }
});

test("repeats of one event are held back, counted, and do not hold back another event", () => {
  const { log, lines, clock } = setUp();
  for (let n = 0; n < 1000; n++) log.line("info", "flood");
  expect(lines).toHaveLength(50);
  log.line("info", "other");
  expect(lines).toHaveLength(51);
  clock.now += 60_000;
  log.line("info", "flood");
  expect(lines.at(-1)).toEndWith(" flood suppressed=950\n");
  log.line("info", "flood");
  expect(lines.at(-1)).toEndWith(" flood\n");
});

test("what was held back at the end is said on closing", () => {
  const { log, lines } = setUp();
  for (let n = 0; n < 60; n++) log.line("info", "flood");
  log.close();
  expect(lines.at(-1)).toEndWith(" suppressed repeated=flood suppressed=10\n");
});

test("many different events cost bounded memory and are still bounded in lines", () => {
  const { log, lines } = setUp();
  for (let n = 0; n < 5000; n++) log.line("info", `event-${n}`);
  expect(lines.length).toBe(512);
  log.close();
  expect(lines.length).toBe(1024);
});

test("colour is put on the level only", () => {
  const { log, lines } = setUp({ paint: (_level, text) => `<${text}>` });
  log.line("error", "failed", { why: "x" });
  expect(lines).toEqual(["2026-01-02T03:04:05.678Z <error> failed why=x\n"]);
});
