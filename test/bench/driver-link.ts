// One client connection of the driver: quiche, its registration, and nothing that a role would do beside it.
import { randomFillSync } from "node:crypto";
import type { Delays } from "../../src/core/delays.ts";
import type { Millis } from "../../src/core/machine.ts";
import { DatagramQueue } from "../../src/quic/datagram-queue.ts";
import { type NativeConfig, type NativeConnection, quiche } from "../../src/quic/native.ts";
import type { PacketBatch } from "../../src/quic/packet-batch.ts";
import { MOST_WAITING_DATAGRAMS } from "../../src/quic/settings.ts";
import type { KernelAddress } from "../../src/runtime/kernel-address.ts";
import { encodeRegistration, REGISTRATION_ACK } from "../../src/wire/tunnel.ts";

export const BENCH_SERVICE = "bench";

export class DriverLink {
  readonly index: number;
  readonly #native: NativeConnection;
  readonly #relay: KernelAddress;
  readonly #info;
  readonly #registration: Uint8Array;
  #state: "handshaking" | "registering" | "registered" = "handshaking";
  /** It is on the list of those that have something to send, of those that have something to read. */
  dirty = false;
  readable = false;
  unacknowledged = 0;
  /** Packets that came since it was last read. */
  unread = 0;
  owesAck = false;
  readonly #waiting = new DatagramQueue(MOST_WAITING_DATAGRAMS);
  /** Inner packets that arrived. */
  received = 0;

  /** The first four bytes of its connection id are `index`. */
  constructor(index: number, role: "agent" | "connector", config: NativeConfig, relay: KernelAddress) {
    const { host, port, local } = relay;
    const id = randomFillSync(new Uint8Array(ID_BYTES));
    new DataView(id.buffer).setUint32(0, index);
    this.index = index;
    this.#relay = relay;
    this.#info = { from: { host, port }, to: { host: local.host, port: local.port } };
    this.#registration = encodeRegistration(role, BENCH_SERVICE);
    this.#native = quiche.Connection.connect(null, id, this.#info.to, this.#info.from, config);
  }

  get congested(): boolean {
    return this.#waiting.length > 0;
  }

  get waiting(): number {
    return this.#waiting.length + (this.registered ? this.#native.dgramSendQueueLen() : 0);
  }

  /** Why it is over; undefined while it is not. */
  get ending(): string | undefined {
    if (!this.#native.isClosed()) return undefined;
    const why = this.#native.peerError() ?? this.#native.localError();
    return why === null ? "timeout" : JSON.stringify(why);
  }

  get state(): "handshaking" | "open" {
    return this.registered ? "open" : "handshaking";
  }

  get registered(): boolean {
    return this.#state === "registered";
  }

  receive(packet: Uint8Array): void {
    this.unread++;
    this.#native.recv(packet, this.#info);
    if (this.#state !== "handshaking" || !this.#native.isEstablished()) return;
    this.#state = "registering";
    this.#native.dgramSend(this.#registration);
  }

  /** Counts what has arrived, and how long that took. */
  read(now: Millis, delays: Delays): void {
    this.unread = 0;
    for (let length = this.#native.dgramRecv(DATAGRAM); length !== null; length = this.#native.dgramRecv(DATAGRAM)) {
      const type = DATAGRAM[0]!;
      if (type >> 4 === 4) {
        this.received++;
        delays.add(now - DATAGRAM_VIEW.getFloat64(SENT_AT));
      } else if (type === REGISTRATION_ACK) this.#state = "registered";
    }
  }

  /** Kept, as the product does, while quiche takes none; false when it is refused. */
  offer(datagram: Uint8Array, now: Millis): boolean {
    const waits = this.#waiting.length > 0 || this.#native.dgramSend(datagram) === null;
    return !waits || this.#waiting.push(datagram, now);
  }

  /** True when there is more to write. */
  #refill(): boolean {
    let moved = false;
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (this.#native.dgramSendQueueLen() > 0 || this.#native.dgramSend(next) === null) break;
      this.#waiting.shift();
      moved = true;
    }
    return moved;
  }

  keepAlive(): void {
    this.#native.sendAckEliciting();
  }

  /** False when the batch is full first. */
  write(batch: PacketBatch): boolean {
    for (;;) {
      if (batch.full) return false;
      const sent = this.#native.send(batch.next());
      if (sent === null) {
        if (this.#refill()) continue;
        this.unacknowledged = 0;
        return true;
      }
      batch.commit(sent[0], this.#relay);
    }
  }

  /** Milliseconds until quiche wants to be asked again. */
  timeout(): number | null {
    return this.#native.timeout();
  }

  handleTimeout(): void {
    this.#native.onTimeout();
  }
}

export const ID_BYTES = 20;
/** Where an inner packet says when it was sent: behind its IPv4 and UDP headers, as a float64 of milliseconds. */
export const SENT_AT = 28;
const DATAGRAM = new Uint8Array(65_536);
const DATAGRAM_VIEW = new DataView(DATAGRAM.buffer);
