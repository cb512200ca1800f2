// A connector with its TCP, agents' connections through it, and backends that exist only here: the packets of the one
// are handed to the other, in virtual time.
import type { ConnectorOptions } from "../../src/connector/connector.ts";
import type { ServiceEntry } from "../../src/connector/services.ts";
import { type Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { ConnectionOptions } from "../../src/tcp/connection-options.ts";
import type { StreamFailure, StreamId } from "../../src/tunnel/stream.ts";
import { encodeTcp } from "../../src/wire/tcp.ts";
import { AgentTcp } from "./agent-tcp.ts";
import { AGENT, ConnectorWorld, ip } from "./connector-world.ts";

/** A backend's end of a stream, as the connector's commands left it. */
export class FakeBackend {
  readonly stream: StreamId;
  readonly target: string;
  readonly written: number[] = [];
  room = Number.POSITIVE_INFINITY;
  paused = false;
  ended = false;
  closed: "gracefully" | "reset" | undefined;

  constructor(stream: StreamId, target: string) {
    this.stream = stream;
    this.target = target;
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.written));
  }
}

export class TcpWorld {
  readonly world: ConnectorWorld;
  readonly service: string;
  readonly backends: FakeBackend[] = [];
  readonly agents: AgentTcp[] = [];
  /** Whether the relay carries packets. */
  carrying = true;
  /** Whether a packet towards the agents gets lost. */
  loses: (packet: Uint8Array) => boolean = () => false;
  private readonly virtual: number;
  private nextPort = 40_000;
  private turnOf = 0;

  constructor(entry: ServiceEntry, options: Partial<ConnectorOptions> = {}, maxDatagram = 1306) {
    this.service = entry.id;
    this.virtual = entry.virtualIp ?? ip("10.100.0.1");
    this.world = new ConnectorWorld([entry], options).connect(maxDatagram);
    this.world.sent.length = 0;
  }

  get now(): Millis {
    return this.world.now;
  }

  /** An agent's program dials; nothing moves before run(). */
  dial(port = 80, from = AGENT, options: Partial<ConnectionOptions> = {}): AgentTcp {
    const flow = { source: ip(from), sourcePort: this.nextPort++, destination: this.virtual, destinationPort: port };
    const agent = new AgentTcp(flow, this.now, options);
    this.agents.push(agent);
    return agent;
  }

  /** Dials, and the backend answers at once. */
  connected(port = 80, from = AGENT, options: Partial<ConnectionOptions> = {}): [AgentTcp, FakeBackend] {
    const agent = this.dial(port, from, options);
    this.run();
    const backend = this.backends.at(-1)!;
    this.opened(backend);
    this.run();
    return [agent, backend];
  }

  /** So many at once, quicker than one by one. */
  connectMany(count: number, port = 80): void {
    for (let i = 0; i < count; i++) this.dial(port);
    const from = this.backends.length;
    this.run();
    for (const backend of this.backends.slice(from)) this.opened(backend);
    this.run();
  }

  opened(backend: FakeBackend): void {
    this.handle({ type: "stream-opened", stream: backend.stream });
  }

  failed(backend: FakeBackend, reason: StreamFailure): void {
    this.handle({ type: "stream-failed", stream: backend.stream, reason });
  }

  /** The backend sends bytes: false while it is held back. */
  send(backend: FakeBackend, bytes: Uint8Array | string): boolean {
    if (backend.paused) return false;
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
    this.handle({ type: "stream-data", stream: backend.stream, bytes: data });
    return true;
  }

  end(backend: FakeBackend): void {
    this.handle({ type: "stream-ended", stream: backend.stream });
  }

  breaks(backend: FakeBackend): void {
    this.handle({ type: "stream-broken", stream: backend.stream });
  }

  makeRoom(backend: FakeBackend, bytes: number): void {
    const wasFull = backend.room === 0;
    backend.room += bytes;
    if (wasFull) this.handle({ type: "stream-writable", stream: backend.stream });
  }

