// TCP through the connector: agents' connections on one side, backends on the other, all by hand in virtual time.
import { describe, expect, test } from "bun:test";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { TCP_ACK, TCP_RST, TCP_SYN, tcpFlags, tcpSequence } from "../../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions } from "../../../src/wire/tcp-options.ts";
import { encodeAck } from "../../../src/wire/tunnel.ts";
import { WEB } from "../../support/connector-world.ts";
import { segment, TcpWorld } from "../../support/tcp-world.ts";

const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
const flagsOf = (packets: readonly Uint8Array[]) => packets.map((packet) => tcpFlags(packet));

describe("a connection", () => {
  test("is answered only once its backend is there, and carries bytes both ways", () => {
    const tcp = new TcpWorld(WEB);
    const agent = tcp.dial();
    tcp.run();
    expect(tcp.backends.map(({ target }) => target)).toEqual(["web.internal:8080"]);
    expect(agent.events).toEqual([]);
    tcp.opened(tcp.backends[0]!);
    tcp.run();
    expect(agent.events).toEqual(["established"]);
    agent.write(bytes(5_000), tcp.now);
    tcp.run();
    tcp.advance(100);
    expect(tcp.backends[0]!.written).toEqual([...bytes(5_000)]);
    tcp.send(tcp.backends[0]!, bytes(200_000, 3));
    tcp.advance(1000);
    expect(agent.bytes).toEqual(bytes(200_000, 3));
    expect(tcp.world.connector.sessionCount).toBe(1);
    const { agent: hop } = tcp.world.connector.stats.hops;
    expect(hop.received).toBe(hop.forwarded + tcp.world.connector.stats.control);
  });

  test("is refused by a reset at once when its backend is", () => {
    const tcp = new TcpWorld(WEB);
    const agent = tcp.dial();
    tcp.run();
    tcp.failed(tcp.backends[0]!, "refused");
    tcp.run();
    expect(agent.events).toEqual(["reset"]);
    expect(tcp.world.connector.stats.backendFailures.refused).toBe(1);
    expect(tcp.world.notices).toContainEqual(expect.objectContaining({ event: "backend-unavailable" }));
    expect([tcp.world.connector.sessionCount, tcp.world.connector.stats.tcpErrors]).toEqual([0, 1]);
  });

  test("to a backend that does not answer is reset after five seconds, and the attempt given up", () => {
    const tcp = new TcpWorld(WEB);
    const agent = tcp.dial();
    const other = tcp.connected();
    tcp.advance(4_999);
    expect(agent.events).toEqual([]);
    expect(tcp.backends[0]!.closed).toBeUndefined();
    tcp.advance(2);
    expect(agent.events).toEqual(["reset"]);
    expect(tcp.backends[0]!.closed).toBe("reset");
    expect(tcp.world.connector.stats.backendFailures.timeout).toBe(1);
    tcp.send(other[1], "still here");
    tcp.advance(50);
    expect(other[0].text).toBe("still here");
  });

  test("is dialled once, however often its SYN comes", () => {
    const tcp = new TcpWorld(WEB);
    const syn = segment(TCP_SYN);
    for (let i = 0; i < 20; i++) expect(tcp.inject(syn)).toEqual([]);
    expect(tcp.backends).toHaveLength(1);
    tcp.opened(tcp.backends[0]!);
    const answers = tcp.inject(syn);
    expect(flagsOf(answers).every((flags) => flags === (TCP_SYN | TCP_ACK))).toBe(true);
    expect(new Set(answers.map((packet) => tcpSequence(packet))).size).toBe(1);
    expect(tcp.backends).toHaveLength(1);
    expect(tcp.world.dropped).toEqual({});
  });

  test("that the agent gives up before it is answered closes the backend, too", () => {
    const tcp = new TcpWorld(WEB);
    tcp.inject(segment(TCP_SYN));
    expect(tcp.inject(segment(TCP_RST, { sequence: 1001 }))).toEqual([]);
    expect(tcp.backends[0]!.closed).toBe("reset");
    expect(tcp.world.connector.sessionCount).toBe(0);
    // What the backend still has to say is about a stream that is gone.
    tcp.opened(tcp.backends[0]!);
    tcp.run();
    expect(tcp.world.connector.sessionCount).toBe(0);
  });
});

