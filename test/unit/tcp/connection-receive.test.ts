// Receiving, segment by segment: what is acknowledged when, bytes that come early or twice, windows, timestamps.
import { describe, expect, test } from "bun:test";
import { TcpScript } from "../../support/tcp-script.ts";

describe("acknowledgements", () => {
  test("two segments are acknowledged at once, a single one after 40 ms", () => {
    const script = TcpScript.established();
    script.in("A 1:1001 ack 1", "PA 1001:2001 ack 1");
    expect(script.read(1)).toBe(2_000);
    expect(script.out()).toEqual(["A 1 ack 2001 win 65535"]);
    script.in("PA 2001:3001 ack 1");
    expect(script.read(2_001)).toBe(1_000);
    expect(script.out()).toEqual([]);
    expect(script.deadlineIn).toBe(40);
    script.pass(39.9);
    expect(script.out()).toEqual([]);
    script.pass(0.1);
    expect(script.out()).toEqual(["A 1 ack 3001 win 65535"]);
    expect(script.deadlineIn).toBeUndefined();
  });

  test("an answer carries the acknowledgement", () => {
    const script = TcpScript.established();
    script.in("PA 1:11 ack 1");
    script.read(1);
    script.write(20);
    expect(script.out()).toEqual(["PA 1:21 ack 11 win 65525"]);
    script.in("A 11 ack 21");
    expect([script.out(), script.deadlineIn]).toEqual([[], undefined]);
  });

  test("everything that came in one go is acknowledged in one segment", () => {
    const script = TcpScript.established();
    for (let i = 0; i < 30; i += 1) script.in(`A ${1 + i * 1_000}:${1_001 + i * 1_000} ack 1`);
    script.read(1);
    expect(script.out()).toEqual(["A 1 ack 30001 win 65535"]);
  });

  test("what came before is acknowledged again, and reported as come twice", () => {
    const script = TcpScript.established();
    script.in("A 1:1001 ack 1", "A 1001:2001 ack 1");
    script.read(1);
    script.out();
    script.in("A 1:1001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 2001 win 65535 sack 1-1001"]);
    expect(script.out()).toEqual([]);
    expect(script.read(2_001)).toBe(0);
  });

  test("of a segment that overlaps, only what is new is taken", () => {
    const script = TcpScript.established();
    script.in("A 1:501 ack 1", "A 301:801 ack 1");
    expect(script.read(1)).toBe(800);
    script.in("A 2001:3001 ack 1", "A 801:2501 ack 1");
    expect(script.read(801)).toBe(2_200);
  });

  test("a segment without ACK is not even looked at", () => {
    const script = TcpScript.established();
    script.in("P 1:101", "F 1");
    expect([script.connection.readable, script.out(), script.events()]).toEqual([0, [], []]);
  });
});

describe("early segments", () => {
  test("the block around the latest comes first, and the gap that closes is acknowledged at once", () => {
    const script = TcpScript.established();
    script.in("A 1001:2001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 1001-2001"]);
    script.in("A 3001:4001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 3001-4001,1001-2001"]);
    script.in("A 4001:5001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 3001-5001,1001-2001"]);
    script.in("A 2001:3001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 1001-5001"]);
    expect(script.connection.readable).toBe(0);
    script.in("A 1:1001 ack 1");
    expect(script.read(1)).toBe(5_000);
    expect(script.out()).toEqual(["A 1 ack 5001 win 65535"]);
  });

  test("more blocks in one go than a segment holds are told in several, the earliest first", () => {
    const script = TcpScript.established();
    for (let i = 0; i < 6; i += 1) script.in(`A ${2_001 + i * 2_000}:${3_001 + i * 2_000} ack 1`);
    expect(script.out()).toEqual([
      "A 1 ack 1 win 65535 sack 8001-9001,6001-7001,4001-5001,2001-3001",
      "A 1 ack 1 win 65535 sack 12001-13001,10001-11001,8001-9001,6001-7001",
    ]);
  });

  test("a peer without SACK gets an acknowledgement for each of them", () => {
    const script = TcpScript.established({}, "mss 1000");
    script.in("A 1001:2001 ack 1", "A 2001:3001 ack 1", "A 3001:4001 ack 1");
    expect(script.out()).toEqual(Array(3).fill("A 1 ack 1 win 65535"));
    script.in("A 1:1001 ack 1");
    script.read(1);
    expect(script.out()).toEqual(["A 1 ack 4001 win 65535"]);
  });

  test("one that came early twice is reported, within its block", () => {
    const script = TcpScript.established();
    script.in("A 1001:2001 ack 1", "A 2001:3001 ack 1");
    script.out();
    script.in("A 2001:3001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 2001-3001,1001-3001"]);
  });

  test("a FIN that comes early waits for the bytes before it", () => {
    const script = TcpScript.established();
    script.in("FA 1001:1501 ack 1");
    expect([script.events(), script.connection.state]).toEqual([[], "established"]);
    script.in("A 1:1001 ack 1");
    expect(script.events()).toEqual(["readable", "remote-closed"]);
    expect(script.read(1)).toBe(1_500);
    expect(script.out()).toEqual(["A 1 ack 1502 win 65535"]);
  });
});

