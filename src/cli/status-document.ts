// What a daemon tells about itself through its control socket; `ztna status --json` prints it as it is.
import { z } from "zod";

const count = z.number().int().nonnegative();
const counts = z.record(z.string(), count);
/** A stable code: why a registration is denied. */
const reason = z.string().nullable();
const registration = z.enum(["pending", "registered", "denied"]);
const connection = z.enum(["connecting", "connected", "failed", "stopped"]);

/** What every daemon tells. */
const COMMON = {
  schema_version: z.literal(1),
  pid: count,
  version: z.string(),
  uptime_seconds: count,
  /** Why it does not serve; null when it does. */
  not_ready: z.string().nullable(),
  hops: z.array(z.object({ hop: z.string(), received: count, forwarded: count, dropped: counts })),
  credentials: z.array(z.object({ certificate: z.string(), not_after: z.string(), days: z.number().int() })),
} as const;

const AGENT = z.object({
  ...COMMON,
  command: z.literal("agent"),
  relay: z.object({
    server: z.string(),
    state: connection,
    /** Where it was found. */
    address: z.string().nullable(),
    /** How it sees us. */
    observed_address: z.string().nullable(),
    /** In bytes; 0 while not connected. */
    largest_datagram: count,
    reconnections: count,
  }),
  tun: z.object({ name: z.string(), address: z.string(), mtu: count }).nullable(),
  services: z.array(
    z.object({ service: z.string(), virtual_ip: z.string(), state: registration, reason, largest_packet: count }),
  ),
});

const CONNECTOR = z.object({
  ...COMMON,
  command: z.literal("connect"),
  relay: z.object({ server: z.string() }),
  /** Each has a connection to the relay; the first 256 of `service_count`. */
  services: z.array(
    z.object({
      service: z.string(),
      /** Null: any. */
      virtual_ip: z.string().nullable(),
      connection,
      state: registration,
      reason,
      /** In bytes; 0 while not connected. */
      largest_packet: count,
      reconnections: count,
      /** Where its entries lead, in their order. */
      backends: z.array(z.string()),
      /** Why the backend that was used last did not answer; null when it did, or when nobody asked yet. */
      backend_failure: z.string().nullable(),
    }),
  ),
  service_count: count,
  /** Open now. */
  tcp_sessions: count,
  udp_flows: count,
  backend_sockets: count,
  /** Since the start, by reason. */
  backend_failures: counts,
});

const RELAY = z.object({
  ...COMMON,
  command: z.literal("serve"),
  /** Bound UDP addresses. */
  listening: z.array(z.string()),
  /** `open` holds those whose handshake is under way; one may be registered as agent and as connector. */
  connections: z.object({ open: count, half_open: count, agents: count, connectors: count }),
  datagrams_relayed: count,
  bytes_relayed: count,
  /** In use, then those of which registrations were refused lately; the first 256 of `service_count`. */
  services: z.array(
    z.object({
      service: z.string(),
      /** That take traffic. */
      connectors: count,
      /** That wait until a newer one leaves. */
      displaced: count,
      /** That do not answer. */
      silent: count,
      agents: count,
      /** Registrations refused lately. */
      denied: count,
    }),
  ),
  service_count: count,
});

const STATUS = z.discriminatedUnion("command", [AGENT, CONNECTOR, RELAY]);

export type AgentStatus = z.infer<typeof AGENT>;
export type ConnectorStatus = z.infer<typeof CONNECTOR>;
export type RelayStatus = z.infer<typeof RELAY>;
export type StatusDocument = z.infer<typeof STATUS>;

/** Undefined: not what a daemon of this version says. */
export function parseStatus(text: string): StatusDocument | undefined {
  try {
    const { data } = STATUS.safeParse(JSON.parse(text));
    return data;
  } catch {
    return undefined;
  }
}
