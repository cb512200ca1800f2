// Loss, segment by segment: fast retransmission with and without SACK, lost retransmissions, tails, timeouts, reordering.
import { describe, expect, test } from "bun:test";
import { RTT_MS, TcpScript } from "../../support/tcp-script.ts";

/** Segment number n, from 0, of a stream of full segments. */
const nth = (n: number, push = "") => `${push}A ${1 + n * 1_000}:${1_001 + n * 1_000} ack 1 win 65535`;
const edges = (first: number, behind: number) => `${1 + first * 1_000}-${1 + behind * 1_000}`;

function sending(segments: number, syn?: string): TcpScript {
  const script = TcpScript.established({}, syn);
  script.write(segments * 1_000);
  expect(script.out()).toHaveLength(Math.min(segments, 10));
  script.pass(RTT_MS);
  return script;
}

describe("with SACK", () => {
  test("three segments behind a gap prove the loss, and only what is missing is sent again", () => {
    const script = sending(10);
    script.in(`A 1 ack 1 sack ${edges(1, 2)}`);
    expect(script.out()).toEqual([]);
    script.in(`A 1 ack 1 sack ${edges(1, 3)}`);
    expect(script.out()).toEqual([]);
    script.in(`A 1 ack 1 sack ${edges(1, 4)}`);
    expect(script.out()).toEqual([nth(0)]);
    script.in(`A 1 ack 1 sack ${edges(1, 10)}`);
    expect(script.out()).toEqual([]);
    script.pass(RTT_MS).in("A 1 ack 10001");
    expect([script.out(), script.deadlineIn, script.stats.retransmitted]).toEqual([[], undefined, 1]);
  });

  test("several gaps are filled, the lowest first", () => {
    const script = sending(10);
    script.in(`A 1 ack 1 sack ${edges(6, 10)},${edges(3, 5)},${edges(1, 2)}`);
    expect(script.out()).toEqual([nth(0), nth(2), nth(5)]);
  });

  test("one acknowledged segment behind a gap proves it after a quarter of the round trip", () => {
    const script = sending(2);
    script.in(`A 1 ack 1 sack ${edges(1, 2)}`);
    expect(script.out()).toEqual([]);
    expect(script.deadlineIn).toBe(RTT_MS / 4);
    script.passToDeadline();
    expect(script.out()).toEqual([nth(0)]);
  });

  test("a retransmission that is lost is sent again before any timeout", () => {
    const script = sending(20);
    script.in(`A 1 ack 1 sack ${edges(1, 10)}`);
    const [first, ...more] = script.out();
    expect(first).toBe(nth(0));
    expect(more[0]).toBe(nth(10));
    script.pass(RTT_MS - 1);
    expect(script.out()).toEqual([]);
    script.pass(1).in(`A 1 ack 1 sack ${edges(1, 11)}`);
    expect(script.out()[0]).toBe(nth(0));
    expect(script.stats.timeouts).toBe(0);
  });

  test("the window comes down to seven tenths, in step with what arrives", () => {
    const script = TcpScript.established({}, "mss 1000 sackok ws 4");
    script.in("A 1 ack 1 win 60000");
    script.write(200_000);
    script.out();
    for (let acked = 10; acked <= 40; acked += 10) {
      script.pass(RTT_MS).in(`A 1 ack ${acked * 1_000 + 1} win 60000`);
      script.out();
    }
    script.pass(RTT_MS);
    let sent = 0; // 50 are on their way
    for (let n = 1; n < 50; n += 1) {
      script.in(`A 1 ack 40001 win 60000 sack ${edges(41, 41 + n)}`);
      sent += script.out().length;
    }
    expect(sent).toBeGreaterThanOrEqual(34);
    expect(sent).toBeLessThanOrEqual(36);
  });

  test("blocks that make no sense change nothing", () => {
    const script = sending(5);
    script.in(
      "A 1 ack 1 sack 2001-1001",
      "A 1 ack 1 sack 4001-9001",
      "A 1 ack 1 sack 3000000-3001000",
      "A 1 ack 1 sack 1001-1001",
    );
    expect(script.out()).toEqual([]);
    script.in("A 1 ack 5001");
    expect(script.connection.unacknowledged).toBe(0);
  });

  test("what the peer takes back after a timeout is sent again", () => {
    const script = sending(4);
    script.in(`A 1 ack 1 sack ${edges(1, 4)}`);
    expect(script.out()).toEqual([nth(0)]);
    script.pass(RTT_MS).in("A 1 ack 1001"); // no blocks: they are gone
    script.passToDeadline();
    expect(script.out()).toEqual([nth(1)]);
    script.pass(RTT_MS).in("A 1 ack 2001");
    expect(script.out()).toEqual([nth(2), nth(3, "P")]);
  });
});

