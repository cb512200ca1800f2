// A daemon's status for people: a few lines, what is wrong with its reason first to see.
import { printable, textValue } from "../runtime/log.ts";
import type { AgentStatus, ConnectorStatus, RelayStatus, StatusDocument } from "./status-document.ts";

export function statusText(status: StatusDocument): string {
  const lines = [headline(status), ...roleLines(status), ...dropLines(status), ...credentialLines(status)];
  return `${lines.map(printable).join("\n")}\n`;
}

function headline({ command, pid, version, uptime_seconds: uptime, not_ready: notReady }: StatusDocument): string {
  const state = notReady === null ? "ready" : `not ready: ${notReady}`;
  return `ztna ${command} ${version}, process ${pid}, up ${duration(uptime)}, ${state}`;
}

function roleLines(status: StatusDocument): string[] {
  switch (status.command) {
    case "agent":
      return [...relayLines(status), ...deviceLines(status), ...serviceLines(status)];
    case "connect":
      return connectorLines(status);
    case "serve":
      return relayServiceLines(status);
  }
}

function relayLines({ relay }: AgentStatus): string[] {
  const { server, state, address, observed_address: observed, largest_datagram: largest, reconnections } = relay;
  const parts = [`${server} ${state}`];
  if (address !== null) parts.push(`at ${address}`);
  if (observed !== null) parts.push(`sees us at ${observed}`);
  if (largest > 0) parts.push(`largest datagram ${largest} bytes`);
  if (reconnections > 0) parts.push(`${reconnections} reconnections`);
  return [row("relay", parts.join(", "))];
}

function deviceLines({ tun }: AgentStatus): string[] {
  return tun === null ? [] : [row("device", `${tun.name}, ${tun.address}, MTU ${tun.mtu}`)];
}

function serviceLines({ services }: AgentStatus): string[] {
  const width = nameWidth(services);
  return services.map((one) => serviceRow(one, width, registrationText(one)));
}

function connectorLines({ relay, services, ...status }: ConnectorStatus): string[] {
  const width = nameWidth(services);
  const { tcp_sessions: sessions, udp_flows: flows, backend_sockets: sockets } = status;
  return [
    row("relay", relay.server),
    ...services.map((one) => serviceRow(one, width, connectorService(one))),
    ...moreServices(status.service_count - services.length),
    row("open", `${sessions} TCP connections, ${flows} UDP flows, ${sockets} backend sockets`),
  ];
}

function connectorService(service: ConnectorStatus["services"][number]): string {
  const { connection, backends, backend_failure: failure, reconnections } = service;
  const parts = [registrationText(service)];
  if (connection !== "connected") parts.push(`relay ${connection}`);
  if (reconnections > 0) parts.push(`${reconnections} reconnections`);
  parts.push(`to ${backends.join(" ")}`);
  if (failure !== null) parts.push(`which failed last: ${failure}`);
  return parts.join(", ");
}

/** Names of services are what peers registered: quoted where they could be taken for something else. */
function relayServiceLines({ listening, connections, services, ...status }: RelayStatus): string[] {
  const { open, half_open: halfOpen, agents, connectors } = connections;
  const named = services.map((one) => ({ ...one, service: textValue(one.service) }));
  const width = nameWidth(named);
  return [
    row("listening", listening.join(", ")),
    row("connections", `${open}, ${halfOpen} half open, ${agents} of agents, ${connectors} of connectors`),
    row("relayed", `${status.datagrams_relayed} datagrams, ${status.bytes_relayed} bytes`),
    ...named.map((one) => row("service", `${one.service.padEnd(width)}  ${relayService(one)}`)),
    ...moreServices(status.service_count - services.length),
  ];
}

function relayService({ connectors, displaced, silent, agents, denied }: RelayStatus["services"][number]): string {
  const parts = [`${connectors} connectors`, `${agents} agents`];
  if (displaced > 0) parts.push(`${displaced} displaced`);
  if (silent > 0) parts.push(`${silent} silent`);
  if (denied > 0) parts.push(`${denied} refused lately`);
  return parts.join(", ");
}

type AddressedService = Pick<ConnectorStatus["services"][number], "service" | "virtual_ip" | "state" | "reason">;

function serviceRow({ service, virtual_ip: address }: AddressedService, width: number, text: string): string {
  return row("service", `${service.padEnd(width)}  ${(address ?? "any address").padEnd(ADDRESS_WIDTH)}  ${text}`);
}

function registrationText({ state, reason }: AddressedService): string {
  return reason === null ? state : `${state}: ${reason}`;
}

function moreServices(services: number): string[] {
  return services > 0 ? [row("service", `and ${services} more`)] : [];
}

function nameWidth(services: readonly { readonly service: string }[]): number {
  const longest = Math.max(0, ...services.map(({ service }) => service.length));
  return Math.min(longest, WIDEST_NAME);
}

function dropLines({ hops }: StatusDocument): string[] {
  const rows = hops.flatMap(({ hop, dropped }) =>
    Object.entries(dropped).map(([reason, packets]) => ({ hop, reason, packets })),
  );
  return rows
    .filter(({ packets }) => packets > 0)
    .sort((a, b) => b.packets - a.packets)
    .map(({ hop, reason, packets }) => row("dropped", `${packets} of ${hop}: ${reason}`));
}

function credentialLines({ credentials }: StatusDocument): string[] {
  return credentials.map(({ certificate, not_after: notAfter, days }) => {
    const when = days < 0 ? `expired ${-days} days ago` : `expires in ${days} days`;
    return row("certificate", `${certificate} ${when}, ${notAfter.slice(0, 10)}`);
  });
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(NAME_WIDTH)}${text}`;
}

function duration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.map(([value, unit]) => `${value}${unit}`).join(" ");
}

const NAME_WIDTH = 13;
const ADDRESS_WIDTH = 15;
/** A longer one moves only its own row. */
const WIDEST_NAME = 40;
