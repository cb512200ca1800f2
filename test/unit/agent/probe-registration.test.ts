// The one registration of a probe: which datagrams answer it, and which are data.
import { describe, expect, test } from "bun:test";
import { isData, ProbeRegistration } from "../../../src/agent/probe-registration.ts";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";
import { encodeAck, encodeNack } from "../../../src/wire/tunnel.ts";

function registration(expected: "any" | "ack" | "nack" = "any") {
  const one = new ProbeRegistration({ service: "web", expect: expected, answerMs: 0 });
  expect(toHex(one.request())).toBe("1003776562");
  return one;
}

test("is unanswered until its own answer comes", () => {
  const one = registration();
  for (const other of [
    encodeAck("db"),
    encodeNack(2, "db"),
    fromHex("1200")!,
    fromHex("017f0000010001")!,
    fromHex("45")!,
  ]) {
    one.received(other);
  }
  expect(one.result).toEqual({ type: "unanswered" });
  one.received(encodeAck("web"));
  expect(one.result).toEqual({ type: "acknowledged" });
});

test("is refused with the status that came, also when the relay could not name the service", () => {
  const one = registration();
  one.received(encodeNack(3, "web"));
  expect(one.result).toEqual({ type: "refused", status: 3 });
  const unnamed = registration();
  unnamed.received(encodeNack(1, ""));
  expect(unnamed.result).toEqual({ type: "refused", status: 1 });
});

describe("what was expected", () => {
  test("is open until there is an answer, then met or not", () => {
    const met = (expected: "any" | "ack" | "nack", answer?: Uint8Array) => {
      const one = registration(expected);
      if (answer !== undefined) one.received(answer);
      return one.expectation();
    };
    expect([met("ack"), met("nack"), met("any")]).toEqual(["open", "open", "open"]);
    expect([met("ack", encodeAck("web")), met("nack", encodeAck("web"))]).toEqual(["met", "disappointed"]);
    expect([met("ack", encodeNack(2, "web")), met("nack", encodeNack(2, "web"))]).toEqual(["disappointed", "met"]);
    expect([met("any", encodeAck("web")), met("any", encodeNack(2, "web"))]).toEqual(["open", "open"]);
  });
});

test.each([
  ["an acknowledgement", "120003776562", false],
  ["a refusal", "130203776562", false],
  ["an observed address", "017f000001ab24", false],
  ["half an acknowledgement", "12", false],
  ["half a refusal", "1302", false],
  ["half an observed address", "017f", false],
  ["an inner packet", "45", true],
  ["nothing", "", true],
  ["anything else", "ff", true],
  ["half a routed packet", "2f", true],
  ["half a keepalive", "5a", true],
])("%s is data or not", (_name, hex, expected) => {
  expect(isData(fromHex(hex)!)).toBe(expected);
});
