// The services that an agent uses: each with the virtual address by which programs of this host reach it.
import type { z as zod } from "zod";
import { type AgentService, agentServicesFault } from "../agent/routes.ts";
import { isServiceName } from "../identity/grant.ts";
import { formatIpv4, parseIpv4 } from "../wire/address.ts";
import type { AgentSettings } from "./agent-options.ts";
import { lowerFirst, serviceName } from "./connect-services.ts";
import { UsageError } from "./errors.ts";
import type { Kind } from "./option-kinds.ts";

/** ID=VIRTUALIP */
export const agentService: Kind<AgentService> = {
  placeholder: "ID=VIRTUALIP",
  expected: `ID=VIRTUALIP, such as db=10.100.0.2; the id is ${serviceName.expected}`,
  parse: (text) => {
    const [, id = "", address = ""] = /^([^=]*)=(.*)$/.exec(text) ?? [];
    const virtualIp = parseIpv4(address);
    return isServiceName(id) && virtualIp !== undefined ? { id, virtualIp } : undefined;
  },
  schema: (z) => z.string(),
  show: ({ id, virtualIp }) => `${id}=${formatIpv4(virtualIp)}`,
};

/** One element of `services` in the file. */
export interface AgentServiceRow {
  readonly id: string;
  readonly virtualIp: string;
}

export const agentServiceRows: Kind<readonly AgentServiceRow[]> = {
  placeholder: "SERVICES",
  expected: "a list of services",
  parse: () => undefined,
  schema: (z) => z.array(rowSchema(z)),
  fromFile: (value) => value as readonly AgentServiceRow[],
};

function rowSchema(z: typeof zod) {
  return z.strictObject({
    id: z.string().refine(isServiceName, `must be ${serviceName.expected}`),
    virtualIp: z
      .string()
      .refine((text) => parseIpv4(text) !== undefined, "must be an IPv4 address")
      .meta({ format: "ipv4" }),
  });
}

/** Every service of this agent. Throws when there is none, or when two are at odds. */
export function agentServices(settings: AgentSettings): readonly AgentService[] {
  const { service, services = [], serviceId } = settings.values;
  const inFile = services.map(({ id, virtualIp }) => ({ id, virtualIp: parseIpv4(virtualIp) ?? 0 }));
  const alone = inFile.length === 0 && serviceId !== undefined ? [{ id: serviceId, virtualIp: PRIMARY }] : inFile;
  const used = service ?? alone;
  if (used.length === 0) {
    throw new UsageError("nothing to reach: give --service ID=VIRTUALIP, or services in the file");
  }
  const fault = agentServicesFault(used);
  if (fault === undefined) return used;
  const where = service === undefined && inFile.length > 0 ? `${settings.place("services")}: ` : "";
  throw settings.conflict(`${where}${lowerFirst(fault)}`, "service");
}

/** Where the reference puts the service that its file names alone. */
const PRIMARY = 0x0a64_0001;
