// Sending, segment by segment: sizes, the peer's window, its probes, back-pressure, Nagle, changes of the segment size.
import { describe, expect, test } from "bun:test";
import { TcpScript } from "../../support/tcp-script.ts";

describe("segments", () => {
  test("ten may leave at first, and each acknowledgement lets twice as many follow", () => {
    const script = TcpScript.established();
    script.write(100_000);
    expect(script.out()).toHaveLength(10);
    script.pass(10).in("A 1 ack 2001");
    expect(script.out()).toEqual(
      Array.from({ length: 4 }, (_, i) => `A ${10_001 + i * 1_000}:${11_001 + i * 1_000} ack 1 win 65535`),
    );
  });

  test("only the last one is pushed, and a short one leaves at once", () => {
    const script = TcpScript.established();
    script.write(1_500);
    expect(script.out()).toEqual(["A 1:1001 ack 1 win 65535", "PA 1001:1501 ack 1 win 65535"]);
    script.write(3);
    expect(script.out()).toEqual(["PA 1501:1504 ack 1 win 65535"]);
  });

  test("with Nagle a short one waits while others are on their way", () => {
    const script = TcpScript.established({ nagle: true });
    script.write(3);
    expect(script.out()).toEqual(["PA 1:4 ack 1 win 65535"]);
    script.write(3);
    expect(script.out()).toEqual([]);
    script.write(997);
    expect(script.out()).toEqual(["PA 4:1004 ack 1 win 65535"]);
    script.write(1);
    script.pass(5).in("A 1 ack 1004");
    expect(script.out()).toEqual(["PA 1004:1005 ack 1 win 65535"]);
    script.write(1);
    script.close();
    expect(script.out()).toEqual(["FPA 1005:1006 ack 1 win 65535"]);
  });

  test("blocks to report take their room from the payload", () => {
    const script = TcpScript.established();
    script.in("A 1001:2001 ack 1");
    script.write(2_000);
    expect(script.out()).toEqual([
      "A 1:989 ack 1 win 65535 sack 1001-2001",
      "A 989:1977 ack 1 win 65535 sack 1001-2001",
      "PA 1977:2001 ack 1 win 65535 sack 1001-2001",
    ]);
  });

  test("a smaller segment size counts at once, for what is sent again, too", () => {
    const script = TcpScript.established();
    script.write(3_000);
    script.out();
    script.connection.setMss(600);
    script.write(1_000);
    expect(script.out()).toEqual(["A 3001:3601 ack 1 win 65535", "PA 3601:4001 ack 1 win 65535"]);
    for (let probes = 0; probes < 3; probes += 1) {
      script.passToDeadline();
      expect(script.out()).toEqual(["PA 3401:4001 ack 1 win 65535"]);
    }
    script.passToDeadline();
    expect(script.out()).toEqual(["A 1:601 ack 1 win 65535"]);
    script.in("A 1 ack 601");
    expect(script.out()).toEqual(["A 601:1201 ack 1 win 65535", "A 1201:1801 ack 1 win 65535"]);
    script.connection.setMss(5_000);
    script.in("A 1 ack 4001");
    script.write(1_500);
    expect(script.out()).toEqual(["A 4001:5001 ack 1 win 65535", "PA 5001:5501 ack 1 win 65535"]);
  });

  test("a peer that wants absurdly small segments gets small ones", () => {
    const script = TcpScript.established({}, "mss 1");
    script.write(100);
    expect(script.out()).toEqual(["A 1:65 ack 1 win 65535", "PA 65:101 ack 1 win 65535"]);
  });
});

describe("the application", () => {
  test("writes until the buffer is full, and is woken when a quarter is free", () => {
    const script = TcpScript.established({ sendBufferBytes: 8_000 });
    expect(script.write(5_000)).toBe(5_000);
    expect(script.connection.writable).toBe(3_000);
    expect(script.write(5_000)).toBe(3_000);
    expect([script.connection.writable, script.write(1), script.events()]).toEqual([0, 0, []]);
    script.out();
    script.in("A 1 ack 2000");
    expect(script.events()).toEqual([]);
    script.in("A 1 ack 2001");
    expect(script.events()).toEqual(["writable"]);
    expect([script.connection.writable, script.connection.unacknowledged]).toEqual([2_000, 6_000]);
    script.in("A 1 ack 8001");
    expect(script.events()).toEqual([]);
  });

  test("what it gave away is sent from where it is, what it lent may change", () => {
    const script = TcpScript.established();
    const bytes = new Uint8Array(1_000).fill(1);
    script.connection.write(bytes, "lent", script.now);
    bytes.fill(2);
    script.connection.write(bytes, "given", script.now);
    bytes.fill(3);
    const buffer = new Uint8Array(1_040);
    expect(script.connection.transmit(buffer, 0, script.now)).toBe(1_040);
    expect(buffer[40]).toBe(1);
    script.connection.transmit(buffer, 0, script.now);
    expect(buffer[40]).toBe(3);
  });

  test("a buffer that is too small for the packet is a bug and throws", () => {
    const script = TcpScript.established();
    script.write(1_000);
    expect(() => script.connection.transmit(new Uint8Array(1_039), 0, script.now)).toThrow(RangeError);
    expect(script.out()).toHaveLength(1);
  });
});

