// Segments that somebody else made up, who knows the flow but not its numbers (RFC 5961): they change nothing.
import { describe, expect, test } from "bun:test";
import { TcpScript } from "../../support/tcp-script.ts";

/** A connection in the middle of things: bytes under way in both directions, a gap, a timer. */
function busy(): TcpScript {
  const script = TcpScript.established();
  script.in("A 1:101 ack 1", "A 201:301 ack 1");
  script.write(2_000);
  script.out();
  script.pass(5).events();
  return script;
}

function condition(script: TcpScript): unknown {
  const { state, readable, writable, unacknowledged } = script.connection;
  return [state, readable, writable, unacknowledged, script.connection.deadline(), script.events()];
}

/** What it answers to this, having checked that nothing else happened. */
function answersTo(text: string): string[] {
  const script = busy();
  const before = condition(script);
  const answers = script.in(text).out();
  expect([text, condition(script)]).toEqual([text, before]);
  script.in("A 101:201 ack 1");
  expect(script.read(1)).toBe(300);
  return answers;
}

const CHALLENGE = ["A 2001 ack 101 win 65435 sack 201-301"];

describe("a reset", () => {
  test("within the window is asked about, at the very next number it counts", () => {
    expect(answersTo("R 102")).toEqual(CHALLENGE);
    expect(answersTo("R 65000")).toEqual(CHALLENGE);
    const script = busy().in("R 101");
    expect(script.events()).toEqual(["reset"]);
  });

  test("outside the window is not even answered", () => {
    for (const text of ["R 100", "R 0", "R 65537", "R 100000", "R 2000000000", "RA 3000000000 ack 1"]) {
      expect(answersTo(text)).toEqual([]);
    }
  });
});

describe("a SYN", () => {
  test("is asked about wherever it is", () => {
    for (const text of ["S 0", "S 101", "S 5000", "S 1000000", "SA 0 ack 1", "SA 101 ack 1", "S 2000000000"]) {
      expect(answersTo(text)).toEqual(CHALLENGE);
    }
  });
});

describe("bytes", () => {
  test("outside the window are not taken, on either side", () => {
    for (const text of ["PA 70000:70100 ack 1", "PA 3000000000:3000000100 ack 1", "FA 70000 ack 1"]) {
      expect(answersTo(text)).toEqual(CHALLENGE);
    }
    expect(answersTo("PA 1:51 ack 1")).toEqual(["A 2001 ack 101 win 65435 sack 1-51,201-301"]);
  });

  test("that acknowledge what was never sent are not taken", () => {
    expect(answersTo("PA 101:201 ack 2002")).toEqual(CHALLENGE);
    expect(answersTo("PA 101:201 ack 2000000000")).toEqual(CHALLENGE);
  });

  test("that acknowledge what is older than any window are not taken", () => {
    expect(answersTo("PA 101:201 ack 4294900000")).toEqual(CHALLENGE);
  });

  test("without ACK are not taken", () => {
    expect(answersTo("P 101:201")).toEqual([]);
    expect(answersTo("F 101")).toEqual([]);
  });
});

test("ten answers in five seconds is all that a flood gets, and it does not last", () => {
  const script = busy();
  let answers = 0;
  for (let i = 0; i < 1_000; i += 1) {
    for (const text of [`R ${1_000 + i}`, `S ${i}`, `A ${70_000 + i} ack 1`]) answers += script.in(text).out().length;
  }
  expect(answers).toBe(10);
  expect(script.stats.challengesSuppressed).toBe(3_000 - 10);
  script.in("A 101 ack 2001");
  script.pass(5_000);
  answers = 0;
  for (let i = 0; i < 1_000; i += 1) answers += script.in(`R ${1_000 + i}`).out().length;
  expect(answers).toBe(10);
  expect(script.connection.state).toBe("established");
});

test("a flood does not keep real bytes from being acknowledged", () => {
  const script = busy();
  for (let i = 0; i < 100; i += 1) script.in(`R ${1_000 + i}`).out();
  script.in("A 101:201 ack 2001");
  expect(script.out()).toEqual(["A 2001 ack 301 win 65235"]);
});

test("in the handshake, too, only the right numbers count", () => {
  const script = new TcpScript();
  script.connection.connect();
  script.out();
  script.in("SA 0 ack 9", "RA 0 ack 9", "R 1", "S 5:10");
  expect(script.events()).toEqual([]);
});
