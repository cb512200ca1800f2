// Answers echo requests to the connector's own services. It says that the connector is reached, not that a backend lives.
import { checkIcmp, encodeEchoReply } from "../wire/icmp.ts";
import { ipv4Destination } from "../wire/ipv4.ts";
import type { Services } from "./services.ts";
import type { RequestDrop } from "./stats.ts";

/** `packet` is a checked IPv4 packet with protocol ICMP. */
export function answerEcho(services: Services, service: string, packet: Uint8Array): Uint8Array | RequestDrop {
  const damage = checkIcmp(packet);
  if (damage !== undefined) return `icmp-${damage}`;
  const fault = services.echoFault(service, ipv4Destination(packet));
  if (fault !== undefined) return fault;
  return encodeEchoReply(packet) ?? "icmp-not-echo";
}