describe("reordering", () => {
  test("once seen, is waited for: no segment is sent again that only is late", () => {
    const script = sending(10);
    script.in(`A 1 ack 1 sack ${edges(1, 3)}`);
    script.in("A 1 ack 3001");
    script.pass(1).in(`A 1 ack 3001 sack ${edges(4, 10)}`);
    expect(script.out()).toEqual([]);
    expect(script.deadlineIn).toBe(RTT_MS / 4);
    script.pass(2).in("A 1 ack 10001");
    expect([script.out(), script.stats.retransmitted]).toEqual([[], 0]);
  });

  test("reports of what came twice make it wait longer", () => {
    const script = sending(10);
    script.in(`A 1 ack 1 sack ${edges(1, 3)}`);
    script.in("A 1 ack 3001 sack 1-1001");
    script.in(`A 1 ack 3001 sack ${edges(4, 10)}`);
    expect(script.deadlineIn).toBe(RTT_MS / 2);
  });
});

describe("without SACK", () => {
  test("the third duplicate acknowledgement sends the first segment again, partial ones the next", () => {
    const script = sending(10, "mss 1000");
    script.in("A 1 ack 1", "A 1 ack 1");
    expect(script.out()).toEqual([]);
    script.in("A 1 ack 1");
    expect(script.out()).toEqual([nth(0)]);
    script.in("A 1 ack 1", "A 1 ack 1", "A 1 ack 1");
    expect(script.out()).toEqual([]);
    script.pass(RTT_MS).in("A 1 ack 4001");
    expect(script.out()).toEqual([nth(4)]);
    script.pass(RTT_MS).in("A 1 ack 10001");
    expect([script.out(), script.deadlineIn]).toEqual([[], undefined]);
  });

  test("segments with bytes or a new window are no duplicates", () => {
    const script = sending(10, "mss 1000");
    script.in(
      "A 1:2 ack 1",
      "A 2:3 ack 1",
      "A 3:4 ack 1",
      "A 4 ack 1 win 60000",
      "A 4 ack 1 win 50000",
      "A 4 ack 1 win 40000",
    );
    expect(script.out()).toEqual(["A 10001 ack 4 win 65532"]);
  });

  test("new segments leave in place of those that duplicates tell of", () => {
    const script = sending(20, "mss 1000");
    script.in(...Array(3).fill("A 1 ack 1"));
    expect(script.out()).toEqual([nth(0)]);
    let sent = 0;
    for (let i = 0; i < 6; i += 1) sent += script.in("A 1 ack 1").out().length;
    expect(sent).toBeGreaterThan(2);
    expect(sent).toBeLessThan(7);
  });
});

