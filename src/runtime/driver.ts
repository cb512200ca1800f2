// The loop: socket → endpoint → role → endpoint → socket. The same for relay, connector and agent.
import { type Machine, type Millis, TIMEOUT, type Timeout } from "../core/machine.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import type { PeerCommand, PeerEvent } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Clock } from "./clock.ts";
import { NativeMemory } from "./native-memory.ts";
import type { UdpSocket, UdpSocketHandlers } from "./udp-socket.ts";

export interface DriverParts<Input, Output> {
  readonly role: Machine<PeerEvent | Input, PeerCommand | Output>;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** Carries out what is not for the endpoint. May call feed(). */
  readonly perform: (output: Output, now: Millis) => void;
  readonly memory?: NativeMemory;
}

export class Driver<Input, Output extends { readonly type: string }> implements UdpSocketHandlers {
  readonly #parts: DriverParts<Input, Output>;
  readonly #memory: NativeMemory;
  /** Inputs that arrived while the role was still being polled. */
  readonly #waiting: Input[] = [];
  #socket: UdpSocket | undefined;
  #stepping = false;
  #stopped = false;

  constructor(parts: DriverParts<Input, Output>) {
    this.#parts = parts;
    this.#memory = parts.memory ?? new NativeMemory();
  }

  /** The socket is opened with this driver as its handler, and handed over once it is bound. */
  attach(socket: UdpSocket): void {
    this.#socket = socket;
    socket.wake();
  }

  /** One packet from the socket. */
  receive(packet: Uint8Array, from: SocketAddress): void {
    if (this.#stopped) return;
    const now = this.#parts.clock.now();
    this.#parts.endpoint.receive(packet, from, now);
    this.#drainEndpoint(now);
  }

  /** An input that does not come from the endpoint. Its bytes must stay valid until the role has taken it. */
  feed(input: Input): void {
    if (this.#stepping) {
      this.#waiting.push(input);
      return;
    }
    this.#step(input, this.#parts.clock.now());
    this.#socket?.wake();
  }

  /** Something changed in the endpoint or the role without an input (drain, stop, reload). */
  wake(): void {
    this.#socket?.wake();
  }

  /** Timers that are due, then everything that is ready to leave. Returns when the next timer is due. */
  flush(): Millis | undefined {
    const socket = this.#socket;
    if (socket === undefined || this.#stopped) return undefined;
    const { endpoint, role, clock } = this.#parts;
    const now = clock.now();
    if (isDue(endpoint.deadline(), now)) endpoint.handleTimeout(now);
    if (isDue(role.deadline(), now)) this.#step(TIMEOUT, now);
    this.#drainEndpoint(now);
    this.#settle(now);
    for (let round = 0; round < ROUNDS_PER_FLUSH && endpoint.pending && !socket.batch.full; round++) {
      endpoint.transmit(socket.batch, now);
      socket.flush();
      this.#drainEndpoint(now);
    }
    // A full batch waits for the socket to become writable, anything else for the next turn.
    if (endpoint.pending && !socket.batch.full) socket.wake();
    this.#memory.look(endpoint.stats.connectionsGone, now);
    return earliest(endpoint.deadline(), role.deadline());
  }

  /** Ends the loop; nothing is handled afterwards. */
  stop(): void {
    this.#stopped = true;
  }

  #drainEndpoint(now: Millis): void {
    const { endpoint } = this.#parts;
    for (let event = endpoint.poll(); event !== undefined; event = endpoint.poll()) this.#step(event, now);
  }

  #step(input: PeerEvent | Input | Timeout, now: Millis): void {
    this.#parts.role.handle(input, now);
    this.#settle(now);
  }

  /** Carries out what the role wants, then gives it what that brought, until both are quiet. */
  #settle(now: Millis): void {
    const { role, endpoint, perform } = this.#parts;
    this.#stepping = true;
    try {
      for (;;) {
        for (let output = role.poll(); output !== undefined; output = role.poll()) {
          if (isPeerCommand(output)) endpoint.perform(output);
          else perform(output, now);
        }
        const next = this.#waiting.shift();
        if (next === undefined) break;
        role.handle(next, now);
      }
    } finally {
      // A bug costs one input: stuck in this state, every later one would wait for ever.
      this.#stepping = false;
    }
  }
}

function isPeerCommand(output: { readonly type: string }): output is PeerCommand {
  return output.type === "send" || output.type === "ping" || output.type === "close";
}

function isDue(deadline: Millis | undefined, now: Millis): boolean {
  return deadline !== undefined && deadline <= now;
}

function earliest(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}

const ROUNDS_PER_FLUSH = 16;
