// A table of agent addresses with sessions as the relay makes them, and a clock that a test moves.
import { type AgentAddress, AgentAddresses } from "../../src/relay/agent-addresses.ts";
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from "../../src/relay/options.ts";
import type { Session } from "../../src/relay/session.ts";
import { certificate, ip, type PeerOptions, session } from "./relay-world.ts";

/** What most agents call themselves. */
export const INNER = ip("100.64.0.1");

export class Table {
  now = 10_000;
  /** Who was asked for a sign of life. */
  readonly asked: Session[] = [];
  readonly addresses: AgentAddresses;
  private peers = 0;

  constructor(limits: Partial<RelayLimits> = {}) {
    this.addresses = new AgentAddresses({ ...DEFAULT_RELAY_LIMITS, ...limits }, (holder) => this.asked.push(holder));
  }

  session(options: PeerOptions = {}): Session {
    this.peers += 1;
    return session(this.peers, { identity: certificate("laptop"), ...options }, this.now);
  }

  addressOf(session: Session, inner = INNER): AgentAddress {
    const address = this.addresses.ofSource(session, inner, this.now);
    if (typeof address === "string") throw new Error(address);
    return address;
  }

  release(session: Session): void {
    this.addresses.release(session, this.now);
  }
}