describe("timeouts", () => {
  test("come after the round trip with its variation, at least 200 ms, and double while nothing comes", () => {
    const script = TcpScript.established({ userTimeoutMs: 1_000_000 }, "mss 1000");
    script.write(2_000);
    script.out();
    const waits: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      waits.push(Math.round(script.passToDeadline()));
      expect(script.out()).toEqual([nth(0)]);
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000]);
    expect(script.stats.timeouts).toBe(10);
  });

  test("after one, the rest follows as in slow start", () => {
    const script = sending(8, "mss 1000");
    script.passToDeadline();
    expect(script.out()).toEqual([nth(0)]);
    script.pass(RTT_MS).in("A 1 ack 1001");
    expect(script.out()).toEqual([nth(1), nth(2)]);
    script.pass(RTT_MS).in("A 1 ack 3001");
    expect(script.out()).toEqual([nth(3), nth(4), nth(5), nth(6)]);
  });

  test("an acknowledgement of what was sent twice is no measure, unless timestamps tell which was meant", () => {
    const waits = ["", "ts 9/0"].map((stamp) => {
      const script = new TcpScript({ timestamps: true });
      script.connection.connect();
      script.out();
      script.pass(20).in(`SA 0 ack 1 mss 1000 ${stamp}`.trim());
      script.out();
      script.write(500);
      script.out();
      script.pass(200);
      script.out();
      script.pass(300).in(`A 1 ack 501 ${stamp === "" ? "" : "ts 10/1220"}`.trim());
      script.write(500);
      script.out();
      return script.deadlineIn;
    });
    expect(waits[0]).toBe(400); // still doubled
    expect(waits[1]).toBeGreaterThan(300); // measured: 300 ms since the second transmission
    expect(waits[1]).not.toBe(400);
  });

  test("are not counted while the caller has no room for what should be sent again", () => {
    const script = TcpScript.established({}, "mss 1000");
    script.write(1_000);
    script.out();
    script.pass(60_000);
    expect(script.stats.timeouts).toBe(1);
    expect(script.out()).toEqual([nth(0, "P")]);
    expect(script.deadlineIn).toBe(400);
  });

  test("end the connection when nothing was acknowledged for long, with a reset", () => {
    const script = TcpScript.established({ userTimeoutMs: 30_000 });
    script.write(1_000);
    script.out();
    let waited = 0;
    let last: string[] = [];
    while (script.connection.deadline() !== undefined) {
      waited += script.passToDeadline();
      last = script.out();
    }
    expect(waited).toBe(30_000);
    expect(last).toEqual(["RA 1001 ack 1 win 0"]);
    expect(script.events()).toEqual(["timed-out"]);
    expect(script.connection.deadline()).toBeUndefined();
  });

  test("progress puts the end off", () => {
    const script = TcpScript.established({ userTimeoutMs: 30_000 }, "mss 1000");
    script.write(2_000);
    script.out();
    script.pass(29_000).in("A 1 ack 1001");
    script.pass(29_000);
    expect(script.events()).toEqual([]);
    script.pass(1_000);
    expect(script.events()).toEqual(["timed-out"]);
  });

  test("a path that works again is used at once", () => {
    const script = TcpScript.established({}, "mss 1000");
    script.write(3_000);
    script.out();
    for (let i = 0; i < 6; i += 1) {
      script.passToDeadline();
      script.out();
    }
    expect(script.deadlineIn).toBeGreaterThan(10_000);
    script.connection.pathRestored(script.now);
    expect(script.out()).toEqual([nth(0)]);
    expect(script.deadlineIn).toBe(200);
  });

  test("after a silence longer than a timeout, ten segments leave at most", () => {
    const script = TcpScript.established();
    script.write(20_000);
    script.out();
    script.pass(RTT_MS).in("A 1 ack 10001");
    script.out();
    script.pass(RTT_MS).in("A 1 ack 20001");
    script.pass(1_000);
    script.write(40_000);
    expect(script.out()).toHaveLength(10);
  });
});

describe("the tail", () => {
  test("is probed after two round trips, and what the answer tells of is sent again", () => {
    const script = sending(5);
    expect(script.deadlineIn).toBe(RTT_MS);
    script.passToDeadline();
    expect(script.out()).toEqual([nth(4, "P")]);
    script.pass(RTT_MS).in(`A 1 ack 3001 sack ${edges(4, 5)}`);
    script.passToDeadline();
    expect(script.out()).toEqual([nth(3)]);
    expect(script.stats.timeouts).toBe(0);
  });

  test("of a single segment leaves the peer time to delay its acknowledgement", () => {
    const script = sending(1);
    expect(script.deadlineIn).toBe(RTT_MS + 50);
  });

  test("is probed with new bytes when there are some", () => {
    const script = TcpScript.established();
    script.write(15_000);
    script.out();
    script.passToDeadline();
    expect(script.out()).toEqual([nth(10)]);
  });

  test("is probed once; then the timeout counts", () => {
    const script = sending(2);
    script.passToDeadline();
    expect(script.out()).toEqual([nth(1, "P")]);
    expect(script.passToDeadline()).toBe(200);
    expect(script.out()).toEqual([nth(0)]);
    expect(script.stats.timeouts).toBe(1);
  });

  test("a FIN that is lost is sent again", () => {
    const script = sending(1);
    script.close();
    expect(script.out()).toEqual(["FA 1001 ack 1 win 65535"]);
    script.passToDeadline();
    expect(script.out()).toEqual(["FA 1001 ack 1 win 65535"]);
  });
});
