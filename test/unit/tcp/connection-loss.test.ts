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

  test("a retransmission that is lost with nothing behind it is asked for long before the timeout", () => {
    const script = sending(4);
    script.in(`A 1 ack 1 sack ${edges(1, 4)}`);
    expect(script.out()).toEqual([nth(0)]);
    expect(script.passToDeadline()).toBe(2 * RTT_MS);
    expect(script.out()).toEqual([nth(0)]);
    expect(script.stats.timeouts).toBe(0);
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
    for (let probes = 0; probes < 3; probes += 1) {
      script.passToDeadline();
      expect(script.out()).toEqual([nth(1)]);
    }
    script.passToDeadline();
    expect(script.out()).toEqual([nth(1)]);
    expect(script.stats.timeouts).toBe(1);
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
