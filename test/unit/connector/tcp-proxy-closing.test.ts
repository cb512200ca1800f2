// How TCP connections through the connector end: each direction by itself, by a reset, or when nobody uses them.
import { describe, expect, test } from "bun:test";
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN, tcpAcknowledgement, tcpSequence } from "../../../src/wire/tcp.ts";
import { WEB } from "../../support/connector-world.ts";
import { segment, TcpWorld } from "../../support/tcp-world.ts";

const bytes = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

describe("each direction ends by itself", () => {
  test("a request with its end is answered eight seconds later by a megabyte", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    agent.write(bytes(300), tcp.now);
    agent.close(tcp.now);
    tcp.run();
    expect(backend).toMatchObject({ written: [...bytes(300)], ended: true, closed: undefined });
    tcp.advance(8_000);
    const answer = bytes(1_000_000);
    let sent = 0;
    while (sent < answer.length) {
      if (tcp.send(backend, answer.subarray(sent, sent + 50_000))) sent += 50_000;
      tcp.advance(20);
    }
    tcp.end(backend);
    tcp.advance(200);
    expect(agent.bytes).toEqual(answer);
    expect(agent.events).toContain("remote-closed");
    expect(backend.closed).toBe("gracefully");
    expect(tcp.world.connector.sessionCount).toBe(0);
  });

  test("payload that comes with a FIN is delivered, and the FIN after it", () => {
    const tcp = new TcpWorld(WEB);
    tcp.inject(segment(TCP_SYN));
    tcp.opened(tcp.backends[0]!);
    const [answer] = tcp.inject(segment(TCP_SYN));
    const acknowledgement = (tcpSequence(answer!) + 1) >>> 0;
    const payload = new TextEncoder().encode("last words");
    const replies = tcp.inject(segment(TCP_FIN | TCP_ACK | TCP_PSH, { sequence: 1001, acknowledgement, payload }));
    expect(tcp.backends[0]).toMatchObject({ text: "last words", ended: true, closed: undefined });
    expect(tcpAcknowledgement(replies.at(-1)!)).toBe(1001 + payload.length + 1);
  });

  test("the backend may end first: what the agent still sends arrives", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    tcp.send(backend, "bye");
    tcp.end(backend);
    tcp.run();
    expect(agent.text).toBe("bye");
    agent.write(bytes(10_000), tcp.now);
    tcp.advance(200);
    expect(backend.written).toEqual([...bytes(10_000)]);
    agent.close(tcp.now);
    tcp.advance(200);
    expect(backend).toMatchObject({ ended: true, closed: "gracefully" });
  });

  test("one that is half closed ends when nothing goes the other way for long, and not while something does", () => {
    const tcp = new TcpWorld(WEB, { tcp: { halfClosedMs: 60_000 } });
    const [agent, backend] = tcp.connected();
    agent.close(tcp.now);
    for (let i = 0; i < 5; i++) {
      tcp.advance(50_000);
      tcp.send(backend, "drip");
    }
    tcp.advance(50_000);
    expect(agent.text).toBe("drip".repeat(5));
    expect(backend.closed).toBeUndefined();
    tcp.advance(11_000);
    expect(backend.closed).toBe("reset");
    expect(agent.events).toContain("reset");
    expect(tcp.world.connector.stats.tcpIdled).toBe(1);
  });

  test("a backend that breaks resets the agent, and an agent's reset the backend", () => {
    const tcp = new TcpWorld(WEB);
    const [agent, backend] = tcp.connected();
    tcp.breaks(backend);
    tcp.run();
    expect(agent.events).toContain("reset");
    const [second, other] = tcp.connected();
    second.connection.abort();
    tcp.run();
    expect(other.closed).toBe("reset");
    expect(tcp.world.connector.sessionCount).toBe(0);
  });
});
