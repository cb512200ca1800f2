// An agent alone: a test plays its relay, its TUN device and time by hand. Outputs are copied when they leave.
import { Agent, type AgentInput, type AgentOptions, type AgentOutput } from "../../src/agent/agent.ts";
import { type AgentService, MAX_HEAD } from "../../src/agent/routes.ts";
import { type Millis, TIMEOUT } from "../../src/core/machine.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import type { Notice, PeerId } from "../../src/tunnel/peer.ts";
import { encodeAck, encodeNack, parseTunnelDatagram } from "../../src/wire/tunnel.ts";
import { VNET_HEADER_LENGTH, type VnetHeader, writeVnetHeader } from "../../src/wire/virtio-net.ts";
import { ip } from "./connector-world.ts";
import { Random } from "./random.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";

export class AgentWorld {
  readonly agent: Agent;
  now: Millis = 1000;
  /** Datagrams that the relay connection takes. */
  room = 1000;
  readonly notices: Notice[] = [];
  /** Datagrams to the relay, registrations aside. */
  readonly sent: Uint8Array[] = [];
  readonly registrations: string[] = [];
  /** Packets for the TUN device. */
  readonly written: Uint8Array[] = [];
  readonly mtus: number[] = [];
  readonly others: AgentOutput[] = [];
  peer: PeerId = 100;
  private readonly dials: number[] = [];

  constructor(services: readonly AgentService[] = SERVICES, options: Partial<AgentOptions> = {}) {
    const random = new Random(1);
    this.agent = new Agent({
      services,
      random: () => random.next(),
      room: () => this.room,
      tunAddress: TUN_ADDRESS,
      ...options,
    });
  }

  handle(input: AgentInput | typeof TIMEOUT): void {
    this.agent.handle(input, this.now);
    this.drain();
  }

  drain(): void {
    for (let output = this.agent.poll(); output !== undefined; output = this.agent.poll()) this.note(output);
  }

  /** Connects; the relay acknowledges every service but those that it is told to refuse. */
  connect(maxDatagram = 1306, refused: Readonly<Record<string, number>> = {}): this {
    this.handle(TIMEOUT);
    this.peer += 1;
    for (const dial of this.dials.splice(0)) this.handle({ type: "dialing", dial, peer: this.peer });
    const { peer } = this;
    this.handle({ type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram });
    for (const service of this.registrations.splice(0)) {
      const status = refused[service];
      this.fromRelay(status === undefined ? encodeAck(service) : encodeNack(status, service));
    }
    return this;
  }

  disconnect(): void {
    const { peer } = this;
    this.handle({ type: "disconnected", peer, by: "reset", layer: "transport", code: 0, reason: "" });
  }

  /** One datagram of the relay; what the device got because of it. */
  fromRelay(bytes: Uint8Array): Uint8Array[] {
    this.written.length = 0;
    this.handle({ type: "datagram", peer: this.peer, bytes: bytes.slice() });
    return [...this.written];
  }

  /** One read of the device; what went to the relay because of it. */
  fromTun(packet: Uint8Array, header: Partial<VnetHeader> = {}): Uint8Array[] {
    this.sent.length = 0;
    this.handle(tunRead(packet, header));
    return [...this.sent];
  }

  get dropped(): Record<string, number> {
    const { tun, local, relay } = this.agent.stats.hops;
    return { ...tun.dropped, ...local.dropped, ...relay.dropped };
  }

  private note(output: AgentOutput): void {
    if (output.type === "notice") this.notices.push(output);
    else if (output.type === "dial") this.dials.push(output.dial);
    else if (output.type === "tun-write") this.written.push(output.bytes.slice());
    else if (output.type === "tun-mtu") this.mtus.push(output.mtu);
    else if (output.type === "send") this.noteSent(output.bytes.slice());
    else this.others.push(output);
  }

  private noteSent(bytes: Uint8Array): void {
    const message = parseTunnelDatagram(bytes);
    if (message.type === "registration") this.registrations.push(message.service);
    else this.sent.push(bytes);
  }
}

/** A packet as the device gives it: behind room for a head, with a virtio header. */
export function tunRead(packet: Uint8Array, header: Partial<VnetHeader> = {}) {
  const bytes = new Uint8Array(MAX_HEAD + VNET_HEADER_LENGTH + packet.length);
  const none = { flags: 0, gsoType: 0, headerLength: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 };
  writeVnetHeader(bytes, MAX_HEAD, { ...none, ...header });
  bytes.set(packet, MAX_HEAD + VNET_HEADER_LENGTH);
  return { type: "tun-read", bytes, at: MAX_HEAD, end: bytes.length } as const;
}

export const TUN_ADDRESS = ip("100.64.0.1");
export const SERVICES: readonly AgentService[] = [
  { id: "web", virtualIp: ip("10.100.0.2") },
  { id: "echo-service", virtualIp: ip("10.100.0.1") },
];
