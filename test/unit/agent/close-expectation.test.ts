// Expecting to be turned away, by number or by reason, during the handshake or after it.
import { describe, expect, test } from "bun:test";
import { matchesClose, parseCloseExpectation } from "../../../src/agent/close-expectation.ts";
import type { Closed, ProbeReport } from "../../../src/agent/probe-output.ts";

const BASE: ProbeReport = {
  handshake: { done: true, micros: 1000 },
  registration: { type: "none" },
  sent: 0,
  answers: 0,
  wantsAnswers: false,
  interrupted: false,
};

function closedWith(closed: Partial<Closed>): ProbeReport {
  return { ...BASE, closed: { by: "peer", layer: "transport", code: 0, reason: "", ...closed } };
}

test.each([
  ["0x174", { code: 0x174 }],
  ["372", { code: 372 }],
  ["0", { code: 0 }],
  ["0X0C", { code: 12 }],
  ["no-client-cert", { reason: "no-client-cert" }],
  ["client cert required", { reason: "client cert required" }],
  ["12 o'clock", { reason: "12 o'clock" }],
  ["0xyz", { reason: "0xyz" }],
])("reads %p", (text, expected) => {
  expect(parseCloseExpectation(text)).toEqual(expected);
});

describe("after the handshake", () => {
  test("a code matches on either layer", () => {
    expect(matchesClose({ code: 0x174 }, closedWith({ code: 0x174 }))).toBe(true);
    expect(matchesClose({ code: 0 }, closedWith({ layer: "application", code: 0 }))).toBe(true);
    expect(matchesClose({ code: 0x174 }, closedWith({ code: 0x130 }))).toBe(false);
  });

  test("a reason matches the text that was sent, or what the alert means", () => {
    const required = closedWith({ code: 1, reason: "client cert required" });
    expect(matchesClose({ reason: "client cert required" }, required)).toBe(true);
    expect(matchesClose({ reason: "client cert" }, required)).toBe(false);
    expect(matchesClose({ reason: "no-client-cert" }, closedWith({ code: 0x174 }))).toBe(true);
    expect(matchesClose({ reason: "no-client-cert" }, closedWith({ code: 0x130 }))).toBe(false);
    expect(matchesClose({ reason: "weak-key" }, closedWith({ code: 1, reason: "weak-key" }))).toBe(true);
  });

  test("a connection that fell silent was not closed with code 0", () => {
    expect(matchesClose({ code: 0 }, closedWith({ by: "timeout", reason: "idle timeout" }))).toBe(false);
    expect(matchesClose({ code: 0 }, closedWith({ by: "reset", reason: "stateless reset" }))).toBe(false);
    expect(matchesClose({ reason: "idle timeout" }, closedWith({ by: "timeout", reason: "idle timeout" }))).toBe(true);
  });

  test("an open connection matches nothing", () => {
    expect(matchesClose({ code: 0 }, BASE)).toBe(false);
    expect(matchesClose({ reason: "" }, BASE)).toBe(false);
  });
});

test("during the handshake the code and the reason of the failure match", () => {
  const failed: ProbeReport = { ...BASE, handshake: { done: false, reason: "alpn", detail: "refused", code: 0x178 } };
  expect(matchesClose({ code: 0x178 }, failed)).toBe(true);
  expect(matchesClose({ code: 0x174 }, failed)).toBe(false);
  expect(matchesClose({ reason: "alpn" }, failed)).toBe(true);
  expect(matchesClose({ reason: "refused" }, failed)).toBe(false);
  const silent: ProbeReport = { ...BASE, handshake: { done: false, reason: "unreachable", detail: "" } };
  expect(matchesClose({ code: 0 }, silent)).toBe(false);
  expect(matchesClose({ reason: "unreachable" }, silent)).toBe(true);
});

test("an interrupted run matches nothing", () => {
  const { handshake: _, ...before } = BASE;
  expect(matchesClose({ code: 0 }, before)).toBe(false);
});
