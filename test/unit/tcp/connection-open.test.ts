// Opening a connection, segment by segment: actively, passively with a decision to wait for, from both sides at once.
import { describe, expect, test } from "bun:test";
import { segment, TcpScript } from "../../support/tcp-script.ts";

describe("active open", () => {
  test("sends a SYN with everything it can do, and acknowledges the answer", () => {
    const script = new TcpScript({ timestamps: true });
    script.connection.connect();
    expect(script.out()).toEqual(["S 0 win 65535 mss 1000 ws 5 sackok ts 1000/0"]);
    expect(script.deadlineIn).toBe(1_000);
    script.pass(20).in("SA 0 ack 1 win 30000 mss 1460 ws 5 sackok ts 77/1000");
    expect(script.out()).toEqual(["A 1 ack 1 win 16384 ts 1020/77"]);
    expect(script.events()).toEqual(["established"]);
    expect(script.deadlineIn).toBeUndefined();
    expect(script.connection.state).toBe("established");
  });

  test("a peer without any options gets segments of 536 bytes, no options, and a window that needs no scale", () => {
    const script = new TcpScript({ timestamps: true });
    script.connection.connect();
    script.out();
    script.in("SA 0 ack 1 win 65535");
    script.write(1_000);
    expect(script.out()).toEqual(["A 1:537 ack 1 win 65535", "PA 537:1001 ack 1 win 65535"]);
  });

  test("what was written before the handshake ended follows it", () => {
    const script = new TcpScript();
    script.connection.connect();
    expect(script.write(5)).toBe(5);
    expect(script.out()).toEqual(["S 0 win 65535 mss 1000 ws 5 sackok"]);
    script.in("SA 0 ack 1 mss 1000");
    expect(script.out()).toEqual(["PA 1:6 ack 1 win 65535"]);
  });

  test("repeats an unanswered SYN after 1, 3, 7 … seconds and gives up in the end", () => {
    const script = new TcpScript({ handshakeTimeoutMs: 20_000 });
    script.connection.connect();
    const syn = script.out();
    const waits: number[] = [];
    while (script.events().length === 0) {
      waits.push(Math.round(script.passToDeadline()));
      if (script.connection.state === "syn-sent") expect(script.out()).toEqual(syn);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 5_000]);
    expect(script.connection.state).toBe("closed");
    expect(script.out()).toEqual([]);
    expect(script.connection.deadline()).toBeUndefined();
  });

  test("a repeated SYN tells of a bad path: one segment to begin with, and three seconds to wait for its answer", () => {
    const script = new TcpScript();
    script.connection.connect();
    script.out();
    script.pass(1_000);
    script.out();
    script.in("SA 0 ack 1 mss 1000");
    script.write(5_000);
    expect(script.out()).toEqual(["A 1:1001 ack 1 win 65535"]);
    expect(script.deadlineIn).toBe(3_000);
  });

  test("is reset by a RST that acknowledges the SYN, and by no other", () => {
    const script = new TcpScript();
    script.connection.connect();
    script.out();
    script.in("R 0", "R 1", "RA 0 ack 0", "RA 0 ack 2");
    expect([script.out(), script.events()]).toEqual([[], []]);
    script.in("RA 0 ack 1");
    expect(script.events()).toEqual(["reset"]);
    expect(script.out()).toEqual([]);
  });

  test("answers an acknowledgement of something else with a RST, and goes on", () => {
    const script = new TcpScript();
    script.connection.connect();
    script.out();
    script.in("SA 0 ack 500");
    expect(script.out()).toEqual(["R 500 win 0"]);
    script.in("A 7 ack 0");
    expect(script.out()).toEqual(["R 0 win 0"]);
    script.in("A 7 ack 1", "F 7", "PA 7:9 ack 1");
    expect(script.out()).toEqual([]);
    script.in("SA 0 ack 1 mss 1000");
    expect(script.out()).toEqual(["A 1 ack 1 win 65535"]);
  });

  test("can be given up before anything came back", () => {
    const script = new TcpScript();
    script.connection.connect();
    script.out();
    script.connection.abort();
    expect([script.out(), script.events(), script.deadlineIn]).toEqual([[], [], undefined]);
  });

  test("closed before it was established, it still delivers what was written", () => {
    const script = new TcpScript();
    script.connection.connect();
    script.write(10);
    script.close();
    expect(script.write(1)).toBe(0);
    script.out();
    script.in("SA 0 ack 1 mss 1000");
    expect(script.out()).toEqual(["FPA 1:11 ack 1 win 65535"]);
    expect(script.connection.state).toBe("fin-wait-1");
  });
});

