// What a connector offers: the services that the file lists, and the one that flags name or change.
import type { z as zod } from "zod";
import { type PortRange, type Protocol, parsePorts, type ServiceEntry, serviceFault } from "../connector/services.ts";
import { isServiceName } from "../identity/grant.ts";
import { parseIpv4 } from "../wire/address.ts";
import type { ConnectSettings } from "./connect-options.ts";
import { UsageError } from "./errors.ts";
import { backendAddress, type Kind } from "./option-kinds.ts";

/** One element of `services` in the file. */
export interface ServiceRow {
  readonly id: string;
  readonly virtualIp?: string | undefined;
  readonly virtual_ip?: string | undefined;
  readonly backend?: string | undefined;
  readonly protocol?: Protocol | undefined;
  readonly ports?: readonly (number | string)[] | undefined;
}

export const serviceRows: Kind<readonly ServiceRow[]> = {
  placeholder: "SERVICES",
  expected: "a list of services",
  parse: () => undefined,
  schema: (z) => z.array(rowSchema(z)),
  fromFile: (value) => value as readonly ServiceRow[],
};

export const serviceName: Kind<string> = {
  placeholder: "ID",
  expected: "a service name: lower-case letters, digits, dots and hyphens, at most 200",
  parse: (value) => (isServiceName(value) ? value : undefined),
  schema: (z) => z.string(),
};

function rowSchema(z: typeof zod) {
  const address = z
    .string()
    .refine((text) => parseIpv4(text) !== undefined, "must be an IPv4 address")
    .meta({ format: "ipv4" });
  return z.strictObject({
    id: z.string().refine(isServiceName, `must be ${serviceName.expected}`),
    virtualIp: address.optional(),
    virtual_ip: address.optional(),
    backend: z
      .string()
      .refine((text) => backendAddress.parse(text) !== undefined, `must be ${backendAddress.expected}`)
      .optional(),
    protocol: z.enum(["tcp", "udp", "icmp"]).optional(),
    ports: z
      .array(z.union([z.number(), z.string()]))
      .refine((ports) => parsePorts(ports) !== undefined, 'must be ports and ranges such as 5432 and "8000-8999"')
      .optional(),
  });
}

/** Every service of this connector. Throws when there is none, or when one is incomplete. */
export function serviceEntries(settings: ConnectSettings): readonly ServiceEntry[] {
  const rows = settings.values.services ?? [];
  const named = namedByOptions(settings, rows);
  const entries = named === undefined ? rows.map((row, at) => entryOf(row, at, settings)) : [named];
  if (entries.length === 0)
    throw new UsageError("nothing to offer: give --service ID --forward HOST:PORT, or services in the file");
  const fault = serviceFault(entries);
  if (fault !== undefined) {
    const where = named === undefined ? `${settings.place("services")}: ` : "";
    throw settings.conflict(`${where}${lowerFirst(fault)}`, "services", "service");
  }
  return entries;
}

/** The options replace the services of the file, or change the only one. */
function namedByOptions(settings: ConnectSettings, rows: readonly ServiceRow[]): ServiceEntry | undefined {
  const { service, forward, serviceIp } = settings.values;
  if (service === undefined && forward === undefined && serviceIp === undefined) return undefined;
  const [only, second] = rows;
  const base = only === undefined || second !== undefined ? undefined : entryOf(only, 0, settings);
  const id = service ?? base?.id;
  const backend = forward ?? base?.backend;
  if (id === undefined || backend === undefined) {
    const missing = id === undefined ? "--service ID" : "--forward HOST:PORT";
    const several = second === undefined ? "" : ", because the file lists several services";
    throw settings.conflict(`${missing} is missing${several}`, "service", "forward", "serviceIp");
  }
  const virtualIp = serviceIp === undefined ? base?.virtualIp : parseIpv4(serviceIp);
  return { ...base, id, backend, virtualIp };
}

function entryOf(row: ServiceRow, at: number, settings: ConnectSettings): ServiceEntry {
  const { id, backend, protocol, ports } = row;
  const virtualIp = row.virtualIp ?? row.virtual_ip;
  const address = backend === undefined ? undefined : backendAddress.parse(backend);
  if (address === undefined && protocol !== "icmp") {
    const where = settings.place("services", at);
    throw settings.conflict(`${where}: service "${id}" has no backend: give it HOST:PORT`, "services");
  }
  return {
    id,
    virtualIp: virtualIp === undefined ? undefined : parseIpv4(virtualIp),
    // Echo is answered by the connector itself: nothing is ever sent to the backend of such an entry.
    backend: address ?? { host: "127.0.0.1" },
    protocol,
    ports: portRanges(ports),
  };
}

function portRanges(ports: ServiceRow["ports"]): readonly PortRange[] | undefined {
  return ports === undefined ? undefined : parsePorts(ports);
}

/** A sentence about services as part of another one. */
export function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}
