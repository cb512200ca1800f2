// A relay and the way to it in virtual time, for one client role: handshakes, loss, restarts with and without stateless
// resets, registrations. It knows QUIC only as far as a client role can tell.
import type { Millis } from "../../src/core/machine.ts";
import { TIMEOUT } from "../../src/core/machine.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import type { Dial, DialEvent, DialFailure, Fatal, Notice, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import type { SocketAddress } from "../../src/wire/address.ts";
import { encodeAck, encodeObservedAddress, parseTunnelDatagram } from "../../src/wire/tunnel.ts";

export type ClientInput = PeerEvent | DialEvent | typeof TIMEOUT;
export type ClientOutput = PeerCommand | Dial | Notice | Fatal | { readonly type: string };

export interface ClientMachine {
  handle(input: ClientInput, now: Millis): void;
  poll(): ClientOutput | undefined;
  deadline(): Millis | undefined;
}

export interface SimulationOptions {
  readonly rttMs?: Millis;
  /** Whether a restarted relay answers packets of connections that it does not know. */
  readonly resets?: boolean;
  /** Decides about one datagram or ping in one direction. */
  readonly isLost?: (what: "to-relay" | "to-client") => boolean;
  /** What the relay answers to a registration; the default acknowledges it. Undefined: nothing. */
  readonly answer?: (service: string) => Uint8Array | undefined;
}

interface Connection {
  readonly epoch: number;
  /** The client knows that it is connected. */
  open: boolean;
}

export class SimulatedRelay {
  now: Millis = 0;
  /** When each dial was started. */
  readonly dials: Millis[] = [];
  readonly notices: { readonly at: Millis; readonly notice: Notice }[] = [];
  readonly fatals: Fatal[] = [];
  /** Datagrams that reached a living relay on a connection that it knows. */
  readonly received: { readonly at: Millis; readonly bytes: Uint8Array }[] = [];
  readonly registrations: { readonly at: Millis; readonly service: string }[] = [];
  readonly pings: Millis[] = [];
  readonly otherOutputs: ClientOutput[] = [];
  /** The services that the relay has registered right now. */
  readonly registered = new Set<string>();
  /** Set: handshakes fail with this instead of connecting. */
  refusal: DialFailure | undefined;
  up = true;
  private readonly client: ClientMachine;
  private readonly options: SimulationOptions;
  private readonly queue: { readonly at: Millis; readonly order: number; readonly action: () => void }[] = [];
  private readonly connections = new Map<number, Connection>();
  private epoch = 0;
  private peers = 0;
  private order = 0;
  private spins = 0;

  constructor(client: ClientMachine, options: SimulationOptions = {}) {
    this.client = client;
    this.options = options;
  }

  /** Kill -9: nothing is said, everything is forgotten. */
  kill(): void {
    this.up = false;
    this.epoch++;
    this.registered.clear();
  }

  start(): void {
    this.up = true;
  }

  /** Closes every connection the way a relay does. */
  closeAll(layer: "transport" | "application", code: number, reason: string): void {
    for (const [peer, connection] of this.connections) {
      if (!connection.open) continue;
      this.connections.delete(peer);
      this.deliver({ type: "disconnected", peer, by: "peer", layer, code, reason });
    }
    this.registered.clear();
  }

  sendToClient(bytes: Uint8Array): void {
    for (const [peer, connection] of this.connections) {
      if (connection.epoch === this.epoch && connection.open) this.sendTo(peer, bytes);
    }
  }

  /** Connections that a living relay still has. */
  get openConnections(): number {
    return [...this.connections.values()].filter((each) => each.epoch === this.epoch && each.open).length;
  }

