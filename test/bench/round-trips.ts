// Round trips through a tunnel: a small UDP packet at a steady pace to an echo at the other end, whatever else passes.
import type { Target } from "./tunnel.ts";
import type { TunnelNetwork } from "./tunnel-network.ts";

export interface RoundTrips {
  readonly sent: number;
  readonly lost: number;
  /** In microseconds, of those that came back, sorted. */
  readonly us: readonly number[];
}

export class RoundTripProbe implements AsyncDisposable {
  readonly #sentAt: number[] = [];
  readonly #us: number[] = [];
  readonly #socket: Bun.udp.Socket<"uint8array">;
  readonly #timer: Timer;

  private constructor(socket: Bun.udp.Socket<"uint8array">, target: Target) {
    this.#socket = socket;
    this.#timer = setInterval(() => {
      const packet = new Uint8Array(PACKET_BYTES);
      new DataView(packet.buffer).setUint32(0, this.#sentAt.push(performance.now()) - 1);
      socket.send(packet, target.port, target.host);
    }, PACE_MS);
  }

  static async start(network: TunnelNetwork, target: Target): Promise<RoundTripProbe> {
    let heard = (_packet: Uint8Array): void => {};
    const handlers = { data: (_: unknown, packet: Uint8Array) => heard(packet), error: () => {} };
    const socket = await network.hosts.agent.enter(() =>
      Bun.udpSocket({ hostname: "0.0.0.0", port: 0, binaryType: "uint8array", socket: handlers }),
    );
    const probe = new RoundTripProbe(socket, target);
    heard = (packet) => probe.#heard(packet);
    return probe;
  }

  /** Ends it, once the last packets had their time to come back. */
  async finish(): Promise<RoundTrips> {
    clearInterval(this.#timer);
    await Bun.sleep(LATE_MS);
    const sent = this.#sentAt.length;
    return { sent, lost: sent - this.#us.length, us: this.#us.toSorted((a, b) => a - b) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #heard(packet: Uint8Array): void {
    const sentAt = this.#sentAt[new DataView(packet.buffer, packet.byteOffset).getUint32(0)];
    if (sentAt !== undefined) this.#us.push((performance.now() - sentAt) * 1000);
  }
}

const PACE_MS = 10;
const PACKET_BYTES = 64;
const LATE_MS = 200;
