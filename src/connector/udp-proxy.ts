// UDP of agents, each flow through a backend socket of its own, so that a reply names its flow by where it arrives.
import type { Millis } from "../core/machine.ts";
import type { Outbox } from "../core/outbox.ts";
import { RateLimiter } from "../core/rate-limiter.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Destination, ipv4Source } from "../wire/ipv4.ts";
import { checkUdp, encodeUdp, udpDestinationPort, udpPayloadEnd, udpPayloadStart, udpSourcePort } from "../wire/udp.ts";
import type { BackendId, UdpCommand } from "./backend.ts";
import { type Flow, type FlowLimits, Flows } from "./flows.ts";
import type { Services } from "./services.ts";
import type { ConnectorStats, RequestDrop } from "./stats.ts";

export interface UdpLimits extends FlowLimits {
  /** Of one agent address. */
  readonly newFlowsPerSecond: number;
  readonly newFlowsBurst: number;
}

export const DEFAULT_UDP_LIMITS: UdpLimits = {
  flows: 4096,
  flowsPerAgent: 256,
  idleMs: 60_000,
  newFlowsPerSecond: 100,
  newFlowsBurst: 256,
};

export class UdpProxy {
  private readonly services: Services;
  private readonly stats: ConnectorStats;
  private readonly out: Pick<Outbox<UdpCommand>, "push">;
  private readonly flows: Flows;
  private readonly newFlows: RateLimiter<Ipv4>;
  private backends = 0;

  constructor(services: Services, limits: UdpLimits, stats: ConnectorStats, out: Pick<Outbox<UdpCommand>, "push">) {
    this.services = services;
    this.stats = stats;
    this.out = out;
    this.flows = new Flows(limits);
    const { newFlowsPerSecond: perSecond, newFlowsBurst: burst } = limits;
    this.newFlows = new RateLimiter({ perSecond, burst, maxKeys: MAX_LIMITED_AGENTS });
  }

  get flowCount(): number {
    return this.flows.size;
  }

  /** `packet` is a checked IPv4 packet with protocol UDP. Undefined: it is on its way. */
  forward(service: string, packet: Uint8Array, now: Millis): RequestDrop | undefined {
    const fault = checkUdp(packet);
    if (fault !== undefined) return `udp-${fault}`;
    const agent = ipv4Source(packet);
    const agentPort = udpSourcePort(packet);
    const virtual = ipv4Destination(packet);
    const virtualPort = udpDestinationPort(packet);
    let flow = this.flows.find(service, agent, agentPort, virtual, virtualPort);
    if (flow === undefined) {
      const opened = this.open({ service, agent, agentPort, virtual, virtualPort }, now);
      if (typeof opened === "string") return opened;
      flow = opened;
    } else {
      this.flows.use(flow, now);
    }
    const bytes = packet.subarray(udpPayloadStart(packet), udpPayloadEnd(packet));
    this.out.push({ type: "udp-send", backend: flow.backend, bytes });
    this.stats.hops.agent.forwarded++;
    this.stats.hops.agent.forwardedBytes += bytes.length;
    return undefined;
  }

  flowOf(backend: BackendId): Flow | undefined {
    return this.flows.of(backend);
  }

  /** The shell has closed its socket: the next packet opens a new one. Returns the flow that it was. */
  failed(backend: BackendId): Flow | undefined {
    const flow = this.flows.of(backend);
    if (flow !== undefined) this.flows.remove(flow);
    return flow;
  }

  timeout(now: Millis): void {
    for (let idle = this.flows.takeExpired(now); idle !== undefined; idle = this.flows.takeExpired(now)) {
      this.close(idle);
    }
  }

  deadline(): Millis | undefined {
    return this.flows.deadline();
  }

  closeAll(): void {
    this.timeout(Number.POSITIVE_INFINITY);
  }

  private open(parts: Omit<Flow, "backend">, now: Millis): Flow | RequestDrop {
    const target = this.services.backendFor(parts.service, parts.virtual, "udp", parts.virtualPort);
    if (typeof target === "string") return target;
    if (!this.newFlows.allow(parts.agent, now)) return "flow-rate";
    let excess = this.flows.excessFor(parts.agent);
    for (; excess !== undefined; excess = this.flows.excessFor(parts.agent)) {
      this.flows.remove(excess);
      this.close(excess);
      this.stats.flowsEvicted++;
    }
    const flow = { ...parts, backend: ++this.backends };
    this.flows.add(flow, now);
    this.stats.flowsOpened++;
    this.out.push({ type: "udp-open", backend: flow.backend, host: target.host, port: target.port });
    return flow;
  }

  private close(flow: Flow): void {
    this.out.push({ type: "udp-close", backend: flow.backend });
  }
}

/** The inner packet that carries a backend's answer to the agent. */
export function encodeReply(flow: Flow, payload: Uint8Array): Uint8Array {
  return encodeUdp({
    source: flow.virtual,
    sourcePort: flow.virtualPort,
    destination: flow.agent,
    destinationPort: flow.agentPort,
    payload,
  });
}

const MAX_LIMITED_AGENTS = 16_384;