describe("the window", () => {
  const small = () => TcpScript.established({ receiveBufferBytes: 4_000 });

  test("shrinks by what is not consumed, down to nothing, and bytes beyond it are not taken", () => {
    const script = small();
    script.in("A 1:1001 ack 1", "A 1001:2001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 2001 win 2000"]);
    script.in("A 2001:3001 ack 1", "A 3001:4001 ack 1");
    expect(script.out()).toEqual(["A 1 ack 4001 win 0"]);
    script.in("PA 4001:4002 ack 1");
    expect(script.out()).toEqual(["A 1 ack 4001 win 0"]);
    expect(script.connection.readable).toBe(4_000);
  });

  test("opens by what was consumed, not by what was looked at, and not in silly steps", () => {
    const script = small();
    for (let i = 0; i < 4; i += 1) script.in(`A ${1 + i * 1_000}:${1_001 + i * 1_000} ack 1`);
    script.out();
    expect(script.connection.read().length).toBeGreaterThan(1_000);
    expect(script.out()).toEqual([]);
    script.connection.consumed(999);
    expect(script.out()).toEqual([]);
    script.connection.consumed(1);
    expect(script.out()).toEqual(["A 1 ack 4001 win 1000"]);
    script.connection.consumed(3_000);
    expect(script.out()).toEqual(["A 1 ack 4001 win 4000"]);
  });

  test("a segment that only half fits is taken by half", () => {
    const script = small();
    for (let i = 0; i < 3; i += 1) script.in(`A ${1 + i * 1_000}:${1_001 + i * 1_000} ack 1`);
    script.in("A 3001:4501 ack 1");
    expect(script.out()).toEqual(["A 1 ack 4001 win 0"]);
    expect(script.read(1)).toBe(4_000);
  });

  test("a FIN right behind a full window is heard", () => {
    const script = small();
    for (let i = 0; i < 4; i += 1) script.in(`A ${1 + i * 1_000}:${1_001 + i * 1_000} ack 1`);
    script.out();
    script.in("FA 4001 ack 1");
    expect(script.events()).toEqual(["readable", "remote-closed"]);
    expect(script.out()).toEqual(["A 1 ack 4002 win 0"]);
    expect(script.read(1)).toBe(4_000);
    expect(script.out()).toEqual([]);
  });

  test("is scaled once both sides offered that, and fits the buffer", () => {
    const script = TcpScript.established({ receiveBufferBytes: 1 << 20 }, "mss 1000 ws 0");
    script.in("A 1:1001 ack 1", "A 1001:2001 ack 1");
    script.read(1);
    expect(script.out()).toEqual(["A 1 ack 2001 win 16384"]);
  });

  test("doubles for a reader that takes as much as was offered, and not for one that does not", () => {
    const script = TcpScript.established({ receiveBufferBytes: 1 << 20 }, "mss 60000 ws 0");
    const bring = (from: number, to: number) => {
      for (let at = from; at < to; at += 50_000) script.in(`A ${at}:${Math.min(at + 50_000, to)} ack 1`);
    };
    bring(1, 524_289); // all that was offered
    expect(script.out().at(-1)).toBe("A 1 ack 524289 win 0");
    script.read(1);
    expect(script.out()).toEqual(["A 1 ack 524289 win 32768"]);
    bring(524_289, 524_289 + (1 << 20));
    script.read(524_289);
    expect(script.out().at(-1)).toBe("A 1 ack 1572865 win 32768"); // never beyond the buffer
  });

  test("acknowledgements of a peer that has filled the window are heard", () => {
    const script = small();
    script.write(1_000);
    script.out();
    script.in("A 1:1001 ack 1", "A 4001 ack 1001");
    expect(script.connection.unacknowledged).toBe(0);
  });
});

describe("timestamps", () => {
  const stamped = () => {
    const script = new TcpScript({ timestamps: true });
    script.connection.connect();
    script.out();
    script.in("SA 0 ack 1 win 65535 mss 1000 sackok ts 100/1000");
    script.out();
    script.events();
    return script;
  };

  test("the echo is that of the segment that the acknowledgement is about", () => {
    const script = stamped();
    script.in("A 1:989 ack 1 ts 105/1000", "A 989:1977 ack 1 ts 107/1000");
    expect(script.out()).toEqual(["A 1 ack 1977 win 65535 ts 1000/105"]);
    script.in("A 3001:3989 ack 1 ts 120/1000");
    expect(script.out()).toEqual(["A 1 ack 1977 win 65535 sack 3001-3989 ts 1000/105"]);
  });

  test("a segment older than what came before is dropped, acknowledged if it had content, and no reset is refused", () => {
    const script = stamped();
    script.in("A 1:101 ack 1 ts 99/1000");
    expect(script.connection.readable).toBe(0);
    expect(script.out()).toEqual(["A 1 ack 1 win 65535 ts 1000/100"]);
    script.in("A 1 ack 1 ts 99/1000", "A 1:101 ack 1");
    expect([script.connection.readable, script.out()]).toEqual([0, []]);
    expect(script.stats.outdated).toBe(3);
    script.in("R 1");
    expect(script.events()).toEqual(["reset"]);
  });

  test("after 24 days of silence no timestamp is too old", () => {
    const script = stamped();
    script.pass(24 * 86_400_000 - 1);
    script.in("A 1:101 ack 1 ts 99/1000");
    expect(script.connection.readable).toBe(0);
    script.pass(1);
    script.in("A 1:101 ack 1 ts 99/1000");
    expect(script.connection.readable).toBe(100);
  });

  test("three blocks fit beside them", () => {
    const script = stamped();
    for (let i = 1; i <= 4; i += 1) script.in(`A ${i * 2_000}:${i * 2_000 + 500} ack 1 ts 101/1000`);
    expect(script.out()).toEqual([
      "A 1 ack 1 win 65535 sack 6000-6500,4000-4500,2000-2500 ts 1000/100",
      "A 1 ack 1 win 65535 sack 8000-8500,6000-6500,4000-4500 ts 1000/100",
    ]);
  });
});