  /** One inner packet of an agent, and what the connector sent because of it. */
  inject(packet: Uint8Array): Uint8Array[] {
    this.handle({ type: "datagram", peer: this.world.peers.get(this.service)!, bytes: packet.slice() });
    this.turn();
    return this.world.sent.splice(0).map(({ bytes }) => bytes);
  }

  /** Carries packets to and fro until nobody has anything to say at this instant. */
  run(): void {
    for (let round = 0; round < 10_000; round++) {
      let busy = false;
      for (const agent of this.agents) {
        for (const packet of agent.packets(this.now)) {
          busy = true;
          if (!this.carrying) continue;
          this.handle({ type: "datagram", peer: this.world.peers.get(this.service)!, bytes: packet });
        }
      }
      this.turn();
      for (const { bytes } of this.world.sent.splice(0)) {
        busy = true;
        if (!this.carrying || this.loses(bytes)) continue;
        this.owner(bytes)?.receive(bytes, this.now);
      }
      if (!busy) return;
    }
    throw new Error("connector and agents never come to rest");
  }

  /** Lets time pass; whoever has a deadline is woken at it. */
  advance(ms: Millis): void {
    const end = this.now + ms;
    this.run();
    for (let due = this.due(); due <= end; due = this.due()) {
      this.world.now = Math.max(this.now, due);
      for (const agent of this.agents) {
        if ((agent.connection.deadline() ?? end + 1) <= this.now) agent.timeout(this.now);
      }
      this.handle(TIMEOUT);
      for (const peer of this.world.peers.values()) this.handle({ type: "heard", peer });
      this.run();
    }
    this.world.now = end;
  }

  /** Packets mostly come in the order of the agents. */
  private owner(packet: Uint8Array): AgentTcp | undefined {
    const { agents } = this;
    for (let tried = 0; tried < agents.length; tried++) {
      this.turnOf = (this.turnOf + 1) % agents.length;
      if (agents[this.turnOf]?.owns(packet)) return agents[this.turnOf];
    }
    return undefined;
  }

  private due(): Millis {
    const agents = this.agents.map((agent) => agent.connection.deadline() ?? Number.POSITIVE_INFINITY);
    return Math.min(this.world.connector.deadline() ?? Number.POSITIVE_INFINITY, ...agents);
  }

  /** As a driver does at the end of a wake-up. */
  private turn(): void {
    for (let due = this.world.connector.deadline(); due !== undefined && due <= this.now; ) {
      this.handle(TIMEOUT);
      due = this.world.connector.deadline();
    }
  }

  private handle(input: Parameters<ConnectorWorld["handle"]>[0]): void {
    this.world.handle(input);
    this.carryOut();
  }

  private carryOut(): void {
    for (let command = this.world.streams.shift(); command !== undefined; command = this.world.streams.shift()) {
      if (command.type === "stream-open") {
        this.backends.push(new FakeBackend(command.stream, `${command.host}:${command.port}`));
        continue;
      }
      const { stream } = command;
      const backend = this.backends.find((one) => one.stream === stream)!;
      if (backend.closed !== undefined) throw new Error(`${command.type} after the stream was closed`);
      if (command.type === "stream-write") {
        if (backend.ended) throw new Error("a write after the end");
        const count = Math.min(backend.room, command.bytes.length);
        for (const byte of command.bytes.subarray(0, count)) backend.written.push(byte);
        backend.room -= count;
        this.world.handle({ type: "stream-taken", stream, count });
      } else if (command.type === "stream-end") backend.ended = true;
      else if (command.type === "stream-close") backend.closed = command.reset ? "reset" : "gracefully";
      else backend.paused = command.type === "stream-pause";
    }
  }
}

/** A segment of an agent that is no connection of ours, to port 80 of WEB. */
export function segment(flags: number, parts: Partial<Parameters<typeof encodeTcp>[0]> = {}): Uint8Array {
  const ports = { sourcePort: 50_000, destinationPort: 80 };
  const numbers = { sequence: 1000, acknowledgement: 0, window: 65_535 };
  return encodeTcp({ source: ip(AGENT), destination: ip("10.100.0.2"), ...ports, ...numbers, flags, ...parts });
}
