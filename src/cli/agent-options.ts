// The options of `ztna agent`, and the settings that they amount to. Contradictions end here.
import { agentService, agentServiceRows } from "./agent-services.ts";
import {
  type CredentialFiles,
  credentialFiles,
  credentialOptions,
  namesOf,
  relayOf,
  relayOptions,
} from "./client-options.ts";
import { serviceName } from "./connect-services.ts";
import { CONTROL_OPTION } from "./control-directory.ts";
import { FILE_OPTIONS, LOG_OPTIONS, PACKET_OPTIONS, PROCESS_OPTIONS, statusOptions } from "./daemon-options.ts";
import { LOCAL_OPTIONS } from "./local-listeners.ts";
import { choice, type HostPort, ipv4, list } from "./option-kinds.ts";
import { type CommandSpec, optional, type Settings } from "./options.ts";
import { tunDevice } from "./tun-device.ts";

const SERVICE = "Services";
const DEVICE = "TUN device";

export const AGENT_OPTIONS = {
  ...relayOptions({ host: "serverHost", port: "serverPort" }),
  ...PACKET_OPTIONS,

  service: optional(list(agentService), {
    help: "a service, and the address by which it is reached here",
    group: SERVICE,
  }),
  services: optional(agentServiceRows, { help: "the services, entry by entry", only: "file", keys: ["services"] }),
  serviceId: optional(serviceName, {
    help: "a service at 10.100.0.1, where there is no list of services",
    only: "file",
    keys: ["serviceId"],
  }),

  tun: optional(tunDevice, {
    help: "reach the services through a TUN device: the default without local ports (Linux, root)",
    keys: ["tunName"],
    group: DEVICE,
  }),
  tunAddress: optional(ipv4, {
    help: "its address (default 100.64.0.1, else the next one that is free)",
    group: DEVICE,
  }),
  mode: optional(choice("tun", "ports"), {
    help: "tun: a TUN device, also beside local ports; ports: local ports only",
    group: DEVICE,
  }),

  ...LOCAL_OPTIONS,
  ...credentialOptions({ clientCert: ["clientCertPath"], clientKey: ["clientKeyPath"], caCert: ["caCertPath"] }),
  ...statusOptions(0),
  ...CONTROL_OPTION,
  ...PROCESS_OPTIONS,
  ...LOG_OPTIONS,
  ...FILE_OPTIONS,
} as const;

export const AGENT: CommandSpec<typeof AGENT_OPTIONS> = {
  command: "agent",
  summary: "the user's side: makes services reachable on this host",
  options: AGENT_OPTIONS,
  examples: [
    "sudo ztna agent --server relay.example.org --service web=10.100.0.2 \\",
    "  --client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem",
    "sudo ztna agent --config agent.json",
    "curl http://10.100.0.2/",
    "ztna agent --config agent.json --listen 5432=db --listen 8080=web:80 --socks5 1080",
    "psql -h 127.0.0.1 -p 5432; curl http://127.0.0.1:8080/; curl --socks5-hostname 127.0.0.1:1080 http://web/",
  ],
  file: { defaultPaths: ["/etc/ztna/agent.json", "agent.json"], style: "camelCase" },
};

export type AgentSettings = Settings<typeof AGENT_OPTIONS>;

export function agentRelay(settings: AgentSettings): HostPort {
  return relayOf(settings, "serverHost");
}

/** Any of these must be in the relay's certificate. */
export function agentRelayNames(settings: AgentSettings): readonly string[] {
  return namesOf(settings, agentRelay(settings));
}

export function agentFiles(settings: AgentSettings): CredentialFiles | undefined {
  return credentialFiles(settings.values, (message, ...names) => settings.conflict(message, ...names));
}

/** Whether there is to be a TUN device. Throws when nothing at all would reach a service. */
export function wantsTun(settings: AgentSettings): boolean {
  const { mode, tun, listen, socks5 } = settings.values;
  const hasPorts = listen !== undefined || socks5 !== undefined;
  if (mode === "ports" && tun !== undefined) {
    throw settings.conflict("--mode ports has no TUN device: leave --tun out", "mode", "tun");
  }
  if (mode === "ports" && !hasPorts) {
    throw settings.conflict("--mode ports needs local ports: give --listen or --socks5", "mode");
  }
  return mode === "tun" || tun !== undefined || !hasPorts;
}
