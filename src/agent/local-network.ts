// The seat of the local flows in the agent: it speaks inner packets with the agent, events and commands with
// runtime/local-ports.ts, and knows neither the relay nor the TUN device. It may sit beside a TUN device: the flows
// have an inner address of their own.
import type { Millis } from "../core/machine.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { Ipv4 } from "../wire/address.ts";
import type { LocalCommand, LocalEvent } from "./local.ts";

/** "unavailable": the relay is away or has not answered yet. */
export type ServiceState = "registered" | "denied" | "unavailable";

/** After each call: poll() until undefined, transmit() while the relay takes packets, then deadline(). */
export interface LocalNetwork {
  /** The inner source address of everything that transmit() writes; what is sent to it is for receive(). */
  readonly address: Ipv4;

  handle(event: LocalEvent, now: Millis): void;

  /** A packet that checkIpv4 accepted, from the relay, to `address`. False: it belongs to no flow of ours. */
  receive(packet: Uint8Array, now: Millis): boolean;

  /** Writes the next inner packet at `offset` of `out` and returns its length; 0 when there is none. */
  transmit(out: Uint8Array, offset: number, now: Millis): number;
  /** Where the packet goes that transmit() has just written. */
  readonly service: string;

  /** Told again whenever a limit changed. Gives the largest inner packet that gets through, 0 while unknown. */
  setLimit(maxInnerPacket: (service: string) => number): void;

  /** Every service is "unavailable" until told otherwise. `reason` is why it is denied. */
  registration(service: string, state: ServiceState, reason: string | undefined, now: Millis): void;

  poll(): LocalCommand | Notice | undefined;
  deadline(): Millis | undefined;
  timeout(now: Millis): void;

  /** Closes everything: programs see a reset, peers too as far as transmit() is still called. */
  stop(now: Millis): void;
}