describe("the slower side sets the pace", () => {
  test("an agent that does not read holds the backend back, and bounded memory is used meanwhile", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    agent.reading = false;
    let sent = 0;
    for (let i = 0; i < 200 && tcp.send(backend, bytes(65_536, sent)); i++) {
      sent += 65_536;
      tcp.advance(10);
    }
    expect(backend.paused).toBe(true);
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    agent.reading = true;
    agent.proceed(tcp.now);
    tcp.advance(20_000);
    expect(backend.paused).toBe(false);
    expect(agent.receivedBytes).toBe(sent);
  });

  test("a backend that does not read closes the agent's window", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    backend.room = 1_000;
    agent.write(bytes(3_000_000), tcp.now);
    tcp.advance(5_000);
    expect(backend.written.length).toBe(1_000);
    expect(agent.connection.unacknowledged).toBeGreaterThan(0);
    tcp.makeRoom(backend, Number.POSITIVE_INFINITY);
    tcp.advance(60_000);
    expect(backend.written.length).toBe(3_000_000);
  });

  test("segments wait while their connection to the relay has no room, instead of being lost there", () => {
    let room = 64;
    const tcp = new TcpWorld(WEB, { room: () => room });
    const [agent, backend] = tcp.connected();
    room = 0;
    tcp.send(backend, bytes(20_000));
    tcp.run();
    expect(agent.receivedBytes).toBe(0);
    room = 3;
    tcp.world.handle({ type: "writable", peer: tcp.world.peers.get("web")! });
    tcp.world.handle(TIMEOUT);
    expect(tcp.world.sent.length).toBeGreaterThan(0);
    room = 64;
    tcp.world.handle({ type: "writable", peer: tcp.world.peers.get("web")! });
    tcp.advance(1_000);
    expect(agent.bytes).toEqual(bytes(20_000));
    expect(tcp.world.connector.segments.retransmitted).toBe(0);
  });
});

describe("the path", () => {
  test("sets the size of segments in both directions, and its changes do", () => {
    const tcp = new TcpWorld(WEB, {}, 1156);
    const syn = tcp.inject(segment(TCP_SYN));
    expect(syn).toEqual([]);
    tcp.opened(tcp.backends[0]!);
    const [answer] = tcp.inject(segment(TCP_SYN));
    const options = new TcpOptions();
    readTcpOptions(answer!, 0, options);
    expect(options.mss).toBe(1116);
    const [agent, backend] = tcp.connected();
    const sizes: number[] = [];
    tcp.loses = (packet) => {
      sizes.push(packet.length);
      return false;
    };
    tcp.send(backend, bytes(50_000));
    tcp.advance(1000);
    expect(Math.max(...sizes)).toBe(1156);
    sizes.length = 0;
    tcp.world.handle({ type: "datagram-limit", peer: tcp.world.peers.get("web")!, maxDatagram: 900 });
    tcp.send(backend, bytes(50_000));
    tcp.advance(1000);
    expect(Math.max(...sizes)).toBe(900);
    expect(agent.receivedBytes).toBe(100_000);
  });

  test("may go away for a while: connections survive a restart of the relay and go on at once", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    tcp.carrying = false;
    tcp.send(backend, bytes(10_000)); // leaves, and gets lost
    tcp.advance(10_000); // the relay hangs: its connection still takes what is sent again, ever more rarely
    tcp.world.disconnect("web");
    tcp.advance(500);
    expect(agent.receivedBytes).toBe(0);
    tcp.carrying = true;
    tcp.world.connect();
    tcp.advance(300); // and not when its timer, which has grown long, comes round
    expect(agent.bytes).toEqual(bytes(10_000));
  });

  test("is there only once the relay has acknowledged the service: before it would drop everything", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    tcp.world.disconnect("web");
    tcp.send(backend, "hello");
    tcp.advance(1_000);
    tcp.world.connect(1306, false);
    tcp.advance(100);
    expect(agent.text).toBe("");
    expect(tcp.world.connector.segments.retransmitted).toBe(0);
    tcp.world.handle({ type: "datagram", peer: tcp.world.peers.get("web")!, bytes: encodeAck("web") });
    tcp.advance(10);
    expect(agent.text).toBe("hello");
    expect(tcp.world.connector.segments.retransmitted).toBe(0);
  });
});
