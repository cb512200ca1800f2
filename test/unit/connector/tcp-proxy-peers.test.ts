// TCP of peers that are not ours: the reference's habits, and what has no business here.
import { describe, expect, test } from "bun:test";
import type { ServiceEntry } from "../../../src/connector/services.ts";
import {
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  tcpFlags,
  tcpSequence,
  tcpWindow,
} from "../../../src/wire/tcp.ts";
import { AGENT, ip, WEB } from "../../support/connector-world.ts";
import { segment, TcpWorld } from "../../support/tcp-world.ts";
import { vector } from "../../support/vectors.ts";

const OPEN: ServiceEntry = { id: "web", virtualIp: ip("10.100.0.2"), backend: { host: "web.internal" } };
const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
const flagsOf = (packets: readonly Uint8Array[]) => packets.map((packet) => tcpFlags(packet));

describe("an agent of the reference's habits", () => {
  const plain = { windowScaling: false, selectiveAcks: false, timestamps: false };

  test("without options and with small segments gets everything, and so does its backend", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected(80, AGENT, { ...plain, mss: 512 });
    tcp.send(backend, bytes(300_000));
    agent.write(bytes(100_000), tcp.now);
    tcp.advance(5_000);
    expect(agent.bytes).toEqual(bytes(300_000));
    expect(backend.written).toEqual([...bytes(100_000)]);
  });

  test("that names no segment size gets segments of 536 bytes", () => {
    const tcp = new TcpWorld(WEB);
    tcp.inject(segment(TCP_SYN));
    tcp.opened(tcp.backends[0]!);
    const [answer] = tcp.inject(segment(TCP_SYN));
    expect(tcpWindow(answer!)).toBe(65_535);
    tcp.inject(segment(TCP_ACK, { sequence: 1001, acknowledgement: (tcpSequence(answer!) + 1) >>> 0 }));
    tcp.send(tcp.backends[0]!, bytes(2_000));
    const packets: Uint8Array[] = [];
    tcp.loses = (packet) => packets.push(packet) > 0;
    tcp.run();
    expect(packets.map((packet) => packet.length)).toEqual([576, 576, 576, 40 + 2_000 - 3 * 536]);
  });

  test("segments that come twice or out of order reach the backend once and in order", () => {
    const tcp = new TcpWorld(WEB);
    tcp.inject(segment(TCP_SYN));
    tcp.opened(tcp.backends[0]!);
    const [answer] = tcp.inject(segment(TCP_SYN));
    const acknowledgement = (tcpSequence(answer!) + 1) >>> 0;
    const piece = (at: number, text: string) =>
      segment(TCP_ACK | TCP_PSH, { sequence: 1001 + at, acknowledgement, payload: new TextEncoder().encode(text) });
    tcp.inject(piece(3, "def"));
    tcp.inject(piece(0, "abc"));
    tcp.inject(piece(0, "abc"));
    tcp.inject(piece(3, "def"));
    tcp.inject(piece(2, "cdefg"));
    expect(tcp.backends[0]!.text).toBe("abcdefg");
  });
});

describe("what has no business here", () => {
  test("a segment of no connection is reset and dials nothing", () => {
    const tcp = new TcpWorld(WEB);
    expect(flagsOf(tcp.inject(segment(TCP_ACK, { acknowledgement: 77 })))).toEqual([TCP_RST]);
    expect(flagsOf(tcp.inject(segment(TCP_FIN | TCP_ACK)))).toEqual([TCP_RST]);
    expect(tcp.inject(segment(TCP_RST))).toEqual([]);
    expect(flagsOf(tcp.inject(segment(TCP_SYN | TCP_ACK)))).toEqual([TCP_RST]);
    expect(tcp.backends).toEqual([]);
    expect(tcp.world.dropped).toEqual({ "tcp-unknown-connection": 4 });
  });

  test("a foreign address, protocol or port is reset and dials nothing", () => {
    const tcp = new TcpWorld(WEB);
    expect(flagsOf(tcp.inject(segment(TCP_SYN, { destination: ip("10.100.0.9") })))).toEqual([TCP_RST | TCP_ACK]);
    expect(flagsOf(tcp.inject(segment(TCP_SYN, { destinationPort: 81 })))).toEqual([TCP_RST | TCP_ACK]);
    expect(tcp.world.dropped).toEqual({ "foreign-address": 1, "foreign-port": 1 });
    const udpOnly = new TcpWorld({ ...OPEN, protocol: "udp" });
    expect(udpOnly.inject(vector("tcpSyn"))).toEqual([vector("tcpRstAck")].map((reset) => reset));
    expect([...tcp.backends, ...udpOnly.backends]).toEqual([]);
  });

  test("a reset with a guessed number, or from another agent's address, ends nothing", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    const { sourcePort } = agent.flow;
    for (const sequence of [0, 1, 0x7fffffff, 0xffffffff]) tcp.inject(segment(TCP_RST, { sourcePort, sequence }));
    const next = agent.connection;
    tcp.inject(segment(TCP_RST, { sourcePort, source: ip("100.64.0.99"), sequence: 1001 }));
    tcp.inject(segment(TCP_SYN, { sourcePort, sequence: 99 }));
    tcp.run();
    expect(next.state).toBe("established");
    agent.write(bytes(10), tcp.now);
    tcp.run();
    expect(backend.written).toEqual([...bytes(10)]);
    expect(tcp.backends).toHaveLength(1);
  });
});
