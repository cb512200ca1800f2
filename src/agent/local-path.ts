// The agent's side of the seat of local flows: tells them what the relay says, carries their packets, passes on what
// they want of the shell.
import type { Millis } from "../core/machine.ts";
import type { Notice } from "../tunnel/peer.ts";
import type { UplinkOutput } from "../tunnel/uplink.ts";
import type { LocalCommand, LocalEvent } from "./local.ts";
import type { LocalNetwork } from "./local-network.ts";
import type { Outbound } from "./outbound.ts";
import { MAX_HEAD } from "./routes.ts";
import type { AgentStats } from "./stats.ts";

export class LocalPath {
  readonly network: LocalNetwork;
  /** They may have something to send. */
  ready = false;
  private readonly outbound: Outbound;
  private readonly stats: AgentStats;
  private readonly wanted: (command: LocalCommand | Notice) => void;
  /** Where they write their packets. */
  private readonly scratch = new Uint8Array(MAX_HEAD + MAX_PACKET);
  /** What they were last told about each service. */
  private readonly told = new Map<string, string>();

  constructor(
    network: LocalNetwork,
    outbound: Outbound,
    stats: AgentStats,
    wanted: (command: LocalCommand | Notice) => void,
  ) {
    this.network = network;
    this.outbound = outbound;
    this.stats = stats;
    this.wanted = wanted;
  }

  handle(event: LocalEvent, now: Millis): void {
    this.network.handle(event, now);
    this.drain();
  }

  timeout(now: Millis): void {
    this.network.timeout(now);
    this.drain();
  }

  /** False: it belongs to no flow. */
  receive(packet: Uint8Array, now: Millis): boolean {
    const known = this.network.receive(packet, now);
    this.drain();
    return known;
  }

  limitChanged(): void {
    const { routes } = this.outbound;
    this.network.setLimit((service) => {
      const route = routes.of(service);
      return route === undefined ? 0 : this.outbound.maxPacket(route);
    });
    this.drain();
  }

  /** Tells them about services that the relay has changed its mind about. */
  tellRegistrations(now: Millis): void {
    for (const { id, registration } of this.outbound.routes.all()) {
      const state = registration.state === "pending" ? "unavailable" : registration.state;
      const saying = `${state} ${registration.reason ?? ""}`;
      if (this.told.get(id) === saying) continue;
      this.told.set(id, saying);
      this.network.registration(id, state, registration.reason, now);
    }
    this.drain();
  }

  stop(now: Millis): void {
    this.network.stop(now);
    this.drain();
  }

  /** The next packet that leaves; it is valid until the next call. What cannot be sent is skipped and counted. */
  next(now: Millis): UplinkOutput | undefined {
    const { network, outbound, scratch } = this;
    const hop = this.stats.hops.local;
    while (this.ready) {
      const length = network.transmit(scratch, MAX_HEAD, now);
      if (length === 0) break;
      hop.receive(length);
      const route = outbound.routes.of(network.service);
      const fault = route === undefined ? "no-route" : outbound.fault(route);
      if (route === undefined || fault !== undefined) hop.drop(fault ?? "no-route");
      else {
        const output = outbound.send(hop, route, scratch, MAX_HEAD, MAX_HEAD + length, now);
        if (output !== undefined) return output;
      }
    }
    this.drain();
    this.ready = false;
    return undefined;
  }

  private drain(): void {
    for (let output = this.network.poll(); output !== undefined; output = this.network.poll()) this.wanted(output);
    this.ready = true;
  }
}

/** No datagram of ours is larger. */
const MAX_PACKET = 2048;
