// Whether a run went as it should: what the reference client lets pass, what was expected, and what strict adds.
import { describe, expect, test } from "bun:test";
import type { Closed, ProbeReport } from "../../../src/agent/probe-output.ts";
import { closeText, type Expectations, failureOf } from "../../../src/agent/verdict.ts";

const GOOD: ProbeReport = {
  handshake: { done: true, micros: 1000 },
  registration: { type: "acknowledged" },
  sent: 3,
  answers: 3,
  wantsAnswers: true,
  interrupted: false,
};
const NOTHING: Expectations = { rejection: false, ack: false, strict: false };
const STRICT: Expectations = { ...NOTHING, strict: true };
const ALERT: Closed = { by: "peer", layer: "transport", code: 0x174, reason: "" };
const GOODBYE: Closed = { by: "peer", layer: "application", code: 0, reason: "server shutting down" };
const SILENCE: Closed = { by: "timeout", layer: "transport", code: 0, reason: "idle timeout" };

const cause = (report: Partial<ProbeReport>, expected: Partial<Expectations> = {}) =>
  failureOf({ ...GOOD, ...report }, { ...NOTHING, ...expected })?.cause;
const sentence = (report: Partial<ProbeReport>, expected: Partial<Expectations> = {}) =>
  failureOf({ ...GOOD, ...report }, { ...NOTHING, ...expected })?.sentence;

test("a run in which everything worked is good by any measure", () => {
  expect(failureOf(GOOD, NOTHING)).toBeUndefined();
  expect(failureOf(GOOD, STRICT)).toBeUndefined();
});

const MISHAPS: readonly (readonly [string, Partial<ProbeReport>, string | undefined, string])[] = [
  ["a refused registration", { registration: { type: "refused", status: 2 } }, undefined, "refused"],
  ["a registration without an answer", { registration: { type: "unanswered" } }, undefined, "failed"],
  ["a close with an alert", { closed: ALERT }, undefined, "credentials"],
  ["a close by a relay that ends", { closed: GOODBYE }, undefined, "unreachable"],
  ["a relay that falls silent", { closed: SILENCE }, undefined, "unreachable"],
  ["a close for another reason", { closed: { ...GOODBYE, code: 7, reason: "rate-limited" } }, undefined, "refused"],
  ["a revoked certificate", { closed: { ...GOODBYE, code: 1, reason: "revoked" } }, undefined, "credentials"],
  ["no answer at all", { answers: 0 }, undefined, "failed"],
  ["payloads that differ", { echo: { matches: 2, mismatches: 1, total: 3 } }, undefined, "failed"],
  ["round trips that timed out", { rtt: { samples: [1], timeouts: 1 } }, undefined, "failed"],
  ["a datagram that could not be sent", { sendFailure: "too large" }, "failed", "failed"],
  ["sending into a closed connection", { sendFailure: "closed", closed: ALERT }, "credentials", "credentials"],
  [
    "a relay that is not there",
    { handshake: { done: false, reason: "unreachable", detail: "" } },
    "unreachable",
    "unreachable",
  ],
  [
    "an issuer not known",
    { handshake: { done: false, reason: "unknown-ca", detail: "" } },
    "credentials",
    "credentials",
  ],
  ["another protocol", { handshake: { done: false, reason: "alpn", detail: "" } }, "refused", "refused"],
];

test.each(MISHAPS)("%s", (_name, report, lenient, strict) => {
  expect(cause(report)).toBe(lenient as never);
  expect(cause(report, { strict: true })).toBe(strict as never);
});

test.each(["lost", "duplicate", "foreign", "corrupt"])("one %s payload makes a strict run fail", (fault) => {
  const even = { sent: 9, returned: 9, lost: 0, duplicate: 0, foreign: 0, corrupt: 0 };
  expect(cause({ ledger: even }, { strict: true })).toBeUndefined();
  expect(cause({ ledger: { ...even, [fault]: 1 } }, { strict: true })).toBe("failed");
  expect(cause({ ledger: { ...even, [fault]: 1 } })).toBeUndefined();
});

test("faults of different kinds do not cancel each other out", () => {
  const ledger = { sent: 9, returned: 9, lost: 1, duplicate: 1, foreign: 1, corrupt: 1 };
  expect(cause({ ledger }, { strict: true })).toBe("failed");
  for (const none of ["lost", "duplicate", "foreign", "corrupt"]) {
    for (const other of ["lost", "duplicate", "foreign", "corrupt"]) {
      if (other === none) continue;
      expect(cause({ ledger: { ...ledger, [none]: 0, [other]: 0 } }, { strict: true })).toBe("failed");
    }
  }
  expect(sentence({ ledger }, { strict: true })).toBe("Of 9 payloads 1 were lost; 1 duplicate, 1 foreign, 1 corrupt.");
});

