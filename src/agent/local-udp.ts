// UDP of local programs: each program and target has an inner source port of its own, so that a reply names its flow,
// and only the target itself can reply.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Source } from "../wire/ipv4.ts";
import {
  UDP_OVERHEAD,
  udpDestinationPort,
  udpPayloadEnd,
  udpPayloadStart,
  udpSourcePort,
  writeUdp,
} from "../wire/udp.ts";
import { choosePort } from "./inner-ports.ts";
import type { LocalClient, LocalCommand, LocalSocketId } from "./local.ts";
import type { LocalService } from "./local-services.ts";
import type { LocalDrop, LocalStats } from "./local-stats.ts";
import type { PacketQueue } from "./packet-queue.ts";
import { encodeSocksDatagram } from "./socks5-udp.ts";

export interface LocalUdpLimits {
  readonly flows: number;
  /** Without a datagram of the program. What the service sends keeps no flow: the program may be gone. */
  readonly idleMs: Millis;
}

/** A connector keeps no more for one agent. */
export const DEFAULT_LOCAL_UDP_LIMITS: LocalUdpLimits = { flows: 256, idleMs: 120_000 };

interface Flow {
  readonly socket: LocalSocketId;
  readonly client: LocalClient;
  readonly service: LocalService;
  readonly targetPort: number;
  /** Its inner source port. */
  readonly port: number;
  /** Whether the program expects SOCKS5's header. */
  readonly socks: boolean;
}

export interface LocalUdpParts {
  readonly address: Ipv4;
  readonly random: () => number;
  readonly limits: LocalUdpLimits;
  readonly stats: LocalStats;
  readonly packets: PacketQueue;
  readonly out: Pick<Outbox<LocalCommand>, "push">;
}

export class LocalUdp {
  private readonly parts: LocalUdpParts;
  private readonly byPort: ExpiringMap<number, Flow>;
  /** Few each: one for every target that a program talks to. */
  private readonly byClient = new Map<LocalClient, Flow[]>();

  constructor(parts: LocalUdpParts) {
    this.parts = parts;
    this.byPort = new ExpiringMap({ limit: parts.limits.flows, idleMs: parts.limits.idleMs });
  }

  get flowCount(): number {
    return this.byPort.size;
  }

  /** A program's payload for a port of a service. Undefined: it is on its way. */
  forward(
    socket: LocalSocketId,
    client: LocalClient,
    service: LocalService,
    targetPort: number,
    socks: boolean,
    payload: Uint8Array,
    now: Millis,
  ): LocalDrop | undefined {
    if (service.state === "denied") return "service-denied";
    if (service.state === "unavailable") return "relay-unavailable";
    if (payload.length + UDP_OVERHEAD > service.maxPacket) return "too-large";
    const out = this.parts.packets.next();
    if (out === undefined) return "queue-full";
    let flow = this.find(socket, client, service, targetPort);
    if (flow === undefined) flow = this.open({ socket, client, service, targetPort, socks }, now);
    else this.byPort.get(flow.port, now);
    if (flow === undefined) return "ports-exhausted";
    const length = writeUdp(out, 0, this.parts.address, flow.port, service.virtualIp, targetPort, payload);
    this.parts.packets.commit(length, service.id);
    this.parts.stats.forwarded += 1;
    this.parts.stats.forwardedBytes += payload.length;
    return undefined;
  }

  /** A packet that checkIpv4 and checkUdp accepted. False: no flow of ours, or not from where its datagrams went. */
  receive(packet: Uint8Array): boolean {
    const flow = this.byPort.peek(udpDestinationPort(packet));
    if (flow === undefined || udpSourcePort(packet) !== flow.targetPort) return false;
    const { service, socket, client } = flow;
    if (ipv4Source(packet) !== service.virtualIp) return false;
    const payload = packet.subarray(udpPayloadStart(packet), udpPayloadEnd(packet));
    const bytes = flow.socks ? encodeSocksDatagram(service.virtualIp, flow.targetPort, payload) : payload;
    this.parts.out.push({ type: "local-datagram", socket, to: client, bytes });
    this.parts.stats.replies += 1;
    this.parts.stats.repliesBytes += payload.length;
    return true;
  }

  /** The socket is closed. */
  forget(socket: LocalSocketId): void {
    const own = [...this.byPort.values()].filter((flow) => flow.socket === socket);
    for (const flow of own) this.remove(flow);
  }

  deadline(): Millis | undefined {
    return this.byPort.next();
  }

  timeout(now: Millis): void {
    for (let idle = this.byPort.takeExpired(now); idle !== undefined; idle = this.byPort.takeExpired(now)) {
      this.unlink(idle[1]);
    }
  }

  private find(
    socket: LocalSocketId,
    client: LocalClient,
    service: LocalService,
    targetPort: number,
  ): Flow | undefined {
    for (const flow of this.byClient.get(client) ?? NO_FLOWS) {
      if (flow.targetPort === targetPort && flow.service === service && flow.socket === socket) return flow;
    }
    return undefined;
  }

  private open(parts: Omit<Flow, "port">, now: Millis): Flow | undefined {
    this.timeout(now);
    if (this.byPort.size >= this.parts.limits.flows) {
      const oldest = this.byPort.oldest();
      if (oldest !== undefined) this.remove(oldest[1]);
      this.parts.stats.flowsEvicted += 1;
    }
    const port = choosePort(this.parts.random, (candidate) => this.byPort.peek(candidate) !== undefined);
    if (port === undefined) return undefined;
    const flow = { ...parts, port };
    this.byPort.set(port, flow, now);
    const own = this.byClient.get(flow.client);
    if (own === undefined) this.byClient.set(flow.client, [flow]);
    else own.push(flow);
    this.parts.stats.flowsOpened += 1;
    return flow;
  }

  private remove(flow: Flow): void {
    this.byPort.delete(flow.port);
    this.unlink(flow);
  }

  private unlink(flow: Flow): void {
    const own = this.byClient.get(flow.client);
    if (own === undefined) return;
    const index = own.indexOf(flow);
    if (index >= 0) own.splice(index, 1);
    if (own.length === 0) this.byClient.delete(flow.client);
  }
}

const NO_FLOWS: readonly Flow[] = [];