describe("passive open", () => {
  const syn = (text = "S 0 win 65535 mss 1000 sackok") => {
    const script = new TcpScript();
    script.connection.hold(segment(text), 0, script.now);
    return script;
  };

  test("says nothing until the owner has decided, however often the SYN comes", () => {
    const script = syn();
    script
      .pass(10_000)
      .in("S 0 win 65535 mss 1000", "S 0 win 65535 mss 1000", "S 77 win 1", "A 1 ack 1", "PA 1:5 ack 1");
    expect([script.out(), script.events(), script.deadlineIn]).toEqual([[], [], undefined]);
    expect(script.connection.state).toBe("held");
    script.connection.accept();
    expect(script.out()).toEqual(["SA 0 ack 1 win 65535 mss 1000 sackok"]);
    expect(script.deadlineIn).toBe(1_000);
  });

  test("answers with what the peer offered and nothing else", () => {
    const answers: Record<string, string> = {
      "": "",
      "ws 2": " ws 5",
      sackok: " sackok",
      "ws 14 sackok ts 9/0": " ws 5 sackok ts 1000/9",
    };
    for (const [offer, answer] of Object.entries(answers)) {
      const script = new TcpScript({ timestamps: true });
      script.connection.hold(segment(`S 0 win 1000 ${offer}`.trim()), 0, script.now);
      script.connection.accept();
      expect(script.out()).toEqual([`SA 0 ack 1 win 65535 mss 1000${answer}`]);
    }
  });

  test("refuses with the reset that answers a SYN", () => {
    const script = syn();
    script.connection.abort();
    expect(script.out()).toEqual([`RA ${(0 - 0xffff_ffc0) >>> 0} ack 1 win 0`]);
    expect([script.connection.state, script.events(), script.deadlineIn]).toEqual(["closed", [], undefined]);
    script.in("S 0 win 1");
    expect(script.out()).toEqual([]);
  });

  test("a peer that takes its SYN back ends it before there was an answer", () => {
    const script = syn();
    script.in("R 0", "R 2", "R 500");
    expect(script.events()).toEqual([]);
    script.in("R 1");
    expect(script.events()).toEqual(["reset"]);
    expect(script.out()).toEqual([]);
  });

  test("repeats the SYN|ACK when the SYN comes again and when nothing comes", () => {
    const script = syn();
    script.connection.accept();
    const answer = script.out();
    script.pass(100).in("S 0 win 65535 mss 1000 sackok");
    expect(script.out()).toEqual(answer);
    script.pass(999.5);
    expect(script.out()).toEqual([]);
    script.pass(0.5);
    expect(script.out()).toEqual(answer);
    expect(script.events()).toEqual([]);
    script.in("A 1 ack 1");
    expect(script.events()).toEqual(["established"]);
    expect(script.connection.state).toBe("established");
  });

  test("a flood of repeated SYNs is answered ten times, then twice a second", () => {
    const script = syn();
    script.connection.accept();
    script.out();
    let answers = 0;
    for (let i = 0; i < 100; i += 1) answers += script.in("S 0 win 1").out().length;
    expect(answers).toBe(10);
    expect(script.stats.challengesSuppressed).toBe(90);
  });

  test("bytes and FIN that come with the last step of the handshake count", () => {
    const script = syn();
    script.connection.accept();
    script.out();
    script.in("FPA 1:101 ack 1");
    expect(script.events()).toEqual(["established", "readable", "remote-closed"]);
    expect(script.out()).toEqual(["A 1 ack 102 win 65434"]);
    expect(script.read(1)).toBe(100);
  });

  test("answers an acknowledgement of what was never sent with a RST, and stays", () => {
    const script = syn();
    script.connection.accept();
    script.out();
    script.in("A 1 ack 2");
    expect(script.out()).toEqual(["R 2 win 0"]);
    script.in("A 1 ack 1");
    expect(script.events()).toEqual(["established"]);
  });

  test("closed before it was established, it closes as soon as it is", () => {
    const script = syn();
    script.connection.accept();
    script.out();
    script.write(10);
    script.close().in("A 1 ack 1");
    expect(script.out()).toEqual(["FPA 1:11 ack 1 win 65535"]);
    expect(script.connection.state).toBe("fin-wait-1");
  });
});

test("both ends open at once: each answers the other's SYN, and one connection stands", () => {
  const script = new TcpScript();
  script.connection.connect();
  script.out();
  script.in("S 0 win 65535 mss 900 sackok");
  expect(script.connection.state).toBe("syn-received");
  expect(script.out()).toEqual(["SA 0 ack 1 win 65535 mss 1000 sackok"]);
  script.in("SA 0 ack 1 win 65535 mss 900 sackok");
  expect(script.events()).toEqual(["established"]);
  script.write(1_800);
  expect(script.out()).toEqual(["A 1:901 ack 1 win 65535", "PA 901:1801 ack 1 win 65535"]);
});
