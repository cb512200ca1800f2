// Why a packet or a datagram went no further: the reasons of ztna_dropped_total, by what was dropped.
import type { InboundDrop, OutboundDrop } from "../agent/stats.ts";
import type { ReplyDrop, RequestDrop } from "../connector/stats.ts";
import type { DatagramDrop, PacketDrop } from "../quic/stats.ts";
import type { DropReason } from "../relay/stats.ts";
import type { BackendDrop } from "../runtime/backends.ts";
import type { Explanation } from "./reasons.ts";

const NOISE = "nothing to do: anybody can send such packets";
const STACK = "check the sender's IP stack and the devices in between";
const ENDPOINT = "relay or connector, on its UDP socket";

export const PACKETS: Readonly<Record<PacketDrop | "kernel" | "send-buffer", Explanation>> = {
  kernel: explained(
    "the socket's buffer was full",
    "the kernel",
    "raise net.core.rmem_max and --socket-buffer; give the host more time",
  ),
  "send-buffer": explained(
    "a packet on its way out waited too long for room in the socket's buffer",
    ENDPOINT,
    "the host sends more than its network takes: a faster link, or net.core.wmem_max and --socket-buffer",
  ),
  empty: explained("a UDP packet without content", ENDPOINT, NOISE),
  "malformed-header": explained("no header of QUIC", ENDPOINT, NOISE),
  "small-initial": explained("a first packet below 1200 bytes, which QUIC forbids", ENDPOINT, NOISE),
  "short-destination-id": explained("a first packet whose id is too short", ENDPOINT, NOISE),
  "source-port-0": explained("a forged source, as it cannot be answered", ENDPOINT, NOISE),
  version: explained("another version of QUIC", ENDPOINT, NOISE),
  "version-negotiated": explained("another version of QUIC, answered with ours", ENDPOINT, "ztna doctor does this"),
  "unknown-connection": explained("a packet of no connection that we know", ENDPOINT, NOISE),
  "reset-sent": explained(
    "a packet of no connection that we know, answered with a reset",
    ENDPOINT,
    "nothing to do: so that peers notice a restart at once",
  ),
  "retired-id": explained("a late packet under an id that is no longer used", ENDPOINT, "nothing to do"),
  "not-a-server": explained("somebody tried to connect to a client", ENDPOINT, NOISE),
  draining: explained("somebody tried to connect while the relay ends", "relay", "connect again, or to another relay"),
  "retry-sent": explained("a first packet, answered with a Retry", "relay", "nothing to do: a proof of the address"),
  "retry-limited": explained("too many first packets", "relay", "raise --max-retries-per-second if they are yours"),
  "token-forged": explained("a Retry token that is not ours", "relay", NOISE),
  "token-expired": explained("a Retry token that came too late", "relay", "nothing to do: clients begin again"),
  "token-replayed": explained("a Retry token for the second time", "relay", NOISE),
  "token-replay-cache-full": explained("too many tokens to remember", "relay", "nothing to do: clients begin again"),
  "limit-connections": explained("all connections are taken", "relay", "raise --max-connections"),
  "limit-prefix": explained("all of one network are taken", "relay", "raise --max-connections-per-prefix"),
  "limit-half-open": explained("too many handshakes are under way", "relay", "raise --max-half-open"),
  "limit-handshake-rate": explained("one network begins too many", "relay", "raise --max-handshakes-per-second"),
  "accept-failed": explained("the QUIC library took no new connection", "relay", "report it if it repeats"),
  "rejected-by-quic": explained("the QUIC library could not read it", ENDPOINT, NOISE),
};

const RELAY = "relay";
const CLIENT_STACK = "check the agent: it sent no proper IPv4 packet";

