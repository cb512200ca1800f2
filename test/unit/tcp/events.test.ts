// Events come out in order, each once.
import { expect, test } from "bun:test";
import { PendingEvents } from "../../../src/tcp/events.ts";

test("an event that was not taken yet is not added again", () => {
  const events = new PendingEvents();
  for (const event of ["readable", "writable", "readable", "closed"] as const) events.add(event);
  expect([events.shift(), events.shift()]).toEqual(["readable", "writable"]);
  events.add("readable");
  expect([events.shift(), events.shift(), events.shift()]).toEqual(["closed", "readable", undefined]);
});
