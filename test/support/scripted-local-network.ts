// Local flows by hand: a test puts packets and commands in, and reads what the agent said.
import type { LocalCommand, LocalEvent } from "../../src/agent/local.ts";
import type { LocalNetwork, ServiceState } from "../../src/agent/local-network.ts";
import type { Notice } from "../../src/tunnel/peer.ts";
import { ip } from "./connector-world.ts";

export class ScriptedLocalNetwork implements LocalNetwork {
  readonly address = ip("100.64.0.9");
  service = "";
  readonly packets: { readonly service: string; readonly bytes: Uint8Array }[] = [];
  readonly commands: (LocalCommand | Notice)[] = [];
  /** Whether a flow wants what comes. */
  known = true;
  readonly heard: (readonly [string, ...unknown[]])[] = [];
  dueAt: number | undefined;
  limit: (service: string) => number = () => 0;

  handle(event: LocalEvent, _now: number): void {
    this.heard.push(["handle", event]);
  }

  receive(packet: Uint8Array, _now: number): boolean {
    this.heard.push(["receive", packet.slice()]);
    return this.known;
  }

  transmit(out: Uint8Array, offset: number, _now: number): number {
    const next = this.packets.shift();
    if (next === undefined) return 0;
    this.service = next.service;
    out.set(next.bytes, offset);
    return next.bytes.length;
  }

  setLimit(maxInnerPacket: (service: string) => number): void {
    this.limit = maxInnerPacket;
  }

  registration(service: string, state: ServiceState, reason: string | undefined, _now: number): void {
    this.heard.push(["registration", service, state, reason]);
  }

  poll(): LocalCommand | Notice | undefined {
    return this.commands.shift();
  }

  deadline(): number | undefined {
    return this.dueAt;
  }

  timeout(now: number): void {
    this.heard.push(["timeout", now]);
  }

  stop(_now: number): void {
    this.heard.push(["stop"]);
  }
}
