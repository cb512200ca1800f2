// What a daemon tells about itself through its control socket; `ztna status --json` prints it as it is.
import { z } from "zod";

const count = z.number().int().nonnegative();

const STATUS = z.object({
  schema_version: z.literal(1),
  command: z.string(),
  pid: count,
  version: z.string(),
  uptime_seconds: count,
  /** Why it does not serve; null when it does. */
  not_ready: z.string().nullable(),
  relay: z.object({
    server: z.string(),
    state: z.enum(["connecting", "connected", "failed", "stopped"]),
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
    z.object({
      service: z.string(),
      virtual_ip: z.string(),
      state: z.enum(["pending", "registered", "denied"]),
      /** A stable code: why it is denied. */
      reason: z.string().nullable(),
      largest_packet: count,
    }),
  ),
  hops: z.array(z.object({ hop: z.string(), received: count, forwarded: count, dropped: z.record(z.string(), count) })),
  credentials: z.array(z.object({ certificate: z.string(), not_after: z.string(), days: z.number().int() })),
});

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
