// The options for local ports of `ztna agent`: which listener leads where. What a listener lets in uses the agent's
// access without a further question, so only this machine reaches it unless the operator says otherwise.
import { isIP } from "node:net";
import type { LocalListener } from "../agent/local-services.ts";
import { nearest } from "./nearest.ts";
import { type HostPort, hostPortText, type Kind, list } from "./option-kinds.ts";
import { flag, optional } from "./options.ts";

/** ADDRESS:PORT=SERVICE:PORT */
export interface LocalForward extends HostPort {
  readonly service: string;
  readonly targetPort: number;
}

const localForward: Kind<LocalForward> = {
  placeholder: "[ADDRESS:]PORT=SERVICE[:PORT]",
  expected:
    "[ADDRESS:]PORT=SERVICE[:PORT], such as 5432=db or 127.0.0.1:8080=web:80, IPv6 in brackets, " +
    "the port of the service from 1 to 65535, or left out when it is the same",
  parse: (text) => {
    const [, local = "", service = "", portText] = /^([^=]*)=(.+?)(?::(\d{1,5}))?$/.exec(text) ?? [];
    const at = localAddress(local);
    const targetPort = portText === undefined ? at?.port : Number(portText);
    if (at === undefined || service === "" || targetPort === undefined) return undefined;
    return targetPort < 1 || targetPort > 65_535 ? undefined : { ...at, service, targetPort };
  },
  schema: (z) => z.string(),
  show: forwardText,
};

const localAddressKind: Kind<HostPort> = {
  placeholder: "[ADDRESS:]PORT",
  expected: "[ADDRESS:]PORT, such as 1080 or 127.0.0.1:1080, IPv6 in brackets",
  parse: localAddress,
  schema: (z) => z.union([z.string(), z.number()]),
  show: hostPortText,
};

export const LOCAL_OPTIONS = {
  listen: optional(list(localForward), {
    help: "a local port, TCP and UDP, that leads to a port of a service; may be repeated",
    group: "Local ports",
  }),
  socks5: optional(localAddressKind, {
    help: "a local SOCKS5 proxy that reaches every service by name or virtual address",
    group: "Local ports",
  }),
  allowRemoteClients: flag("let them listen beyond this machine: whoever reaches them uses this agent's access", {
    group: "Local ports",
  }),
} as const;

export interface LocalOptions {
  readonly listen: readonly LocalForward[] | undefined;
  readonly socks5: HostPort | undefined;
  readonly allowRemoteClients: boolean;
}

/** Where to listen, and for what. */
export interface ListenerSetting {
  readonly host: string;
  /** 0: the system chooses, the same for TCP and UDP. */
  readonly port: number;
  readonly leadsTo: LocalListener;
}

/** The listeners that the options ask for, or one sentence about the first mistake, which `place` finds for the operator. */
export function localListeners(
  options: LocalOptions,
  services: readonly string[],
  place: (name: "listen" | "socks5", element?: number) => string,
): readonly ListenerSetting[] | string {
  const { listen = [], socks5, allowRemoteClients } = options;
  const settings: ListenerSetting[] = [];
  const taken = new Map<string, string>();
  const add = (shown: string, { host, port }: HostPort, leadsTo: LocalListener): string | undefined => {
    if (!allowRemoteClients && !isLoopback(host))
      return `${shown} would lend this agent's access to whoever reaches ${host}: listen on 127.0.0.1 or [::1], or say --allow-remote-clients`;
    const address = hostPortText({ host, port });
    const other = port === 0 ? undefined : taken.get(address);
    if (other !== undefined) return `${other} and ${shown} listen on the same address: give each its own port`;
    taken.set(address, shown);
    settings.push({ host, port, leadsTo });
    return undefined;
  };
  for (const [element, forward] of listen.entries()) {
    const { service, targetPort: port } = forward;
    const shown = `${place("listen", element)} ${forwardText(forward)}`;
    if (!services.includes(service)) return `${shown}: ${unknownService(service, services)}`;
    const fault = add(shown, forward, { type: "forward", service, port });
    if (fault !== undefined) return fault;
  }
  if (socks5 === undefined) return settings;
  return add(`${place("socks5")} ${hostPortText(socks5)}`, socks5, { type: "socks5" }) ?? settings;
}

/** What the option lets in that would stay out without it. */
export function isOpenToOthers(listeners: readonly ListenerSetting[]): boolean {
  return listeners.some(({ host }) => !isLoopback(host));
}

function unknownService(service: string, services: readonly string[]): string {
  const suggestion = nearest(service, services);
  const hint = suggestion === undefined ? "name it with --service" : `did you mean "${suggestion}"?`;
  return `there is no service "${service}"; ${hint}`;
}

/** Names are not looked up: what "localhost" means should not depend on a file that others may write. */
function localAddress(text: string): HostPort | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? (plain === "localhost" ? LOOPBACK : plain) ?? LOOPBACK;
  const port = Number(portText);
  const isRight = isIP(host) === (bracketed === undefined ? 4 : 6);
  return isRight && port <= 65_535 ? { host, port } : undefined;
}

function forwardText({ service, targetPort, ...at }: LocalForward): string {
  return `${hostPortText(at)}=${service}:${targetPort}`;
}

function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === "::1";
}

const LOOPBACK = "127.0.0.1";
