// The services that local programs can reach, by name and by virtual address, and what the relay says about each.
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import type { ServiceState } from "./local-network.ts";
import type { SocksTarget } from "./socks5-address.ts";

export interface LocalService {
  readonly id: string;
  readonly virtualIp: Ipv4;
  state: ServiceState;
  /** Why it is denied. */
  reason: string | undefined;
  /** Since when it is in this state. */
  since: Millis;
  /** Largest inner packet that gets through; 0 while unknown. */
  maxPacket: number;
}

/** What a listener is for: every connection goes to one port of one service, or each says in SOCKS5 where to go. */
export type LocalListener =
  | { readonly type: "forward"; readonly service: string; readonly port: number }
  | { readonly type: "socks5" };

export class LocalServices {
  private readonly byId = new Map<string, LocalService>();
  private readonly byAddress = new Map<Ipv4, LocalService>();

  /** Of two services with one address the first has it: names tell them apart. */
  constructor(services: readonly { readonly id: string; readonly virtualIp: Ipv4 }[]) {
    for (const { id, virtualIp } of services) {
      const service = { id, virtualIp, state: "unavailable", reason: undefined, since: 0, maxPacket: 0 } as const;
      this.byId.set(id, { ...service });
      if (!this.byAddress.has(virtualIp)) this.byAddress.set(virtualIp, this.byId.get(id)!);
    }
  }

  get(id: string): LocalService | undefined {
    return this.byId.get(id);
  }

  all(): Iterable<LocalService> {
    return this.byId.values();
  }

  /** Nothing but services: a name that is not one is never looked up anywhere else. */
  find(target: SocksTarget): LocalService | undefined {
    if (target.type === "ipv4") return this.byAddress.get(target.address);
    return target.type === "name" ? this.named(target.name) : undefined;
  }

  /** As it is written, else as a host name: in any case, with the suffix, with the dot of a full name. */
  private named(name: string): LocalService | undefined {
    const exact = this.byId.get(name);
    if (exact !== undefined) return exact;
    const host = name.toLowerCase().replace(/\.$/, "");
    return this.byId.get(host) ?? (host.endsWith(SUFFIX) ? this.byId.get(host.slice(0, -SUFFIX.length)) : undefined);
  }
}

const SUFFIX = ".ztna";
