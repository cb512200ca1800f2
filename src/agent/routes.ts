// Which service an inner destination belongs to, and what the agent has to know about it for every packet.
import type { Registration } from "../tunnel/registrations.ts";
import { formatIpv4, type Ipv4 } from "../wire/address.ts";
import { encodeServiceId, ROUTED_PACKET } from "../wire/tunnel.ts";

/** A service as the user names it. */
export interface AgentService {
  /** At most 255 bytes of UTF-8. */
  readonly id: string;
  readonly virtualIp: Ipv4;
}

export interface Route extends AgentService {
  /** What goes before every inner packet: type, length and id. */
  readonly head: Uint8Array;
  /** What the relay says about the service; kept up to date by the uplink. */
  readonly registration: Registration;
}

export class Routes {
  private readonly byAddress = new Map<Ipv4, Route>();
  private readonly byService = new Map<string, Route>();
  /** The longest head: what it leaves of a datagram fits every service. */
  readonly longestHead: number;

  /** Services that agentServicesFault() finds no fault with. */
  constructor(services: readonly AgentService[], registrationOf: (service: string) => Registration | undefined) {
    for (const { id, virtualIp } of services) {
      const registration = registrationOf(id);
      const head = routedHead(id);
      if (registration === undefined || head === undefined) throw new Error(`service "${id}" cannot be registered`);
      const route = { id, virtualIp, head, registration };
      this.byAddress.set(virtualIp, route);
      this.byService.set(id, route);
    }
    this.longestHead = Math.max(0, ...[...this.byService.values()].map(({ head }) => head.length));
  }

  at(address: Ipv4): Route | undefined {
    return this.byAddress.get(address);
  }

  of(service: string): Route | undefined {
    return this.byService.get(service);
  }

  all(): Iterable<Route> {
    return this.byService.values();
  }
}

/** One sentence about the first service that cannot be used; undefined when all can. */
export function agentServicesFault(services: readonly AgentService[]): string | undefined {
  const byAddress = new Map<Ipv4, string>();
  const ids = new Set<string>();
  for (const { id, virtualIp } of services) {
    const address = formatIpv4(virtualIp);
    if (id === "" || encodeServiceId(id) === undefined) return `Service "${id}" needs an id of 1 to 255 bytes.`;
    if (ids.has(id)) return `Service "${id}" is named twice: give it one virtual address.`;
    if (!isOneHost(virtualIp)) return `Service "${id}" has the virtual address ${address}, which no host can have.`;
    const other = byAddress.get(virtualIp);
    if (other !== undefined) return `Services "${other}" and "${id}" have the same virtual address ${address}.`;
    byAddress.set(virtualIp, id);
    ids.add(id);
  }
  return services.length > MAX_SERVICES ? `More than ${MAX_SERVICES} services are too many for one agent.` : undefined;
}

/** Not this network, loopback, multicast, reserved or broadcast. */
function isOneHost(address: Ipv4): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

function routedHead(id: string): Uint8Array | undefined {
  const bytes = encodeServiceId(id);
  return bytes && Uint8Array.of(ROUTED_PACKET, bytes.length, ...bytes);
}

export const MAX_SERVICES = 256;
/** Of the head of a routed datagram. */
export const MAX_HEAD = 2 + 255;
