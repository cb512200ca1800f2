// An uplink as a machine that takes every event, the way the roles embed it.
import { Uplink, type UplinkOptions } from "../../src/tunnel/uplink.ts";
import { Random } from "./random.ts";
import type { ClientInput, ClientMachine } from "./simulated-relay.ts";

export class UplinkClient implements ClientMachine {
  readonly uplink: Uplink;
  /** Inner packets that came in. */
  readonly inner: Uint8Array[] = [];

  constructor(options: Partial<UplinkOptions> = {}, seed = 1) {
    let dials = 0;
    const random = new Random(seed);
    const defaults = {
      role: "connector",
      services: ["web"],
      nextDial: () => ++dials,
      random: () => random.next(),
    } as const;
    this.uplink = new Uplink({ ...defaults, ...options });
  }

  handle(input: ClientInput, now: number): void {
    if (input.type === "datagram") this.receive(input.peer, input.bytes, now);
    else this.uplink.handle(input, now);
  }

  poll() {
    return this.uplink.poll();
  }

  deadline(): number | undefined {
    return this.uplink.deadline();
  }

  private receive(peer: number, bytes: Uint8Array, now: number): void {
    if (peer !== this.uplink.peer) return;
    const inner = this.uplink.receive(bytes, now);
    if (inner !== undefined) this.inner.push(inner);
  }
}
