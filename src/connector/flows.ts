// The UDP flows of a connector: bounded in all and for each agent, idle ones lapse, the least recently used of the agent
// that has most make room: one that opens flow after flow from several addresses pushes out its own.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import type { BackendId } from "./backend.ts";

/** Replies mirror it: they come from the virtual address and port that the agent used. */
export interface Flow {
  readonly backend: BackendId;
  readonly service: string;
  readonly agent: Ipv4;
  readonly agentPort: number;
  readonly virtual: Ipv4;
  readonly virtualPort: number;
}

export interface FlowLimits {
  readonly flows: number;
  readonly flowsPerAgent: number;
  /** Without a packet from the agent. What the backend sends keeps no flow: it may be streaming to nobody. */
  readonly idleMs: Millis;
}

interface Agent {
  readonly byUse: ExpiringMap<BackendId, Flow>;
  /** By the agent's port. At most `flowsPerAgent` in all, so that searching one list is bounded. */
  readonly byPort: Map<number, Flow[]>;
}

export class Flows {
  private readonly limits: FlowLimits;
  private readonly byUse: ExpiringMap<BackendId, Flow>;
  private readonly agents = new Map<Ipv4, Agent>();

  constructor(limits: FlowLimits) {
    this.limits = limits;
    this.byUse = new ExpiringMap({ limit: limits.flows, idleMs: limits.idleMs });
  }

  get size(): number {
    return this.byUse.size;
  }

  get agentCount(): number {
    return this.agents.size;
  }

  /** Does not count as use. */
  of(backend: BackendId): Flow | undefined {
    return this.byUse.peek(backend);
  }

  find(service: string, agent: Ipv4, agentPort: number, virtual: Ipv4, virtualPort: number): Flow | undefined {
    for (const flow of this.agents.get(agent)?.byPort.get(agentPort) ?? NO_FLOWS) {
      if (flow.virtualPort === virtualPort && flow.virtual === virtual && flow.service === service) return flow;
    }
    return undefined;
  }

  use(flow: Flow, now: Millis): void {
    this.byUse.get(flow.backend, now);
    this.agents.get(flow.agent)?.byUse.get(flow.backend, now);
  }

  /** A flow that has to go before one of this agent can be added; undefined when there is room. */
  excessFor(agent: Ipv4): Flow | undefined {
    const own = this.agents.get(agent)?.byUse;
    if (own !== undefined && own.size >= this.limits.flowsPerAgent) return own.oldest()?.[1];
    return this.byUse.size >= this.limits.flows ? this.largest()?.byUse.oldest()?.[1] : undefined;
  }

  /** There is room: see excessFor(). */
  add(flow: Flow, now: Millis): void {
    const agent = this.agents.get(flow.agent) ?? this.newAgent(flow.agent);
    this.byUse.set(flow.backend, flow, now);
    agent.byUse.set(flow.backend, flow, now);
    const samePort = agent.byPort.get(flow.agentPort);
    if (samePort === undefined) agent.byPort.set(flow.agentPort, [flow]);
    else samePort.push(flow);
  }

  remove(flow: Flow): void {
    this.byUse.delete(flow.backend);
    this.forget(flow);
  }

  /** Removes and returns one idle flow. Call until undefined. */
  takeExpired(now: Millis): Flow | undefined {
    const flow = this.byUse.takeExpired(now)?.[1];
    if (flow !== undefined) this.forget(flow);
    return flow;
  }

  deadline(): Millis | undefined {
    return this.byUse.next();
  }

  /** Who has most flows; among equals who used one of them least recently. Walks all agents, each with a flow at least. */
  private largest(): Agent | undefined {
    let found: Agent | undefined;
    for (const agent of this.agents.values()) if (found === undefined || hasMore(agent, found)) found = agent;
    return found;
  }

  private newAgent(address: Ipv4): Agent {
    const { flowsPerAgent, idleMs } = this.limits;
    const agent = { byUse: new ExpiringMap<BackendId, Flow>({ limit: flowsPerAgent, idleMs }), byPort: new Map() };
    this.agents.set(address, agent);
    return agent;
  }

  private forget(flow: Flow): void {
    const agent = this.agents.get(flow.agent);
    const samePort = agent?.byPort.get(flow.agentPort);
    if (agent === undefined || samePort === undefined) return;
    agent.byUse.delete(flow.backend);
    const index = samePort.indexOf(flow);
    if (index >= 0) samePort.splice(index, 1);
    if (samePort.length === 0) agent.byPort.delete(flow.agentPort);
    if (agent.byUse.size === 0) this.agents.delete(flow.agent);
  }
}

function hasMore({ byUse }: Agent, than: Agent): boolean {
  if (byUse.size !== than.byUse.size) return byUse.size > than.byUse.size;
  return (byUse.next() ?? 0) < (than.byUse.next() ?? 0);
}

const NO_FLOWS: readonly Flow[] = [];
