// What leaves the relay, in the order in which it was decided.
import { expect, test } from "bun:test";
import { Outputs } from "../../../src/relay/outputs.ts";

test("outputs come out in order; a forwarded datagram is passed on as it is", () => {
  const outputs = new Outputs();
  const bytes = new Uint8Array([1, 2]);
  const notice = { type: "notice", level: "info", event: "registered", fields: {} } as const;
  outputs.ping(1);
  outputs.forward(2, bytes);
  outputs.send(3, new Uint8Array([3]));
  outputs.notice(notice);
  expect(outputs.shift()).toEqual({ type: "ping", peer: 1 });
  const forwarded = outputs.shift();
  expect(forwarded).toEqual({ type: "send", peer: 2, bytes });
  expect(forwarded?.type === "send" && forwarded.bytes).toBe(bytes);
  expect(outputs.shift()).toEqual({ type: "send", peer: 3, bytes: new Uint8Array([3]) });
  expect(outputs.shift()).toBe(notice);
  expect(outputs.shift()).toBeUndefined();
});
