// A connection as its owner sees it: the documented flow byte for byte, events, what it costs when idle, repeatability.
import { describe, expect, test } from "bun:test";
import { Connection } from "../../../src/tcp/connection.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { internalsOf } from "../../support/tcp-internals.ts";
import { FLOW, segment, TcpScript } from "../../support/tcp-script.ts";
import { hex, vector } from "../../support/vectors.ts";

function packetsOf(connection: Connection, now: number): string[] {
  const out = new Uint8Array(2_000);
  const packets: string[] = [];
  for (let length = connection.transmit(out, 0, now); length > 0; length = connection.transmit(out, 0, now)) {
    packets.push(toHex(out.subarray(0, length)));
  }
  return packets;
}

test("the documented flow with a peer that knows no options, byte for byte", () => {
  const limits = { receiveBufferBytes: 65_535, timestamps: false };
  const connection = new Connection({
    ...limits,
    flow: FLOW,
    mss: 1_266,
    initialSequence: 0xa0b0c0d0,
    timestampOffset: 0,
  });
  connection.hold(vector("tcpSyn"), 0, 1);
  connection.accept();
  const [synAck] = packetsOf(connection, 1);
  const headers = "4500002c000040004006cc250a64000264400001 | 0050c350a0b0c0d0112233456012ffff";
  expect(synAck?.slice(0, 72)).toBe(toHex(hex(headers)));
  expect(synAck?.slice(76)).toBe("0000020404f2");
  const ping = vector("tcpPing");
  connection.receive(ping, 0, 2);
  ping.fill(0);
  expect(new TextDecoder().decode(connection.read())).toBe("ping");
  connection.consumed(4);
  connection.write(new TextEncoder().encode("pong!"), "given", 2);
  connection.close(2);
  const [answer] = packetsOf(connection, 2);
  const expected = "4500002d000040004006cc240a64000264400001 | 0050c350a0b0c0d1112233495019ffff";
  expect(answer?.slice(0, 72)).toBe(toHex(hex(expected)).replace(/ffff$/, "fffb"));
  expect(answer?.slice(76)).toBe("0000706f6e6721");
  expect([connection.poll(), connection.poll(), connection.poll()]).toEqual(["established", "readable", undefined]);
});

describe("an owner", () => {
  test("may ask for anything at any time without harm", () => {
    const connection = new Connection({ flow: FLOW, mss: 1_000, initialSequence: 1, timestampOffset: 1 });
    connection.accept();
    connection.close(1);
    connection.handleTimeout(1);
    connection.pathRestored(1);
    connection.setMss(500);
    connection.receive(segment("A 1 ack 1"), 0, 1);
    expect([connection.state, connection.write(new Uint8Array(5), "lent", 1), connection.read().length]).toEqual([
      "closed",
      0,
      0,
    ]);
    expect([packetsOf(connection, 1), connection.poll(), connection.deadline()]).toEqual([[], undefined, undefined]);
  });

  test("is told once that there is something to read, until it has looked", () => {
    const script = TcpScript.established();
    script.in("A 1:101 ack 1", "A 101:201 ack 1");
    expect(script.events()).toEqual(["readable"]);
    script.in("A 101:201 ack 1");
    expect(script.events()).toEqual([]);
    script.in("A 201:301 ack 1");
    expect(script.events()).toEqual(["readable"]);
  });

  test("reads in pieces without consuming, and the window follows what it consumes", () => {
    const script = TcpScript.established({ receiveBufferBytes: 10_000 });
    for (let i = 0; i < 8; i += 1) script.in(`A ${1 + i * 1_000}:${1_001 + i * 1_000} ack 1`);
    script.out();
    let seen = 0;
    for (let view = script.connection.read(seen); view.length > 0; view = script.connection.read(seen))
      seen += view.length;
    expect([seen, script.connection.readable]).toEqual([8_000, 8_000]);
    expect(script.out()).toEqual([]);
    script.connection.consumed(4_000);
    expect(script.out()).toEqual(["A 1 ack 8001 win 6000"]);
  });
});

test("idle, it has no deadline and holds no buffers", () => {
  const script = TcpScript.established();
  script.write(20_000);
  script.out();
  script.pass(20).in("A 1:1001 ack 10001").out();
  script.in("A 1001:2001 ack 20001");
  script.read(1);
  script.pass(40).out();
  const { receiver, space, sender } = internalsOf(script.connection);
  expect([script.deadlineIn, receiver.buffer.held, space.buffer.held, sender.recovery.flight.count]).toEqual([
    undefined,
    0,
    0,
    0,
  ]);
});

test("the same life gives the same packets", () => {
  const live = () => {
    const script = TcpScript.established({ timestamps: true }, "mss 1000 sackok ts 1/0");
    script.write(30_000);
    const packets = script.out();
    script.in("A 1:500 ack 3001 ts 2/1020 sack 5001-9001", "A 700:900 ack 3001 ts 3/1020");
    packets.push(...script.out());
    script.pass(3_000);
    return [...packets, ...script.out(), script.deadlineIn];
  };
  expect(live()).toEqual(live());
});