describe("the peer's window", () => {
  test("is never exceeded, and a silly rest waits", () => {
    const script = TcpScript.established({}, "mss 1000 sackok", 2_300);
    script.write(5_000);
    expect(script.out()).toEqual(["A 1:1001 ack 1 win 65535", "A 1001:2001 ack 1 win 65535"]);
    script.pass(5).in("A 1 ack 1001 win 2300");
    expect(script.out()).toEqual(["A 2001:3001 ack 1 win 65535"]);
  });

  test("of a peer with little memory is used by halves", () => {
    const script = TcpScript.established({}, "mss 1000", 500);
    script.write(900);
    expect(script.out()).toEqual(["A 1:501 ack 1 win 65535"]);
    script.pass(5).in("A 1 ack 501 win 249");
    expect(script.out()).toEqual([]);
    script.in("A 1 ack 501 win 250");
    expect(script.out()).toEqual(["A 501:751 ack 1 win 65535"]);
    script.in("A 1 ack 751 win 100");
    expect(script.out()).toEqual([]);
    expect(script.passToDeadline()).toBe(200);
    expect(script.out()).toEqual(["A 751:851 ack 1 win 65535"]);
  });

  test("is scaled as the peer said in its SYN", () => {
    const script = TcpScript.established({}, "mss 1000 ws 3", 100);
    script.write(5_000);
    expect(script.out()).toEqual(["A 1:801 ack 1 win 16384"]);
  });

  test("an older segment does not change it", () => {
    const script = TcpScript.established();
    script.in("A 1:2 ack 1 win 5000");
    script.in("A 1:2 ack 1 win 9");
    script.write(8_000);
    expect(script.out()).toHaveLength(5);
  });

  test("closed, it is asked about with one byte, ever more seldom, and the connection lives while the peer answers", () => {
    const script = TcpScript.established();
    script.in("A 1 ack 1 win 0");
    script.write(2_000);
    expect(script.out()).toEqual([]);
    const waits: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      waits.push(Math.round(script.passToDeadline() / 100) / 10);
      expect(script.out()).toEqual(["A 1:2 ack 1 win 65535"]);
      script.in("A 1 ack 1 win 0");
      expect([script.out(), script.events()]).toEqual([[], []]);
    }
    expect(waits).toEqual([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60, 60]);
    script.in("A 1 ack 1 win 4000");
    expect(script.out()).toEqual(["A 1:2 ack 1 win 65535", "A 2:1002 ack 1 win 65535", "PA 1002:2001 ack 1 win 65535"]);
  });

  test("closed by a peer that does not answer, it ends the connection", () => {
    const script = TcpScript.established({ userTimeoutMs: 10_000 });
    script.in("A 1 ack 1 win 0");
    script.write(1);
    script.pass(9_999);
    expect(script.events()).toEqual([]);
    script.pass(1);
    expect(script.events()).toEqual(["timed-out"]);
  });

  test("a byte that was taken into a closed window counts", () => {
    const script = TcpScript.established();
    script.in("A 1 ack 1 win 0");
    script.write(1_001);
    script.passToDeadline();
    script.out();
    script.in("A 1 ack 2 win 3000");
    expect(script.out()).toEqual(["PA 2:1002 ack 1 win 65535"]);
  });

  test("the FIN waits for room, too, and is used to ask for it", () => {
    const script = TcpScript.established();
    script.in("A 1 ack 1 win 0");
    script.close();
    expect(script.out()).toEqual([]);
    script.passToDeadline();
    expect(script.out()).toEqual(["FA 1 ack 1 win 65535"]);
    script.in("A 1 ack 2 win 0");
    expect(script.connection.state).toBe("fin-wait-2");
    expect(script.deadlineIn).toBeUndefined();
  });

  test("taken back while segments are on their way, it stops what is sent again, but not for ever", () => {
    const script = TcpScript.established();
    script.write(3_000);
    script.out();
    script.pass(10).in("A 1 ack 1001 win 0");
    script.passToDeadline();
    expect(script.out()).toEqual(["A 1001:1002 ack 1 win 65535"]);
    script.in("A 1 ack 1001 win 5000");
    expect(script.out()).toEqual([
      "A 1001:1002 ack 1 win 65535",
      "A 1002:2002 ack 1 win 65535",
      "PA 2002:3001 ack 1 win 65535",
    ]);
  });
});