  at(time: Millis, action: () => void): void {
    this.queue.push({ at: time, order: this.order++, action });
    this.queue.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  runUntil(end: Millis): void {
    for (;;) {
      const due = this.client.deadline() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(due, this.queue[0]?.at ?? Number.POSITIVE_INFINITY);
      if (next > end) break;
      this.spins = next > this.now ? 0 : this.spins + 1;
      if (this.spins > MAX_SPINS) throw new Error(`the client asks for the same deadline for ever: ${due}`);
      this.now = Math.max(this.now, next);
      if (this.queue[0] !== undefined && this.queue[0].at <= this.now) this.queue.shift()!.action();
      else this.deliver(TIMEOUT);
    }
    this.now = end;
  }

  /** Carries out what the client wants after something was done to it directly. */
  pump(): void {
    for (let output = this.client.poll(); output !== undefined; output = this.client.poll()) this.perform(output);
  }

  private deliver(input: ClientInput): void {
    this.client.handle(input, this.now);
    this.pump();
  }

  private perform(output: ClientOutput): void {
    if (isNotice(output)) this.notices.push({ at: this.now, notice: output });
    else if (isFatal(output)) this.fatals.push(output);
    else if (isDial(output)) this.dial(output.dial);
    else if (isPeerCommand(output)) this.command(output);
    else this.otherOutputs.push(output);
  }

  private dial(dial: number): void {
    this.dials.push(this.now);
    const peer = ++this.peers;
    this.connections.set(peer, { epoch: -1, open: false });
    this.at(this.now + RESOLVE_MS, () => this.deliver({ type: "dialing", dial, peer }));
    for (const resend of [0, 1000, 3000, 7000]) {
      this.at(this.now + RESOLVE_MS + resend + this.half, () => this.initialArrives(peer));
    }
  }

  private initialArrives(peer: number): void {
    const connection = this.connections.get(peer);
    if (!this.up || connection === undefined || connection.epoch >= 0) return;
    const refusal = this.refusal;
    if (refusal !== undefined) {
      this.connections.delete(peer);
      this.at(this.now + this.half, () => this.deliver({ type: "dial-failed", peer, reason: refusal, detail: "" }));
      return;
    }
    this.connections.set(peer, { epoch: this.epoch, open: false });
    this.at(this.now + 3 * this.half, () => this.handshakeCompletes(peer));
  }

  private handshakeCompletes(peer: number): void {
    const connection = this.connections.get(peer);
    if (connection === undefined || connection.epoch !== this.epoch || !this.up) return;
    connection.open = true;
    this.deliver({ type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram: 1306 });
    this.sendTo(peer, encodeObservedAddress(0xcb007105, 54321));
  }

  private command(command: PeerCommand): void {
    if (command.type === "close") {
      this.connections.delete(command.peer);
      return;
    }
    if (command.type === "ping") {
      this.pings.push(this.now);
      this.ping(command.peer);
    } else if (this.options.isLost?.("to-relay") !== true) {
      const bytes = command.bytes.slice();
      this.at(this.now + this.half, () => this.arrives(command.peer, bytes));
    }
  }

  /** QUIC probes again until something is answered. */
  private ping(peer: number): void {
    const lost = this.options.isLost?.("to-relay") === true || this.options.isLost?.("to-client") === true;
    if (!lost) this.at(this.now + this.half, () => this.arrives(peer, undefined));
    else if (this.connections.has(peer)) this.at(this.now + 3 * this.half * 2, () => this.ping(peer));
  }

  private arrives(peer: number, bytes: Uint8Array | undefined): void {
    const connection = this.connections.get(peer);
    if (!this.up || connection === undefined || !connection.open) return;
    if (connection.epoch !== this.epoch) {
      if (this.options.resets !== false) this.at(this.now + this.half, () => this.reset(peer));
      return;
    }
    if (bytes === undefined) {
      this.at(this.now + this.half, () => {
        if (this.connections.has(peer)) this.deliver({ type: "heard", peer });
      });
      return;
    }
    this.received.push({ at: this.now, bytes });
    const message = parseTunnelDatagram(bytes);
    if (message.type !== "registration") return;
    this.registrations.push({ at: this.now, service: message.service });
    const answer =
      this.options.answer === undefined ? encodeAck(message.service) : this.options.answer(message.service);
    if (answer !== undefined && answer[0] === 0x12) this.registered.add(message.service);
    if (answer !== undefined) this.sendTo(peer, answer);
  }

  private reset(peer: number): void {
    if (!this.connections.delete(peer)) return;
    this.deliver({ type: "disconnected", peer, by: "reset", layer: "transport", code: 0, reason: "" });
  }

  private sendTo(peer: number, bytes: Uint8Array): void {
    if (this.options.isLost?.("to-client") === true) return;
    this.at(this.now + this.half, () => {
      if (this.connections.has(peer)) this.deliver({ type: "datagram", peer, bytes });
    });
  }

  private get half(): Millis {
    return (this.options.rttMs ?? 20) / 2;
  }
}

function isNotice(output: ClientOutput): output is Notice {
  return output.type === "notice";
}

function isFatal(output: ClientOutput): output is Fatal {
  return output.type === "fatal";
}

function isDial(output: ClientOutput): output is Dial {
  return output.type === "dial";
}

function isPeerCommand(output: ClientOutput): output is PeerCommand {
  return output.type === "send" || output.type === "ping" || output.type === "close";
}

export const RELAY_ADDRESS: SocketAddress = {
  host: "192.0.2.10",
  port: 4433,
  family: 4,
  ipv4: 0xc000020a,
  local: { socket: 0, host: "0.0.0.0", port: 40000 },
};

const RESOLVE_MS = 1;
const MAX_SPINS = 10_000;
