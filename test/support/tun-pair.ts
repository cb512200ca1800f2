// Two hosts whose only cable is a pair of TUN devices of the product, joined in this process: what one kernel writes in
// large pieces is cut, and joined again for the other.
import { processLoop } from "../../src/runtime/process-loop.ts";
import { Tun } from "../../src/runtime/tun.ts";
import { TunDevice } from "../../src/runtime/tun-device.ts";
import { Segments } from "../../src/wire/segments.ts";
import { ip } from "./connector-world.ts";
import { NetworkNamespace } from "./network-namespace.ts";

export class TunPair implements Disposable {
  readonly hosts: readonly [NetworkNamespace, NetworkNamespace];
  readonly tuns: readonly [Tun, Tun];
  /** Packets that passed, and reads that could not be cut. */
  readonly passed = { packets: 0, longest: 0, faults: 0 };

  static async open(mtu: number): Promise<TunPair> {
    const shared = await processLoop();
    if (shared === undefined) throw new Error("descriptors cannot be polled here");
    return new TunPair(shared, mtu);
  }

  private constructor({ libc, loop }: NonNullable<Awaited<ReturnType<typeof processLoop>>>, mtu: number) {
    this.hosts = [new NetworkNamespace("left"), new NetworkNamespace("right")];
    const tun = (host: 0 | 1) => {
      const [own, other] = [ADDRESSES[host]!, ADDRESSES[1 - host]!];
      const settings = { name: undefined, address: ip(own), destinations: [ip(other)], mtu };
      const device = this.hosts[host].enter(() => TunDevice.open(libc, settings));
      const segments = new Segments();
      const read = (bytes: Uint8Array, at: number, end: number) => {
        if (segments.begin(bytes, at, end) !== undefined || !segments.limit(mtu)) this.passed.faults++;
        else while (segments.next()) this.#pass(host, bytes.subarray(segments.start, segments.end));
      };
      return new Tun({
        libc,
        loop,
        device,
        reader: { takesPackets: true, read, lost: () => this.passed.faults++ },
        room: 0,
      });
    };
    this.tuns = [tun(0), tun(1)];
    for (const each of this.tuns) each.start();
  }

  [Symbol.dispose](): void {
    for (const tun of this.tuns) tun.close();
    for (const host of this.hosts) host[Symbol.dispose]();
  }

  #pass(from: 0 | 1, packet: Uint8Array): void {
    this.passed.packets++;
    this.passed.longest = Math.max(this.passed.longest, packet.length);
    this.tuns[1 - from]!.write(packet);
  }
}

export const ADDRESSES = ["10.98.0.1", "10.98.0.2"] as const;
