// A relay alone, with peers that a test moves by hand in virtual time. What the relay sends is copied when it is sent.
import { type Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Grant } from "../../src/identity/grant.ts";
import { ANONYMOUS, type Anonymous, type Identity } from "../../src/identity/identity.ts";
import { DEFAULT_RELAY_LIMITS, type RelayLimits, type TakeoverPolicy } from "../../src/relay/options.ts";
import type { RelayOutput } from "../../src/relay/outputs.ts";
import { Relay } from "../../src/relay/relay.ts";
import { Session } from "../../src/relay/session.ts";
import type { Notice, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { parseIpv4, type SocketAddress } from "../../src/wire/address.ts";
import { encodeRegistration, encodeRouted } from "../../src/wire/tunnel.ts";
import { encodeUdp } from "../../src/wire/udp.ts";

export interface RelayWorldOptions {
  readonly takeover?: TakeoverPolicy;
  readonly allowLegacyCerts?: boolean;
  readonly limits?: Partial<RelayLimits>;
}

export interface PeerOptions {
  readonly identity?: Identity | Anonymous;
  readonly host?: string;
  readonly port?: number;
  readonly maxDatagram?: number;
}

export interface Sent {
  readonly to: PeerId;
  readonly bytes: Uint8Array;
}

export class RelayWorld {
  readonly relay: Relay;
  now: Millis = 10_000;
  /** Peers that do not answer pings. */
  readonly dead = new Set<PeerId>();
  /** Peers whose connection takes no datagram now. */
  readonly full = new Set<PeerId>();
  readonly notices: Notice[] = [];
  readonly pings: { readonly at: Millis; readonly peer: PeerId }[] = [];
  /** Told of each answer to a ping, before the relay is. */
  onHeard: (peer: PeerId) => void = () => {};
  private peers = 0;
  private readonly answers: { readonly at: Millis; readonly peer: PeerId }[] = [];

  constructor(options: RelayWorldOptions = {}) {
    const { takeover = "pool", allowLegacyCerts = false } = options;
    const limits = { ...DEFAULT_RELAY_LIMITS, ...options.limits };
    const room = (peer: PeerId) => (this.full.has(peer) ? 0 : 100);
    this.relay = new Relay({ takeover, policy: { allowLegacyCerts }, limits }, room);
  }

  /** One event; what the relay sent because of it. */
  handle(event: PeerEvent | typeof TIMEOUT): Sent[] {
    this.relay.handle(event, this.now);
    const sent: Sent[] = [];
    for (let output = this.relay.poll(); output !== undefined; output = this.relay.poll()) {
      this.note(output, sent);
    }
    return sent;
  }

  connect(options: PeerOptions = {}): PeerId {
    this.peers += 1;
    this.handle(this.connectedEvent(this.peers, options));
    return this.peers;
  }

  connectedEvent(peer: PeerId, options: PeerOptions = {}): PeerEvent {
    const { host = "198.51.100.1", port = 40_000, maxDatagram = 1306 } = options;
    const identity = options.identity ?? certificate(`peer-${peer}`);
    return { type: "connected", peer, identity, address: socketAddress(host, port), maxDatagram };
  }

  disconnect(peer: PeerId): Sent[] {
    const close = { by: "timeout", layer: "transport", code: 0, reason: "" } as const;
    return this.handle({ type: "disconnected", peer, ...close });
  }

  datagram(peer: PeerId, bytes: Uint8Array): Sent[] {
    return this.handle({ type: "datagram", peer, bytes: bytes.slice() });
  }

  register(peer: PeerId, role: "agent" | "connector", service: string): Sent[] {
    return this.datagram(peer, encodeRegistration(role, service));
  }

  routed(peer: PeerId, service: string, inner: Uint8Array): Sent[] {
    return this.datagram(peer, encodeRouted(service, inner));
  }

  agent(service: string, options: PeerOptions = {}): PeerId {
    const peer = this.connect(options);
    this.register(peer, "agent", service);
    return peer;
  }

  connector(service: string, options: PeerOptions = {}): PeerId {
    const peer = this.connect(options);
    this.register(peer, "connector", service);
    return peer;
  }

  /** Lets time pass; living peers answer pings after 10 ms. */
  advance(ms: Millis): Sent[] {
    const end = this.now + ms;
    const sent: Sent[] = [];
    for (;;) {
      const deadline = this.relay.deadline() ?? Number.POSITIVE_INFINITY;
      const answer = this.answers[0]?.at ?? Number.POSITIVE_INFINITY;
      const next = Math.min(deadline, answer);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const answering = answer <= deadline ? this.answers.shift() : undefined;
      if (answering !== undefined) this.onHeard(answering.peer);
      sent.push(...this.handle(answering === undefined ? TIMEOUT : { type: "heard", peer: answering.peer }));
    }
    this.now = end;
    return sent;
  }

  noticesOf(event: string): Notice[] {
    return this.notices.filter((notice) => notice.event === event);
  }

  /** `received = relayed + Σ dropped` for every hop, and all datagrams are accounted for. */
  get accounts(): { readonly received: number; readonly accountedFor: number } {
    const { stats } = this.relay;
    let accountedFor = stats.registrationRequests;
    for (const hop of Object.values(stats.hops)) {
      const dropped = Object.values(hop.dropped).reduce((sum, count) => sum + count, 0);
      if (hop.received !== hop.relayed + dropped) throw new Error(`${hop.received} ≠ ${hop.relayed} + ${dropped}`);
      accountedFor += hop.received;
    }
    return { received: stats.datagramsReceived, accountedFor };
  }

  private note(output: RelayOutput, sent: Sent[]): void {
    if (output.type === "send") sent.push({ to: output.peer, bytes: output.bytes.slice() });
    else if (output.type === "notice") this.notices.push(output);
    else if (output.type === "ping") {
      this.pings.push({ at: this.now, peer: output.peer });
      if (!this.dead.has(output.peer)) this.answers.push({ at: this.now + ANSWER_MS, peer: output.peer });
    } else throw new Error("the relay closes no connection");
  }
}

export function certificate(name: string, grants: readonly Grant[] = EVERYTHING): Identity {
  return { kind: "certificate", id: `key of ${name}`, name, grants, serial: "01", notAfter: 0 };
}

/** A session as the relay makes it. */
export function session(peer: PeerId, options: PeerOptions = {}, now: Millis = 0): Session {
  const { identity = certificate(`peer-${peer}`), host = "203.0.113.1", port = 1, maxDatagram = 1306 } = options;
  const connection = { peer, identity, address: socketAddress(host, port), maxDatagram };
  return new Session(connection, DEFAULT_RELAY_LIMITS, now);
}

export function anonymous(host: string): PeerOptions {
  return { identity: ANONYMOUS, host };
}

export function socketAddress(host: string, port: number): SocketAddress {
  const ipv4 = parseIpv4(host);
  const local = { socket: 0, host: "192.0.2.10", port: 4433 };
  return { host, port, family: ipv4 === undefined ? 6 : 4, ipv4, local };
}

export function ip(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** From an agent's usual address to a service's usual one. */
export function request(text = "hello", parts: Partial<Parameters<typeof encodeUdp>[0]> = {}): Uint8Array {
  return encodeUdp({ ...AGENT_END, payload: new TextEncoder().encode(text), ...parts });
}

/** What a connector answers to a packet that it received. */
export function reply(received: Uint8Array, text = "world"): Uint8Array {
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength);
  const ends = { source: view.getUint32(16), destination: view.getUint32(12) };
  const ports = { sourcePort: view.getUint16(22), destinationPort: view.getUint16(20) };
  return encodeUdp({ ...ends, ...ports, payload: new TextEncoder().encode(text) });
}

const EVERYTHING: readonly Grant[] = [
  { role: "agent", service: "*" },
  { role: "connector", service: "*" },
];

export const AGENT_END = {
  source: ip("100.64.0.1"),
  sourcePort: 40_000,
  destination: ip("10.100.0.1"),
  destinationPort: 9999,
};

const ANSWER_MS = 10;
