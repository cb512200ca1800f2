// A connector alone: a test plays its relay and its backends by hand in virtual time. Outputs are copied when they leave.

import type { UdpCommand } from "../../src/connector/backend.ts";
import {
  Connector,
  type ConnectorInput,
  type ConnectorOptions,
  type ConnectorOutput,
} from "../../src/connector/connector.ts";
import type { ServiceEntry } from "../../src/connector/services.ts";
import { type Millis, TIMEOUT } from "../../src/core/machine.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import type { Notice, PeerId } from "../../src/tunnel/peer.ts";
import type { StreamCommand } from "../../src/tunnel/stream.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import { encodeAck, parseTunnelDatagram } from "../../src/wire/tunnel.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { Random } from "./random.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";
import { testHash } from "./test-hash.ts";

export class ConnectorWorld {
  readonly connector: Connector;
  now: Millis = 1000;
  readonly notices: Notice[] = [];
  /** What the connector sent to the relay on each connection, registrations aside. */
  readonly sent: { readonly peer: PeerId; readonly bytes: Uint8Array }[] = [];
  readonly commands: UdpCommand[] = [];
  readonly streams: StreamCommand[] = [];
  readonly others: ConnectorOutput[] = [];
  /** The connection of each service. */
  readonly peers = new Map<string, PeerId>();
  private readonly dials: number[] = [];
  private lastPeer = 100;

  constructor(services: readonly ServiceEntry[], options: Partial<ConnectorOptions> = {}) {
    const random = new Random(1);
    this.connector = new Connector({ services, random: () => random.next(), hash: testHash, ...options });
  }

  handle(input: ConnectorInput | typeof TIMEOUT): void {
    this.connector.handle(input, this.now);
    this.drain();
  }

  drain(): void {
    for (let output = this.connector.poll(); output !== undefined; output = this.connector.poll()) this.note(output);
  }

  /** Connects and registers every service; `answered`: whether the relay acknowledges. */
  connect(maxDatagram = 1306, answered = true): this {
    this.handle(TIMEOUT);
    for (const dial of this.dials.splice(0)) {
      const peer = ++this.lastPeer;
      this.handle({ type: "dialing", dial, peer });
      this.handle({ type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram });
    }
    if (!answered) return this;
    for (const [service, peer] of this.peers) this.handle({ type: "datagram", peer, bytes: encodeAck(service) });
    return this;
  }

  disconnect(service: string): void {
    const peer = this.peers.get(service)!;
    this.handle({ type: "disconnected", peer, by: "reset", layer: "transport", code: 0, reason: "" });
  }

  /** One datagram on the service's connection; what the connector wanted of backends because of it. */
  fromRelay(service: string, bytes: Uint8Array): UdpCommand[] {
    this.commands.length = 0;
    this.handle({ type: "datagram", peer: this.peers.get(service)!, bytes: bytes.slice() });
    return [...this.commands];
  }

  /** What the connector sent to the relay because of it. */
  fromBackend(backend: number, bytes: Uint8Array): Uint8Array[] {
    this.sent.length = 0;
    this.handle({ type: "udp-data", backend, bytes });
    return this.sent.map((each) => each.bytes);
  }

  /** Lets time pass; timeouts come when they are due, and the relay answers every ping. */
  advance(ms: Millis): void {
    const end = this.now + ms;
    for (let due = this.connector.deadline(); due !== undefined && due <= end; due = this.connector.deadline()) {
      this.now = Math.max(this.now, due);
      this.handle(TIMEOUT);
      for (const peer of this.peers.values()) this.handle({ type: "heard", peer });
    }
    this.now = end;
  }

  get dropped(): Record<string, number> {
    const { agent, backend } = this.connector.stats.hops;
    return { ...agent.dropped, ...backend.dropped };
  }

  private note(output: ConnectorOutput): void {
    if (output.type === "notice") this.notices.push(output);
    else if (output.type === "dial") this.dials.push(output.dial);
    else if (output.type === "udp-open" || output.type === "udp-close") this.commands.push(output);
    else if (output.type === "udp-send") this.commands.push({ ...output, bytes: output.bytes.slice() });
    else if (isStreamCommand(output)) this.noteStream(output);
    else if (output.type === "send") this.noteSent(output.peer, output.bytes.slice());
    else this.others.push(output);
  }

  private noteStream(command: StreamCommand): void {
    this.streams.push(command.type === "stream-write" ? { ...command, bytes: command.bytes.slice() } : command);
  }

  private noteSent(peer: PeerId, bytes: Uint8Array): void {
    const message = parseTunnelDatagram(bytes);
    if (message.type === "registration") this.peers.set(message.service, peer);
    else this.sent.push({ peer, bytes });
  }
}

function isStreamCommand(output: ConnectorOutput): output is StreamCommand {
  return output.type.startsWith("stream-");
}

export function ip(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

/** An inner UDP packet, "address:port" to "address:port". */
export function udp(from: string, to: string, payload: string | Uint8Array = "hello"): Uint8Array {
  const [source = "", sourcePort] = from.split(":");
  const [destination = "", destinationPort] = to.split(":");
  return encodeUdp({
    source: ip(source),
    sourcePort: Number(sourcePort),
    destination: ip(destination),
    destinationPort: Number(destinationPort),
    payload: typeof payload === "string" ? bytesOf(payload) : payload,
  });
}

export const ECHO: ServiceEntry = {
  id: "echo-service",
  virtualIp: ip("10.100.0.1"),
  backend: { host: "127.0.0.1", port: 9999 },
};

export const WEB: ServiceEntry = {
  id: "web",
  virtualIp: ip("10.100.0.2"),
  backend: { host: "web.internal", port: 8080 },
  protocol: "tcp",
  ports: [{ first: 80, last: 80 }],
};

export const AGENT = "100.64.0.1";

/** The one new flow that a packet opened. */
export function openFlow(world: ConnectorWorld, service: string, packet: Uint8Array): number {
  const [open, ...rest] = world.fromRelay(service, packet);
  if (open?.type !== "udp-open" || rest.length !== 1) throw new Error("no flow was opened, or more than that was done");
  return open.backend;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
