// The options of `ztna connect`, and the settings that they amount to. Contradictions end here.
import type { TcpLimits } from "../connector/tcp-proxy.ts";
import type { UdpLimits } from "../connector/udp-proxy.ts";
import {
  type CredentialFiles,
  credentialFiles,
  credentialOptions,
  namesOf,
  relayOf,
  relayOptions,
} from "./client-options.ts";
import { serviceName, serviceRows } from "./connect-services.ts";
import { CONTROL_OPTION } from "./control-directory.ts";
import { FILE_OPTIONS, LOG_OPTIONS, PACKET_OPTIONS, PROCESS_OPTIONS, statusOptions } from "./daemon-options.ts";
import { backendAddress, count, duration, file, type HostPort, ip, ipv4, port } from "./option-kinds.ts";
import { type CommandSpec, option, optional, type Settings } from "./options.ts";

const SERVICE = "Service";
const LIMITS = "Limits";
const PEER_TO_PEER = "Peer to peer (accepted for the sake of existing deployments)";

export const CONNECT_OPTIONS = {
  ...relayOptions({ host: "intermediate_server.host", port: "intermediate_server.port" }),
  ...PACKET_OPTIONS,

  service: optional(serviceName, { help: "service to offer", group: SERVICE }),
  forward: optional(backendAddress, { help: "its backend; without a port, the destination's is kept", group: SERVICE }),
  serviceIp: optional(ipv4, { help: "its virtual address: what is sent elsewhere is refused", group: SERVICE }),
  services: optional(serviceRows, { help: "what is offered, entry by entry", only: "file", keys: ["services"] }),

  ...credentialOptions({}),

  ...statusOptions(9091),
  ...CONTROL_OPTION,

  maxFlows: option(count(1, 1e6), { default: 4096, help: "UDP flows in all", group: LIMITS }),
  maxFlowsPerAgent: option(count(1, 1e6), { default: 256, help: "UDP flows of one agent", group: LIMITS }),
  maxNewFlowsPerSecond: option(count(1, 1e6), {
    default: 100,
    help: "new UDP flows per second of one agent",
    group: LIMITS,
  }),
  flowIdle: option(duration, { default: 60_000, help: "a UDP flow without packets ends after this", group: LIMITS }),
  maxSessions: option(count(1, 1e6), { default: 4096, help: "TCP connections in all", group: LIMITS }),
  maxSessionsPerAgent: option(count(1, 1e6), { default: 256, help: "TCP connections of one agent", group: LIMITS }),
  maxSynsPerSecond: option(count(1, 1e6), {
    default: 10,
    help: "new TCP connections per second of one agent",
    group: LIMITS,
  }),
  dialTimeout: option(duration, {
    default: 5000,
    help: "a backend that has not answered by then is away",
    group: LIMITS,
  }),
  tcpKeepalive: option(duration, {
    default: 600_000,
    help: "an agent that was silent on a TCP connection for so long is asked whether it is there",
    group: LIMITS,
  }),
  halfClosedIdle: option(duration, {
    default: 300_000,
    help: "a TCP connection that one side has ended is reset when nothing goes the other way for so long",
    group: LIMITS,
  }),
  tcpMemory: option(count(1, 65_536), {
    default: 256,
    help: "MiB that TCP connections may hold for slow readers, in all",
    group: LIMITS,
  }),

  p2pCert: optional(file, {
    help: "certificate of the peer-to-peer server",
    keys: ["p2p.cert"],
    aliases: ["cert"],
    group: PEER_TO_PEER,
  }),
  p2pKey: optional(file, { help: "its private key", keys: ["p2p.key"], aliases: ["key"], group: PEER_TO_PEER }),
  p2pListenPort: option(port, {
    default: 0,
    help: "local UDP port",
    keys: ["p2p.port"],
    aliases: ["p2p-port"],
    group: PEER_TO_PEER,
  }),
  externalIp: optional(ip, { help: "public address of this host", group: PEER_TO_PEER }),

  ...PROCESS_OPTIONS,
  ...LOG_OPTIONS,
  ...FILE_OPTIONS,
} as const;

export const CONNECT: CommandSpec<typeof CONNECT_OPTIONS> = {
  command: "connect",
  summary: "the connector, beside private services",
  options: CONNECT_OPTIONS,
  examples: [
    "ztna connect --server relay.example.org --service web --forward 127.0.0.1:8080 \\",
    "  --client-cert connector.crt --client-key connector.key --ca-cert ca.pem",
    "ztna connect --config /etc/ztna/connector.json --check",
  ],
  file: { defaultPaths: ["/etc/ztna/connector.json", "connector.json"], style: "snake_case" },
};

export type ConnectSettings = Settings<typeof CONNECT_OPTIONS>;

export function relayAddress(settings: ConnectSettings): HostPort {
  return relayOf(settings, "intermediate_server");
}

/** Any of these must be in the relay's certificate. */
export function serverNames(settings: ConnectSettings): readonly string[] {
  return namesOf(settings, relayAddress(settings));
}

/** Certificate and key of this side, if it has them. Throws when only one is given, or when the relay cannot be verified. */
export function clientFiles(settings: ConnectSettings): CredentialFiles | undefined {
  const { p2pCert, p2pKey } = settings.values;
  if ((p2pCert === undefined) !== (p2pKey === undefined)) {
    throw settings.conflict("--p2p-cert and --p2p-key belong together: give both", "p2pCert", "p2pKey");
  }
  return credentialFiles(settings.values, (message, ...names) => settings.conflict(message, ...names));
}

export function udpLimits({ values }: ConnectSettings): UdpLimits {
  return {
    flows: values.maxFlows,
    flowsPerAgent: values.maxFlowsPerAgent,
    idleMs: values.flowIdle,
    newFlowsPerSecond: values.maxNewFlowsPerSecond,
    newFlowsBurst: Math.max(values.maxNewFlowsPerSecond, values.maxFlowsPerAgent),
  };
}

export function tcpLimits({ values }: ConnectSettings): TcpLimits {
  return {
    sessions: values.maxSessions,
    sessionsPerAgent: values.maxSessionsPerAgent,
    synsPerSecond: values.maxSynsPerSecond,
    dialMs: values.dialTimeout,
    keepaliveMs: values.tcpKeepalive,
    halfClosedMs: values.halfClosedIdle,
    memoryBytes: values.tcpMemory * 1024 * 1024,
  };
}

/** What is accepted and has no effect. */
export function idleOptions({ values }: ConnectSettings): readonly string[] {
  const given = { "p2p-cert": values.p2pCert, "p2p-key": values.p2pKey, "external-ip": values.externalIp };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}
