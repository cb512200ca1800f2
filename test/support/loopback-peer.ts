// A client of a real relay inside the test's own process: real QUIC on a real socket, every event awaited by the test.
import { Outbox } from "../../src/core/outbox.ts";
import { Endpoint } from "../../src/quic/endpoint.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { Driver } from "../../src/runtime/driver.ts";
import { openUdpSockets } from "../../src/runtime/udp-bun.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { OBSERVED_ADDRESS } from "../../src/wire/tunnel.ts";
import { pem } from "./endpoint-hosts.ts";
import type { TestCredential } from "./pki.ts";

type EventOf<Type extends PeerEvent["type"]> = Extract<PeerEvent, { type: Type }>;

interface Waiter {
  readonly matches: (event: PeerEvent) => boolean;
  readonly resolve: (event: PeerEvent) => void;
}

export interface LoopbackPeerOptions {
  readonly ca: TestCredential;
  readonly credential?: TestCredential | undefined;
  /** 127.0.0.1 or ::1, for itself and for the relay. */
  readonly host?: string | undefined;
}

export async function loopbackPeer(options: LoopbackPeerOptions): Promise<LoopbackPeer> {
  const peer = new LoopbackPeer(options);
  await peer.open();
  return peer;
}

export class LoopbackPeer implements Disposable {
  readonly #host: string;
  readonly #endpoint: Endpoint;
  readonly #commands = new Outbox<PeerCommand>();
  readonly #driver: Driver<PeerCommand, never>;
  readonly #events: PeerEvent[] = [];
  readonly #waiters: Waiter[] = [];
  #socket: UdpSocket | undefined;

  constructor({ ca, credential, host = "127.0.0.1" }: LoopbackPeerOptions) {
    this.#host = host;
    const own = credential && { certChain: pem(credential.certPem), key: pem(credential.keyPem) };
    this.#endpoint = new Endpoint(
      {
        client: { verifyPeer: true, tls: { ca: pem(ca.certPem), ...own } },
        secret: crypto.getRandomValues(new Uint8Array(32)),
        rotationMs: 300_000,
        random: (bytes) => void crypto.getRandomValues(bytes),
        wallNow: () => Date.now(),
      },
      monotonicClock.now(),
    );
    this.#driver = new Driver<PeerCommand, never>({
      role: {
        handle: (input) => this.#handle(input),
        poll: () => this.#commands.shift(),
        deadline: () => undefined,
      },
      endpoint: this.#endpoint,
      clock: monotonicClock,
      perform: () => {},
    });
  }

  async open(): Promise<void> {
    this.#socket = await openUdpSockets([{ host: this.#host, port: 0 }], this.#driver);
    this.#driver.attach(this.#socket);
  }

  dial(port: number, names: readonly string[] = ["ztna-server"]): PeerId {
    const peer = this.#endpoint.connect(this.#socket!.remote(this.#host, port), names, monotonicClock.now());
    this.#driver.wake();
    return peer;
  }

  /** Dials and waits until the relay has let us in: it then says which address it sees. We are connected earlier. */
  async connect(port: number): Promise<EventOf<"connected">> {
    const peer = this.dial(port);
    const event = await this.event((one) => "peer" in one && one.peer === peer && one.type !== "datagram");
    if (event.type !== "connected") throw new Error(`not connected: ${JSON.stringify(event)}`);
    // There is no message for IPv6 addresses.
    if (this.#host === "127.0.0.1") await this.datagram(OBSERVED_ADDRESS);
    return event;
  }

  send(peer: PeerId, bytes: Uint8Array): void {
    this.#driver.feed({ type: "send", peer, bytes });
  }

  /** The next datagram whose first byte is the given one. */
  async datagram(firstByte: number): Promise<Uint8Array> {
    const event = await this.event((one) => one.type === "datagram" && one.bytes[0] === firstByte);
    return (event as EventOf<"datagram">).bytes;
  }

  /** The first event that matches, also among those that came before; each is handed out once. */
  event(matches: (event: PeerEvent) => boolean): Promise<PeerEvent> {
    const index = this.#events.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#events.splice(index, 1)[0]!);
    return new Promise((resolve) => this.#waiters.push({ matches, resolve }));
  }

  [Symbol.dispose](): void {
    this.#driver.stop();
    this.#socket?.close();
  }

  #handle(input: PeerEvent | PeerCommand | { type: "timeout" }): void {
    if (input.type === "timeout") return;
    if (input.type === "send" || input.type === "ping" || input.type === "close") {
      this.#commands.push(input);
      return;
    }
    const event = input.type === "datagram" ? { ...input, bytes: input.bytes.slice() } : input;
    const index = this.#waiters.findIndex(({ matches }) => matches(event));
    if (index < 0) this.#events.push(event);
    else this.#waiters.splice(index, 1)[0]!.resolve(event);
  }
}
