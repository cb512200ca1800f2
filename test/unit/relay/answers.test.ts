// What the relay says to senders whose packets get nowhere: the right packet, in limited number, never to an error.
import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";
import { encodeEchoRequest, encodeUnreachable, UNREACHABLE_PORT } from "../../../src/wire/icmp.ts";
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../../src/wire/tcp.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { AGENT_END, ip, RelayWorld, request } from "../../support/relay-world.ts";

const ECHO = { source: AGENT_END.source, destination: AGENT_END.destination, identifier: 7, sequence: 1 };

function answerTo(packet: Uint8Array, world = new RelayWorld()): Uint8Array | undefined {
  const agent = world.agent("web");
  const sent = world.routed(agent, "web", packet);
  expect(world.relay.stats.hops.agent.dropped["no-connector"]).toBeGreaterThan(0);
  for (const { to } of sent) expect(to).toBe(agent);
  return sent[0]?.bytes;
}

function segment(flags: number): Uint8Array {
  return encodeTcp({ ...AGENT_END, sequence: 0x11223344, acknowledgement: 9, flags, window: 65535 });
}

describe("to a service that nobody serves", () => {
  test("opening a TCP connection is answered with the reset of the protocol's example", () => {
    const syn = fromHex("4500002800004000" + "4006cc29644000010a640002c350005011223344000000005002ffff39350000")!;
    const reset = "45000028000040004006cc290a640002644000010050c35000000000112233455014000039220000";
    expect(toHex(answerTo(syn)!)).toBe(reset);
  });

  test.each([
    ["UDP", request()],
    ["an echo request", encodeEchoRequest({ ...ECHO, payload: new Uint8Array(3) })],
  ])("%s is answered with ICMP host unreachable", (_what, packet) => {
    const answer = answerTo(packet)!;
    expect([...answer.subarray(20, 22)]).toEqual([3, 1]);
    expect([...answer.subarray(28)]).toEqual([...packet.subarray(0, 28)]);
    expect(withFreshChecksums(answer)).toEqual(answer);
    expect(new DataView(answer.buffer).getUint32(16)).toBe(AGENT_END.source);
  });

  test.each([
    ["a segment of an open connection", segment(TCP_ACK)],
    ["SYN|ACK", segment(TCP_SYN | TCP_ACK)],
    ["FIN", segment(TCP_FIN | TCP_ACK)],
    ["a reset", segment(TCP_RST)],
    ["SYN with RST", segment(TCP_SYN | TCP_RST)],
    ["an ICMP error", encodeUnreachable({ packet: request(), code: UNREACHABLE_PORT, source: ip("10.0.0.1") })!],
    ["UDP from nowhere", request("x", { source: ip("0.0.0.0") })],
    ["UDP to many", request("x", { destination: ip("224.0.0.1") })],
    ["a damaged SYN", damaged(segment(TCP_SYN))],
    ["a damaged echo request", damaged(encodeEchoRequest({ ...ECHO, payload: new Uint8Array(3) }))],
    ["another protocol", withFreshChecksums(request().with(9, 47))],
  ])("%s is not answered", (_what, packet) => {
    expect(answerTo(packet)).toBeUndefined();
  });

  test("answers are limited for each connection, and what was suppressed is counted", () => {
    const world = new RelayWorld({ limits: { answers: { perSecond: 1, burst: 3 } } });
    const [first, second] = [world.agent("web"), world.agent("web")];
    const answered = (peer: number) => world.routed(peer, "web", request()).length;
    expect([1, 2, 3, 4, 5].map(() => answered(first))).toEqual([1, 1, 1, 0, 0]);
    expect(answered(second)).toBe(1);
    world.advance(1000);
    expect([1, 2].map(() => answered(first))).toEqual([1, 0]);
    expect(world.relay.stats.answers.unreachable).toBe(5);
    expect(world.relay.stats.answersSuppressed).toBe(3);
    expect(world.relay.stats.hops.agent.dropped["no-connector"]).toBe(8);
  });

  test("an answer that the connection cannot carry is left out", () => {
    const world = new RelayWorld();
    const agent = world.agent("web", { maxDatagram: 55 });
    expect(world.routed(agent, "web", request())).toEqual([]);
    world.handle({ type: "datagram-limit", peer: agent, maxDatagram: 56 });
    expect(world.routed(agent, "web", request())).toHaveLength(1);
    expect(world.relay.stats.answersSuppressed).toBe(1);
  });

  test("a connection without room gets no answer", () => {
    const world = new RelayWorld();
    const agent = world.agent("web");
    world.full.add(agent);
    expect(world.routed(agent, "web", request())).toEqual([]);
    expect(world.relay.stats.answersSuppressed).toBe(1);
  });
});

function damaged(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy[30]! ^= 1;
  return copy;
}
