// Lost segments as scripts: the retransmission timer, its back-off, and losses at the end of what was sent.
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

  test("is probed three times, each after twice the wait; then the timeout counts", () => {
    const script = sending(2);
    const passed = RTT_MS; // since they left
    for (const wait of [2 * RTT_MS - passed, 4 * RTT_MS, 8 * RTT_MS]) {
      expect(script.passToDeadline()).toBe(wait);
      expect(script.out()).toEqual([nth(1, "P")]);
    }
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