export const RELAYED: Readonly<Record<DropReason | DatagramDrop, Explanation>> = {
  "not-ipv4": explained("a packet of another protocol than IPv4", RELAY, CLIENT_STACK),
  short: explained("a packet that is cut off", RELAY, STACK),
  "bad-header-length": explained("an IPv4 header that says a wrong length", RELAY, STACK),
  "bad-total-length": explained("an IPv4 packet that says another length than it has", RELAY, STACK),
  "bad-checksum": explained("an IPv4 header that was damaged", RELAY, STACK),
  fragment: explained("a piece of a packet", RELAY, "lower the MTU of the agent's device; nothing is fragmented here"),
  empty: explained("a datagram without content", RELAY, CLIENT_STACK),
  "malformed-routed": explained("a routed packet that is cut off within its service id", RELAY, "check the agent"),
  "not-registered": explained("a packet for a service that its sender does not use", RELAY, "register first"),
  "no-role": explained("a packet of a peer that registered nothing", RELAY, "register first"),
  "unknown-peer": explained("a packet of a connection that has just gone", RELAY, "nothing to do"),
  "no-connector": explained("nobody serves the service now", RELAY, "start its connector; read why it is away"),
  "ambiguous-service": explained(
    "a raw packet of an agent that uses several services",
    RELAY,
    "name the service in each packet (routed packets)",
  ),
  "unknown-destination": explained("a reply to an agent that is gone", RELAY, "nothing to do"),
  "not-served": explained("a reply of a connector to an agent that does not use it", RELAY, "check the connector"),
  "too-large": explained("a packet larger than the next hop takes", RELAY, "lower the MTU or the segment size"),
  "queue-full": explained("the next hop is slower than this one", RELAY, "find the slow hop; its metrics say more"),
  "rate-limited": explained(
    "a connection sends more than it may",
    RELAY,
    "raise --max-datagrams-per-second or --max-bytes-per-second",
  ),
  "address-contested": explained(
    "a TCP packet of an older connection of the same identity, until it is known which one lives",
    RELAY,
    "nothing to do: it takes a second",
  ),
  "too-many-addresses": explained("one agent uses too many", RELAY, "raise --max-addresses-per-connection"),
  "addresses-exhausted": explained("all agents use too many", RELAY, "raise --max-addresses"),
  "not-connected": explained("the connection has just gone", "either end", "nothing to do"),
  late: explained("a datagram that waited too long to be sent", "either end", "find the slow hop"),
};

const CONNECTOR = "connector";
const OWN_SERVICES = "check the services of the connector: only their addresses, protocols and ports are reachable";

type Connected = Exclude<RequestDrop, keyof typeof RELAYED> | ReplyDrop | BackendDrop;