test("round trips and echoes that all succeeded are good, also strictly", () => {
  const report = { rtt: { samples: [1, 2], timeouts: 0 }, echo: { matches: 3, mismatches: 0, total: 3 } };
  expect(cause(report, { strict: true })).toBeUndefined();
  const late = { rtt: { samples: [1, 2], timeouts: 3 } };
  expect(sentence(late, { strict: true })).toBe("3 of 5 round trips timed out.");
});

test("raw datagrams and runs that sent nothing need no answer", () => {
  expect(cause({ answers: 0, wantsAnswers: false }, { strict: true })).toBeUndefined();
  expect(cause({ answers: 0, sent: 0 }, { strict: true })).toBeUndefined();
});

describe("an expected acknowledgement", () => {
  test("that came is good; a refusal, a close and silence are not", () => {
    expect(cause({}, { ack: true })).toBeUndefined();
    expect(cause({ registration: { type: "refused", status: 3 } }, { ack: true })).toBe("refused");
    expect(cause({ registration: { type: "unanswered" } }, { ack: true })).toBe("failed");
    expect(cause({ registration: { type: "unanswered" }, closed: ALERT }, { ack: true })).toBe("credentials");
    expect(sentence({ registration: { type: "unanswered" } }, { ack: true })).toBe(
      "The registration was expected to be acknowledged; instead there was no answer.",
    );
  });
});

describe("an expected refusal", () => {
  test("is good with its status and no other", () => {
    const refused = { registration: { type: "refused", status: 2 } } as const;
    expect(cause(refused, { nack: 2 })).toBeUndefined();
    expect(cause(refused, { nack: 2, strict: true })).toBeUndefined();
    expect(cause(refused, { nack: 1 })).toBe("refused");
    expect(cause({}, { nack: 2 })).toBe("failed");
    expect(sentence({}, { nack: 2 })).toContain("refused with status 2; instead it stayed open and");
  });
});

describe("an expected rejection", () => {
  const failed = { handshake: { done: false, reason: "unknown-ca", detail: "" } } as const;

  test("is good before and after the handshake, also strictly", () => {
    for (const strict of [false, true]) {
      expect(cause(failed, { rejection: true, strict })).toBeUndefined();
      expect(cause({ closed: ALERT }, { rejection: true, strict })).toBeUndefined();
      expect(cause({}, { rejection: true, strict })).toBe("failed");
    }
  });
});

describe("an expected close", () => {
  test("is good with its code, whatever it cut off", () => {
    const cut = { closed: ALERT, sendFailure: "closed", answers: 0 };
    expect(cause(cut, { close: { code: 0x174 } })).toBeUndefined();
    expect(cause(cut, { close: { reason: "no-client-cert" }, strict: true })).toBeUndefined();
  });

  test("that does not come, or comes otherwise, says what happened instead", () => {
    expect(sentence({}, { close: { code: 0x174 } })).toBe(
      "The connection was expected to be closed with code 0x174; instead it stayed open and the registration was acknowledged.",
    );
    expect(sentence({ registration: { type: "none" } }, { close: { code: 1 } })).toContain("instead it stayed open.");
    expect(sentence({ closed: GOODBYE }, { close: { reason: "revoked" } })).toBe(
      'The connection was expected to be closed with "revoked"; instead it was closed: application code 0x0 (server shutting down).',
    );
    const handshake = { done: false, reason: "unreachable", detail: "no connection within 5 s" } as const;
    expect(sentence({ handshake }, { close: { code: 0x178 } })).toContain("instead the handshake failed: unreachable");
  });
});

test("says what the operator can do about credentials", () => {
  const handshake = { done: false, reason: "wrong-name", detail: "it names none of: a" } as const;
  expect(sentence({ handshake })).toBe(
    "The handshake failed: wrong-name (it names none of: a). The relay's certificate does not carry its name: give the name that it carries with --server-name.",
  );
});

test("describes how a connection ended", () => {
  expect(closeText(ALERT)).toBe("transport code 0x174");
  expect(closeText(GOODBYE)).toBe("application code 0x0 (server shutting down)");
  expect(closeText(SILENCE)).toBe("idle timeout");
});
