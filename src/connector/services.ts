// What a connector offers: virtual address, protocol and port of a service lead to a backend. Nothing else is reachable.
import type { Ipv4 } from "../wire/address.ts";
import { encodeServiceId } from "../wire/tunnel.ts";

export type Protocol = "tcp" | "udp" | "icmp";

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Several entries may have the same id, for different protocols and ports; the first that matches counts. */
export interface ServiceEntry {
  readonly id: string;
  /** Without one any inner destination is accepted for the service, as the reference does; replies mirror it. */
  readonly virtualIp?: Ipv4 | undefined;
  /** Without a port the destination's port is kept. */
  readonly backend: { readonly host: string; readonly port?: number | undefined };
  /** None means the three. */
  readonly protocol?: Protocol | undefined;
  /** None means all. */
  readonly ports?: readonly PortRange[] | undefined;
}

export interface BackendAddress {
  readonly host: string;
  readonly port: number;
}

/** Why a packet reaches no backend. */
export type ServiceFault = "foreign-address" | "foreign-protocol" | "foreign-port";

export class Services {
  /** Each once, in the order of the entries. */
  readonly ids: readonly string[];
  private readonly byId = new Map<string, ServiceEntry[]>();

  /** Entries that serviceFault() finds no fault with. */
  constructor(entries: readonly ServiceEntry[]) {
    for (const entry of entries) {
      const known = this.byId.get(entry.id);
      if (known === undefined) this.byId.set(entry.id, [entry]);
      else known.push(entry);
    }
    this.ids = [...this.byId.keys()];
  }

  /** `service` is the one that the packet came in for. */
  backendFor(service: string, address: Ipv4, protocol: "tcp" | "udp", port: number): BackendAddress | ServiceFault {
    let fault: ServiceFault = "foreign-address";
    for (const entry of this.byId.get(service) ?? []) {
      if (!servesAddress(entry, address)) continue;
      if (!servesProtocol(entry, protocol)) {
        if (fault === "foreign-address") fault = "foreign-protocol";
        continue;
      }
      const backendPort = entry.backend.port ?? port;
      if (backendPort !== 0 && servesPort(entry, port)) return { host: entry.backend.host, port: backendPort };
      fault = "foreign-port";
    }
    return fault;
  }

  /** Whether echo requests to that address are answered. */
  echoFault(service: string, address: Ipv4): ServiceFault | undefined {
    const own = (this.byId.get(service) ?? []).filter((entry) => servesAddress(entry, address));
    if (own.length === 0) return "foreign-address";
    return own.some((entry) => servesProtocol(entry, "icmp")) ? undefined : "foreign-protocol";
  }
}

/** One sentence for the operator about the first mistake in the entries. */
export function serviceFault(entries: readonly ServiceEntry[]): string | undefined {
  if (entries.length === 0) return "No service is configured: give --service and --forward, or services in the file.";
  const addresses = new Map<string, Ipv4 | undefined>();
  for (const { id, virtualIp, ports = [] } of entries) {
    if (encodeServiceId(id) === undefined) return `The service id ${quoted(id)} is longer than 255 bytes.`;
    if (addresses.has(id) && addresses.get(id) !== virtualIp) {
      return `The entries of service ${quoted(id)} have different virtual addresses: give them the same.`;
    }
    addresses.set(id, virtualIp);
    const wrong = ports.find(({ first, last }) => !isPort(first) || !isPort(last) || first > last);
    if (wrong !== undefined) return `Service ${quoted(id)} has an impossible port range, ${wrong.first}-${wrong.last}.`;
  }
  return undefined;
}

/** Numbers and ranges as the file has them: 5432, "8000-8999". Undefined for anything else. */
export function parsePorts(values: readonly (number | string)[]): PortRange[] | undefined {
  const ranges: PortRange[] = [];
  for (const value of values) {
    const match = PORT_RANGE.exec(String(value));
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (!isPort(first) || !isPort(last) || first > last) return undefined;
    ranges.push({ first, last });
  }
  return ranges;
}

function servesAddress(entry: ServiceEntry, address: Ipv4): boolean {
  return entry.virtualIp === undefined || entry.virtualIp === address;
}

function servesProtocol(entry: ServiceEntry, protocol: Protocol): boolean {
  return entry.protocol === undefined || entry.protocol === protocol;
}

function servesPort(entry: ServiceEntry, port: number): boolean {
  const { ports } = entry;
  if (ports === undefined || ports.length === 0) return true;
  return ports.some(({ first, last }) => port >= first && port <= last);
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}

function quoted(id: string): string {
  return JSON.stringify(id.length > 64 ? `${id.slice(0, 61)}...` : id);
}

const PORT_RANGE = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?$/;
