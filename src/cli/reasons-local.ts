// Why an agent's local ports let a connection or a datagram of a program go no further.
import type { LocalDrop, LocalRefusal } from "../agent/local-stats.ts";
import type { Explanation } from "./reasons.ts";

const AGENT = "agent";
const NOT_SOCKS = "find the program: something else than a SOCKS5 client uses the port";
const SERVICES = "name one of the agent's services, NAME or NAME.ztna, or its virtual address";
const DENIED = "read why the relay denies the service: ztna status, or the agent's log";
const AWAY = "read why the relay is away: ztna status, ztna doctor";

export const LOCAL_CONNECTIONS: Readonly<Record<LocalRefusal, Explanation>> = {
  "not-socks5": explained("the first byte is not SOCKS5's", AGENT, NOT_SOCKS),
  "no-method": explained(
    "a SOCKS5 client that insists on a password",
    AGENT,
    "switch authentication off in the client",
  ),
  "malformed-request": explained("a SOCKS5 request that nobody understands", AGENT, NOT_SOCKS),
  "unknown-command": explained("BIND, or a command that does not exist", AGENT, "use CONNECT or UDP ASSOCIATE"),
  "unknown-address-type": explained("an IPv6 target, or a kind that does not exist", AGENT, SERVICES),
  "handshake-timeout": explained("a SOCKS5 client that did not come to the point", AGENT, NOT_SOCKS),
  "handshake-limit": explained("too many SOCKS5 clients that did not come to the point", AGENT, NOT_SOCKS),
  "connection-limit": explained("too many connections at once", AGENT, "find the program that opens so many"),
  "unknown-target": explained("a host that is no service of this agent", AGENT, SERVICES),
  "service-denied": explained("a service that the relay denies", "relay", DENIED),
  "relay-unavailable": explained("the relay was away for too long", AGENT, AWAY),
  refused: explained(
    "the service, or its connector, said no",
    "connector or backend",
    "check the service and its port",
  ),
  unreachable: explained("the service cannot be reached", "relay or connector", "check the connector"),
  "ports-exhausted": explained("no inner port is free", AGENT, "find the program that opens so many connections"),
  "no-socket": explained("the system gave no UDP socket for an association", AGENT, "raise the limit of open files"),
  "timed-out": explained("nothing answered", AGENT, "check the connector and the way to it"),
  abandoned: explained("the program gave up first", "the program", "nothing to do"),
};

export const LOCAL_DATAGRAMS: Readonly<Record<LocalDrop, Explanation>> = {
  "socks-malformed": explained("a datagram without SOCKS5's header", AGENT, NOT_SOCKS),
  "socks-fragment": explained("a piece of a datagram", AGENT, "let the program send smaller datagrams"),
  "foreign-client": explained("a datagram to another program's association", AGENT, "find the program"),
  "unknown-target": explained("a host that is no service of this agent", AGENT, SERVICES),
  "service-denied": explained("a service that the relay denies", "relay", DENIED),
  "relay-unavailable": explained("a datagram while the relay is away", AGENT, AWAY),
  "too-large": explained("a datagram larger than the tunnel takes", AGENT, "let the program send smaller datagrams"),
  "queue-full": explained("more datagrams than the tunnel takes", AGENT, "send more slowly"),
  "ports-exhausted": explained("no inner port is free", AGENT, "find the program that opens so many flows"),
};

function explained(meaning: string, decidedBy: string, fix: string): Explanation {
  return { meaning, decidedBy, fix };
}
