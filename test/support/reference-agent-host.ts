// The model of the reference's agent with a host behind it, for simulations: a plain TCP client, and UDP and ICMP
// packets that are kept as they come.
import { earlier, type Millis } from "../../src/core/machine.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { ipv4Protocol, PROTOCOL_TCP } from "../../src/wire/ipv4.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { PlainTcp, type PlainTcpOptions } from "./plain-tcp.ts";
import { ReferenceAgent, type ReferenceAgentOptions } from "./reference-agent.ts";

/** Every reference agent calls itself this. */
export const REFERENCE_ADDRESS = 0x6440_0001;

export class ReferenceAgentHost {
  readonly agent: ReferenceAgent;
  /** Whole inner packets that are not TCP. */
  readonly packets: Uint8Array[] = [];
  tcp: PlainTcp | undefined;

  constructor(options: Omit<ReferenceAgentOptions, "deliver">) {
    this.agent = new ReferenceAgent({ ...options, deliver: (packet, now) => this.receive(packet, now) });
  }

  open(to: Pick<PlainTcpOptions, "destination" | "destinationPort" | "mss">, now: Millis): PlainTcp {
    const own = { source: REFERENCE_ADDRESS, sourcePort: 50_000, initialSequence: 0xffff_ff00 };
    this.tcp = new PlainTcp({ ...own, ...to, send: (packet) => this.agent.send(packet) });
    this.tcp.open(now);
    return this.tcp;
  }

  sendUdp(destination: number, destinationPort: number, payload: Uint8Array): void {
    const ends = { source: REFERENCE_ADDRESS, sourcePort: 40_000, destination, destinationPort };
    this.agent.send(encodeUdp({ ...ends, payload }));
  }

  handle(event: PeerEvent | DialEvent | { readonly type: "timeout" }, now: Millis): void {
    if (event.type === "timeout") this.tcp?.handleTimeout(now);
    this.agent.handle(event, now);
  }

  poll(): PeerCommand | Dial | undefined {
    return this.agent.poll();
  }

  deadline(): Millis | undefined {
    return earlier(this.agent.deadline(), this.tcp?.deadline());
  }

  private receive(packet: Uint8Array, now: Millis): void {
    if (ipv4Protocol(packet) === PROTOCOL_TCP) this.tcp?.receive(packet, now);
    else this.packets.push(packet.slice());
  }
}
