// One end of a benchmark on a real socket: an endpoint, a driver and a role.
import { randomFillSync } from "node:crypto";
import { Endpoint } from "../../src/quic/endpoint.ts";
import type { TlsMaterial } from "../../src/quic/settings.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { Driver } from "../../src/runtime/driver.ts";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";
import type { PeerId } from "../../src/tunnel/peer.ts";
import { type LoadInput, type LoadOutput, LoadRole } from "./load-role.ts";

export class LoadEnd {
  readonly role: LoadRole;
  readonly #endpoint: Endpoint;
  readonly #driver: Driver<LoadInput, LoadOutput>;
  readonly #relay: { readonly host: string; readonly port: number };
  readonly #waiting = new Map<PeerId, () => void>();
  #socket: UdpSocket | undefined;
  #over: (output: LoadOutput) => void = () => {};

  constructor(role: "agent" | "connector", tls: TlsMaterial, relay: { host: string; port: number }) {
    this.#relay = relay;
    this.role = new LoadRole(role);
    const random = (bytes: Uint8Array) => randomFillSync(bytes);
    const options = { client: { verifyPeer: true, tls }, rotationMs: 300_000, random, wallNow: () => Date.now() };
    this.#endpoint = new Endpoint({ ...options, secret: randomFillSync(new Uint8Array(32)) }, monotonicClock.now());
    this.#driver = new Driver<LoadInput, LoadOutput>({
      role: this.role,
      endpoint: this.#endpoint,
      clock: monotonicClock,
      perform: (output) => this.#perform(output),
    });
  }

  async open(): Promise<void> {
    const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], this.#driver, { io: "auto" });
    this.#socket = socket;
    this.#driver.attach(socket);
  }

  /** Resolves when the relay has acknowledged the registration. */
  connect(): Promise<PeerId> {
    const to = this.#socket!.remote(this.#relay.host, this.#relay.port);
    const peer = this.#endpoint.connect(to, ["ztna-server"], monotonicClock.now());
    this.#driver.wake();
    return new Promise((resolve) => this.#waiting.set(peer, () => resolve(peer)));
  }

  /** Resolves with what the role says at the end. */
  work(input: LoadInput): Promise<LoadOutput> {
    const over = new Promise<LoadOutput>((resolve) => {
      this.#over = resolve;
    });
    this.#driver.feed(input);
    return over;
  }

  pingAll(): void {
    this.#driver.feed({ type: "ping-all" });
  }

  /** Datagrams that our own queue refused. */
  get refused(): number {
    return this.#endpoint.stats.datagramsDropped["queue-full"];
  }

  #perform(output: LoadOutput): void {
    if (output.type === "lost-peer") throw new Error(`the benchmark lost a connection: ${output.reason}`);
    if (output.type !== "registered") return this.#over(output);
    this.#waiting.get(output.peer)?.();
    this.#waiting.delete(output.peer);
  }
}