export const CONNECTOR_DROPS: Readonly<Record<Connected, Explanation>> = {
  "icmp-short": explained("an ICMP message that is cut off", CONNECTOR, STACK),
  "icmp-bad-checksum": explained("an ICMP message that was damaged", CONNECTOR, STACK),
  "tcp-short": explained("a TCP segment that is cut off", CONNECTOR, STACK),
  "tcp-bad-header-length": explained("a TCP header that says a wrong length", CONNECTOR, STACK),
  "tcp-bad-checksum": explained("a TCP segment that was damaged", CONNECTOR, STACK),
  "udp-short": explained("a UDP packet that is cut off", CONNECTOR, STACK),
  "udp-bad-length": explained("a UDP packet that says another length than it has", CONNECTOR, STACK),
  "udp-bad-checksum": explained("a UDP packet that was damaged", CONNECTOR, STACK),
  "foreign-address": explained("a packet for an address of no service", CONNECTOR, OWN_SERVICES),
  "foreign-protocol": explained("a protocol that the service does not offer", CONNECTOR, OWN_SERVICES),
  "foreign-port": explained("a port that the service does not offer", CONNECTOR, OWN_SERVICES),
  "stale-connection": explained("a packet of a connection that was given up", CONNECTOR, "nothing to do"),
  unexpected: explained("a message that no relay sends to a connector", CONNECTOR, "check what the relay is"),
  "unsupported-protocol": explained("neither TCP nor UDP nor ICMP", CONNECTOR, "use one of the three"),
  "icmp-not-echo": explained("another ICMP message than an echo request", CONNECTOR, "nothing to do"),
  "tcp-unknown-connection": explained(
    "a segment of no open TCP connection, answered with a reset",
    CONNECTOR,
    "nothing to do: what ended, or was lost in a restart, has to be opened again",
  ),
  "tcp-memory": explained("slow readers hold all memory for TCP", CONNECTOR, "find them; raise --tcp-memory"),
  "syn-rate": explained(
    "an agent opens TCP connections too fast, answered with a reset",
    CONNECTOR,
    "raise --max-syns-per-second",
  ),
  "session-limit": explained("too many TCP connections, answered with a reset", CONNECTOR, "raise --max-sessions"),
  "session-limit-of-agent": explained(
    "too many TCP connections of one agent, answered with a reset",
    CONNECTOR,
    "raise --max-sessions-per-agent",
  ),
  "flow-rate": explained("an agent opens flows too fast", CONNECTOR, "raise --max-new-flows-per-second"),
  "reply-unknown-flow": explained("a reply after its flow has ended", CONNECTOR, "raise --flow-idle"),
  "reply-not-connected": explained("a reply while the relay is away", CONNECTOR, "nothing to do: the flow stays"),
  "reply-too-large": explained("a reply larger than a datagram", CONNECTOR, "let the backend send smaller packets"),
  "not-open": explained("a payload for a backend that is gone", CONNECTOR, "check the backend"),
  "queue-full": explained("a backend that is still being opened gets too much", CONNECTOR, "check the backend"),
  "send-blocked": explained("the system's buffer to the backend is full", CONNECTOR, "check the backend"),
  "send-error": explained("the system refused to send to the backend", CONNECTOR, "check route and firewall"),
};

const AGENT = "agent";
const DEVICE = "a program of this host sent it";

type AgentOnly = Exclude<InboundDrop | OutboundDrop, keyof typeof RELAYED | keyof typeof CONNECTOR_DROPS>;

export const AGENT_DROPS: Readonly<Record<AgentOnly | "write-failed", Explanation>> = {
  "bad-offload": explained("the kernel asked for a checksum or a cut that makes no sense", AGENT, "report it"),
  ipv6: explained("an IPv6 packet, which no service has an address for", AGENT, `nothing to do: ${DEVICE}`),
  overrun: explained("the TUN device was read before its last read had left", AGENT, "report it"),
  "foreign-source": explained(
    "a packet that is not from the address of its end: of the TUN device, or of a service of ours",
    AGENT,
    "do not route other hosts through the agent; check the virtual addresses of its services",
  ),
  "foreign-destination": explained("a packet of the relay to another address than ours", AGENT, "check the relay"),
  unsolicited: explained(
    "a packet of a service that no program of this host asked for: only answers come in",
    AGENT,
    "nothing to do; a service that opens connections to clients does not work through the agent",
  ),
  "opening-pace": explained(
    "a connection that waits its turn, because many are opened at once and the connector resets more than it takes a second",
    AGENT,
    "nothing to do: it is opened later; raise --max-syns-per-second of the connector to have it at once",
  ),
  "hurried-refusal": explained(
    "a reset of a connection that was opened with many others at once: it is opened again",
    AGENT,
    "nothing to do; raise --max-syns-per-second of the connector to have it at once",
  ),
  "no-route": explained("a packet to an address of no service", AGENT, "name the service with --service ID=VIRTUALIP"),
  "no-flow": explained("a packet for a connection of a local port that has ended", AGENT, "nothing to do"),
  denied: explained(
    "a packet to a service that the relay refused",
    AGENT,
    "ztna status shows why; the certificate must grant the service",
  ),
  "write-failed": explained("the TUN device did not take a packet", "the kernel", "see whether somebody took it down"),
};

function explained(meaning: string, decidedBy: string, fix: string): Explanation {
  return { meaning, decidedBy, fix };
}
