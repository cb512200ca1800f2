// The way of every packet to its service: whether it may go, how large it may be, and the routed datagram around it.
import type { Millis } from "../core/machine.ts";
import type { Uplink, UplinkOutput } from "../tunnel/uplink.ts";
import type { Route, Routes } from "./routes.ts";
import type { HopStats, OutboundDrop } from "./stats.ts";

export class Outbound {
  private readonly uplink: Uplink;
  readonly routes: Routes;

  constructor(uplink: Uplink, routes: Routes) {
    this.uplink = uplink;
    this.routes = routes;
  }

  /** Why nothing can be sent to the service now. */
  fault({ registration }: Route): OutboundDrop | undefined {
    if (registration.state === "denied") return "denied";
    if (this.uplink.peer === undefined) return "not-connected";
    return registration.state === "registered" ? undefined : "not-registered";
  }

  /** The largest inner packet that gets through to the service; 0 while not connected. */
  maxPacket({ head }: Route): number {
    return Math.max(0, this.uplink.maxDatagram - head.length);
  }

  /** Of every service. */
  get maxPacketToAll(): number {
    return Math.max(0, this.uplink.maxDatagram - this.routes.longestHead);
  }

  /** bytes[start, end) is a packet, with room before it for the head. Undefined when the connection does not take it. */
  send(
    hop: HopStats<OutboundDrop>,
    { head }: Route,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Millis,
  ): UplinkOutput | undefined {
    const first = start - head.length;
    for (let i = 0; i < head.length; i++) bytes[first + i] = head[i] as number;
    const result = this.uplink.send(bytes.subarray(first, end), now);
    if (result === "sent") hop.forward(end - start);
    else hop.drop(result);
    return this.uplink.poll();
  }
}
