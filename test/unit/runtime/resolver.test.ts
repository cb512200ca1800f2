// Names and their addresses, with a name server that may be slow, wrong or gone.
import { expect, test } from "bun:test";
import { Resolver } from "../../../src/runtime/resolver.ts";

function setUp(answers: Record<string, readonly string[] | Error | "silence">, freshMs = 1000) {
  const clock = { now: 0 };
  const asked: string[] = [];
  const resolver = new Resolver({
    freshMs,
    now: () => clock.now,
    timeoutMs: 20,
    query: (host) => {
      asked.push(host);
      const answer = answers[host] ?? new Error("ENOTFOUND");
      if (answer === "silence") return new Promise(() => {});
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { resolver, clock, asked, answers };
}

test("an address needs no question", async () => {
  const { resolver, asked } = setUp({});
  expect(await resolver.resolve("192.0.2.1")).toEqual(["192.0.2.1"]);
  expect(await resolver.resolve("2001:db8::1")).toEqual(["2001:db8::1"]);
  expect(asked).toEqual([]);
});

test("an answer is used while fresh and asked for again afterwards", async () => {
  const { resolver, clock, asked, answers } = setUp({ db: ["192.0.2.1"] });
  expect(await resolver.resolve("db")).toEqual(["192.0.2.1"]);
  answers.db = ["192.0.2.2"];
  clock.now = 999;
  expect(await resolver.resolve("db")).toEqual(["192.0.2.1"]);
  expect(asked).toHaveLength(1);
  clock.now = 1000;
  expect(await resolver.resolve("db")).toEqual(["192.0.2.2"]);
  expect(asked).toHaveLength(2);
});

test("questions at the same time are asked once", async () => {
  const { resolver, asked } = setUp({ db: ["192.0.2.1"] });
  await Promise.all([resolver.resolve("db"), resolver.resolve("db"), resolver.resolve("db")]);
  expect(asked).toEqual(["db"]);
});

test("a name without an address, an error and a silent server are errors at first", async () => {
  const { resolver } = setUp({ none: [], bad: new Error("SERVFAIL"), slow: "silence" });
  await expect(resolver.resolve("none")).rejects.toThrow("no address");
  await expect(resolver.resolve("bad")).rejects.toThrow("SERVFAIL");
  await expect(resolver.resolve("slow")).rejects.toThrow("no answer within 20 ms");
});

for (const trouble of [new Error("SERVFAIL"), "silence", []] as const) {
  test(`the last good answer outlives ${trouble instanceof Error ? "an error" : JSON.stringify(trouble)}`, async () => {
    const { resolver, clock, answers } = setUp({ db: ["192.0.2.1"] });
    await resolver.resolve("db");
    answers.db = trouble;
    clock.now = 1_000_000;
    expect(await resolver.resolve("db")).toEqual(["192.0.2.1"]);
  });
}

test("the cache is bounded and the oldest answer leaves it first", async () => {
  const names = Array.from({ length: 300 }, (_, n) => `host-${n}`);
  const { resolver, asked } = setUp(Object.fromEntries(names.map((name) => [name, ["192.0.2.1"]])), 1e9);
  for (const name of names) await resolver.resolve(name);
  expect(resolver.size).toBe(256);
  await resolver.resolve("host-299");
  expect(asked).toHaveLength(300);
  await resolver.resolve("host-0");
  expect(asked).toHaveLength(301);
});

test("a flood of names that are never answered is refused", async () => {
  const names = Array.from({ length: 65 }, (_, n) => `host-${n}`);
  const { resolver, asked } = setUp(Object.fromEntries(names.map((name) => [name, "silence" as const])));
  const results = await Promise.allSettled(names.map((name) => resolver.resolve(name)));
  expect(results.every(({ status }) => status === "rejected")).toBe(true);
  expect(asked).toHaveLength(64);
});

test("the system resolves localhost", async () => {
  const resolver = new Resolver({ freshMs: 0, now: () => 0 });
  expect(["127.0.0.1", "::1"]).toContain((await resolver.resolve("localhost"))[0] ?? "");
});
