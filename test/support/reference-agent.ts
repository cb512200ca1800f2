// The reference's agent as a machine for tests: packets of its host to the relay, wrapped for services of its table and
// bare for everything else, in datagrams of at most 1156 bytes though its interface takes packets of 1280.
import type { Millis } from "../../src/core/machine.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { ipv4Destination } from "../../src/wire/ipv4.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { ReferenceUplink } from "./reference-uplink.ts";

export interface ReferenceAgentOptions {
  readonly services: readonly { readonly id: string; readonly virtualIp: number }[];
  /** As an agent without a table does: everything goes bare, to whichever service is registered. */
  readonly bare?: boolean;
  /** A packet for its host's network stack, lent. */
  readonly deliver: (packet: Uint8Array, now: Millis) => void;
}

export class ReferenceAgent {
  readonly uplink: ReferenceUplink;
  private readonly options: ReferenceAgentOptions;

  constructor(options: ReferenceAgentOptions) {
    this.options = options;
    const services = options.services.map(({ id }) => id);
    this.uplink = new ReferenceUplink({ role: "agent", services, largestDatagram: LARGEST_DATAGRAM });
  }

  /** A packet of its host. */
  send(packet: Uint8Array): void {
    const destination = ipv4Destination(packet);
    const service = this.options.bare === true ? undefined : this.serviceAt(destination);
    this.uplink.send(service === undefined ? packet : encodeRouted(service, packet));
  }

  handle(event: PeerEvent | DialEvent | { readonly type: "timeout" }, now: Millis): void {
    if (event.type !== "datagram") return this.uplink.handle(event, now);
    const inner = this.uplink.receive(event.bytes);
    if (inner !== undefined && inner.length > 0 && inner[0]! >> 4 === 4) this.options.deliver(inner, now);
  }

  poll(): PeerCommand | Dial | undefined {
    return this.uplink.poll();
  }

  deadline(): Millis | undefined {
    return this.uplink.deadline();
  }

  private serviceAt(address: number): string | undefined {
    return this.options.services.find(({ virtualIp }) => virtualIp === address)?.id;
  }
}

/** Of 1200-byte QUIC packets towards a relay with connection ids of 20 bytes. */
const LARGEST_DATAGRAM = 1156;
