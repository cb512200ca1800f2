// Closing, segment by segment: from either side, from both at once, by halves; resets, TIME-WAIT, silence.
import { describe, expect, test } from "bun:test";
import { segment, TcpScript } from "../../support/tcp-script.ts";

describe("closed by us first", () => {
  const closed = () => {
    const script = TcpScript.established();
    script.close();
    expect(script.out()).toEqual(["FA 1 ack 1 win 65535"]);
    return script;
  };

  test("the FIN carries the last bytes, and nothing can be written behind it", () => {
    const script = TcpScript.established();
    script.write(1_500);
    script.close();
    expect([script.write(1), script.connection.writable]).toEqual([0, 0]);
    expect(script.out()).toEqual(["A 1:1001 ack 1 win 65535", "FPA 1001:1501 ack 1 win 65535"]);
    expect(script.connection.state).toBe("fin-wait-1");
    script.in("A 1 ack 1502");
    expect([script.connection.state, script.deadlineIn]).toEqual(["fin-wait-2", undefined]);
  });

  test("the peer may go on sending as long as it likes", () => {
    const script = closed();
    script.in("A 1 ack 2");
    script.pass(3_600_000).in("PA 1:1001 ack 2", "FPA 1001:1501 ack 2");
    expect(script.events()).toEqual(["readable", "remote-closed"]);
    expect(script.read(1)).toBe(1_500);
    expect(script.out()).toEqual(["A 2 ack 1502 win 65535"]);
    expect(script.connection.state).toBe("time-wait");
  });

  test("TIME-WAIT answers a FIN that comes again, is prolonged by it, and ends", () => {
    const script = closed();
    script.in("FA 1 ack 2");
    expect(script.out()).toEqual(["A 2 ack 2 win 65534"]);
    expect([script.deadlineIn, script.events()]).toEqual([10_000, ["remote-closed"]]);
    script.pass(9_000).in("FA 1 ack 2");
    expect(script.out()).toEqual(["A 2 ack 2 win 65534"]);
    expect(script.deadlineIn).toBe(10_000);
    script.pass(10_000);
    expect([script.events(), script.connection.state, script.deadlineIn]).toEqual([["closed"], "closed", undefined]);
  });

  test("TIME-WAIT is bounded, however often the FIN comes again, and a reset does not cut it short", () => {
    const script = closed();
    script.in("FA 1 ack 2");
    let waited = 0;
    while (script.connection.state === "time-wait") {
      script.in("FA 1 ack 2", "R 2").out();
      script.pass(1_000);
      waited += 1_000;
    }
    expect(waited).toBe(40_000);
    expect(script.events()).toEqual(["remote-closed", "closed"]);
  });

  test("both FINs cross: each is acknowledged, and both sides remember the connection", () => {
    const script = closed();
    script.in("FA 1 ack 1");
    expect(script.connection.state).toBe("closing");
    expect(script.out()).toEqual(["A 2 ack 2 win 65534"]);
    script.in("A 2 ack 2");
    expect([script.connection.state, script.deadlineIn]).toEqual(["time-wait", 10_000]);
  });

  test("FIN and acknowledgement in one segment", () => {
    const script = closed();
    script.in("FA 1 ack 2");
    expect(script.connection.state).toBe("time-wait");
  });
});

describe("closed by the peer first", () => {
  const halfClosed = () => {
    const script = TcpScript.established();
    script.in("FPA 1:6 ack 1");
    expect(script.events()).toEqual(["readable", "remote-closed"]);
    expect(script.out()).toEqual(["A 1 ack 7 win 65529"]);
    expect(script.connection.state).toBe("close-wait");
    return script;
  };

  test("we may go on sending, and close when we are done", () => {
    const script = halfClosed();
    script.pass(60_000);
    script.write(1_000);
    expect(script.out()).toEqual(["PA 1:1001 ack 7 win 65529"]);
    script.in("A 7 ack 1001");
    script.close();
    expect(script.out()).toEqual(["FA 1001 ack 7 win 65529"]);
    expect(script.connection.state).toBe("last-ack");
    script.in("A 7 ack 1002");
    expect([script.connection.state, script.events(), script.deadlineIn]).toEqual(["closed", ["closed"], undefined]);
  });

  test("what it had sent can still be read after the end", () => {
    const script = halfClosed();
    script.close();
    script.out();
    script.in("A 7 ack 2");
    expect(script.events()).toEqual(["closed"]);
    expect(script.read(1)).toBe(5);
  });

  test("its FIN that comes again is acknowledged again, bytes behind it are not taken", () => {
    const script = halfClosed();
    script.in("FA 6 ack 1");
    expect(script.out()).toEqual(["A 1 ack 7 win 65529"]);
    script.in("PA 7:20 ack 1");
    expect(script.connection.readable).toBe(5);
    expect(script.events()).toEqual([]);
  });

  test("a peer that vanishes after its FIN costs two minutes of patience, and nothing is reported as lost", () => {
    const script = halfClosed();
    script.close();
    script.out();
    let waited = 0;
    while (script.connection.deadline() !== undefined) {
      waited += script.passToDeadline();
      script.out();
    }
    expect(waited).toBe(120_000);
    expect(script.events()).toEqual(["closed"]);
  });

  test("one that misses bytes when it vanishes is reported", () => {
    const script = halfClosed();
    script.write(10);
    script.close();
    script.out();
    script.pass(50).in("A 7 ack 5");
    while (script.connection.deadline() !== undefined) {
      script.passToDeadline();
      script.out();
    }
    expect(script.events()).toEqual(["timed-out"]);
  });
});

describe("resets", () => {
  test("ours ends it at once, without an event, and forgets what was not read", () => {
    const script = TcpScript.established();
    script.in("A 1:6 ack 1");
    script.write(100);
    script.out();
    script.connection.abort();
    expect([script.out(), script.connection.state, script.connection.readable]).toEqual([
      ["RA 101 ack 6 win 0"],
      "closed",
      0,
    ]);
    expect([script.out(), script.events(), script.deadlineIn]).toEqual([[], ["readable"], undefined]);
    script.connection.abort();
    expect(script.out()).toEqual([]);
  });

  test("the peer's ends it in every state of an open connection, without an answer", () => {
    const ways: Record<string, (script: TcpScript) => void> = {
      established: () => {},
      "fin-wait-1": (script) => script.close().out(),
      "fin-wait-2": (script) => script.close().out().concat(script.in("A 1 ack 2").out()),
      "close-wait": (script) => script.in("FA 1 ack 1").out(),
      "last-ack": (script) => script.in("FA 1 ack 1").close().out(),
      closing: (script) => script.close().out().concat(script.in("FA 1 ack 1").out()),
    };
    for (const [state, lead] of Object.entries(ways)) {
      const script = TcpScript.established();
      lead(script);
      script.events();
      expect(script.connection.state).toBe(state as never);
      script.in(`R ${script.connection.state === "established" || state.startsWith("fin") ? 1 : 2}`);
      const event = state === "last-ack" || state === "closing" ? "closed" : "reset"; // it had everything but our FIN
      expect([state, script.events(), script.out(), script.deadlineIn]).toEqual([state, [event], [], undefined]);
    }
  });

  test("after the end nothing is answered", () => {
    const script = TcpScript.established();
    script.in("R 1", "PA 1:6 ack 1", "S 0", "FA 6 ack 1");
    expect([script.out(), script.events(), script.write(5)]).toEqual([[], ["reset"], 0]);
    script.pass(1_000_000);
    expect(script.out()).toEqual([]);
  });
});

describe("a new connection of the same flow", () => {
  const waiting = (options = {}, syn = "mss 1000 sackok") => {
    const script = TcpScript.established(options, syn);
    script.close().out();
    return script;
  };

  test("may take the place of one in TIME-WAIT when its numbers are behind", () => {
    const script = waiting();
    script.in("FPA 1:101 ack 2");
    expect(script.connection.mayBeReplacedBy(segment("S 102"))).toBe(false);
    expect(script.connection.mayBeReplacedBy(segment("S 103"))).toBe(true);
    expect(script.connection.mayBeReplacedBy(segment("S 50"))).toBe(false);
    expect(script.connection.mayBeReplacedBy(segment("SA 103 ack 9"))).toBe(false);
    expect(script.connection.mayBeReplacedBy(segment("A 103 ack 9"))).toBe(false);
    expect(script.connection.mayBeReplacedBy(segment("RS 103"))).toBe(false);
  });

  test("or when its timestamp is later", () => {
    const script = waiting({ timestamps: true }, "mss 1000 ts 50/0");
    script.in("FPA 1:101 ack 2 ts 60/1020");
    expect(script.connection.mayBeReplacedBy(segment("S 5 ts 61/0"))).toBe(true);
    expect(script.connection.mayBeReplacedBy(segment("S 5 ts 50/0"))).toBe(false);
  });

  test("never that of a living one, always that of one that has ended", () => {
    const script = TcpScript.established();
    expect(script.connection.mayBeReplacedBy(segment("S 5000"))).toBe(false);
    script.connection.abort();
    expect(script.connection.mayBeReplacedBy(segment("S 0"))).toBe(true);
  });
});

describe("keepalive", () => {
  const keepalive = { idleMs: 60_000, intervalMs: 5_000, probes: 3 };

  test("asks a silent peer with a segment that it must answer, and goes on when it does", () => {
    const script = TcpScript.established({ keepalive });
    expect(script.deadlineIn).toBe(60_000);
    script.pass(60_000);
    expect(script.out()).toEqual(["A 0 ack 1 win 65535"]);
    script.pass(1_000).in("A 1 ack 1");
    expect([script.out(), script.deadlineIn]).toEqual([[], 60_000]);
  });

  test("gives up after the last question", () => {
    const script = TcpScript.established({ keepalive });
    let questions = 0;
    while (script.connection.deadline() !== undefined) {
      script.passToDeadline();
      questions += script.out().filter((packet) => packet.startsWith("A 0")).length;
    }
    expect([questions, script.events()]).toEqual([3, ["timed-out"]]);
    expect(script.now).toBe(1_000.25 + 20 + 60_000 + 3 * 5_000);
  });

  test("does not disturb a transfer that has its own timer", () => {
    const script = TcpScript.established({ keepalive, userTimeoutMs: 100_000 }, "mss 1000");
    script.write(1);
    script.out();
    let waited = 0;
    while (script.connection.deadline() !== undefined) {
      waited += script.passToDeadline();
      expect(script.out()).not.toContain("A 1 ack 1 win 65535");
    }
    expect(Math.round(waited)).toBe(100_000);
  });

  test("answers the peer's question, which is a segment before what is next", () => {
    const script = TcpScript.established();
    script.in("A 0 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535"]);
    script.in("A 0:1 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 0-1"]);
  });
});
