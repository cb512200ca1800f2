// One end of a benchmark: registers, sends numbered inner packets, counts or echoes what arrives.
import type { Machine, Millis, Timeout } from "../../src/core/machine.ts";
import { Outbox } from "../../src/core/outbox.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import { encodeRegistration, encodeRouted, REGISTRATION_ACK } from "../../src/wire/tunnel.ts";
import { encodeUdp, udpDestinationPort, udpSourcePort } from "../../src/wire/udp.ts";

export type LoadInput =
  | { readonly type: "run"; readonly peer: PeerId; readonly bytes: number; readonly rate: number; readonly ms: Millis }
  | { readonly type: "round-trips"; readonly peer: PeerId; readonly count: number }
  | { readonly type: "ping-all" };

export type LoadOutput =
  | { readonly type: "registered"; readonly peer: PeerId }
  | { readonly type: "run-over"; readonly sent: number; readonly ms: Millis }
  | { readonly type: "round-trips-over"; readonly us: readonly number[] }
  | { readonly type: "lost-peer"; readonly reason: string };

/** A paced run, or one packet at a time. Both live in the machine: no promise or timer of the runtime is in the way. */
type Work =
  | { readonly type: "run"; readonly input: LoadInput & { type: "run" }; readonly startedAt: Millis; sent: number }
  | { readonly type: "trips"; readonly input: LoadInput & { type: "round-trips" }; sentAt: Millis; us: number[] };

/** Everything that arrives at COUNT_PORT is counted, at ECHO_PORT sent back. */
export class LoadRole implements Machine<PeerEvent | LoadInput, PeerCommand | LoadOutput> {
  readonly #role: "agent" | "connector";
  readonly #outbox = new Outbox<PeerCommand | LoadOutput>();
  readonly #peers = new Set<PeerId>();
  #work: Work | undefined;
  #tickAt: Millis | undefined;
  #datagram: Uint8Array = new Uint8Array(0);
  counted = 0;

  constructor(role: "agent" | "connector") {
    this.#role = role;
  }

  handle(input: PeerEvent | LoadInput | Timeout, now: Millis): void {
    switch (input.type) {
      case "connected":
        this.#peers.add(input.peer);
        return this.#send(input.peer, encodeRegistration(this.#role, BENCH_SERVICE));
      case "datagram":
        return this.#received(input.peer, input.bytes, now);
      case "run":
        this.#datagram = loadDatagram(input.bytes, COUNT_PORT);
        this.#work = { type: "run", input, startedAt: now, sent: 0 };
        return this.#tick(now);
      case "round-trips":
        this.#datagram = loadDatagram(256, ECHO_PORT);
        this.#work = { type: "trips", input, sentAt: now, us: [] };
        return this.#send(input.peer, this.#datagram);
      case "timeout":
        return this.#tick(now);
      case "ping-all":
        for (const peer of this.#peers) this.#outbox.push({ type: "ping", peer });
        return;
      case "dial-failed":
      case "disconnected":
        this.#peers.delete(input.peer);
        return this.#outbox.push({ type: "lost-peer", reason: `${input.type} ${input.reason}` });
    }
  }

  poll(): PeerCommand | LoadOutput | undefined {
    return this.#outbox.shift();
  }

  deadline(): Millis | undefined {
    return this.#tickAt;
  }

  #tick(now: Millis): void {
    const work = this.#work;
    this.#tickAt = undefined;
    if (work?.type !== "run") return;
    const { rate, ms, peer } = work.input;
    const elapsed = Math.min(now - work.startedAt, ms);
    for (const due = Math.floor((elapsed * rate) / 1000); work.sent < due; work.sent++)
      this.#send(peer, this.#datagram);
    if (elapsed < ms) this.#tickAt = now + TICK_MS;
    else {
      this.#work = undefined;
      this.#outbox.push({ type: "run-over", sent: work.sent, ms: now - work.startedAt });
    }
  }

  #received(peer: PeerId, bytes: Uint8Array, now: Millis): void {
    if (bytes[0] === REGISTRATION_ACK) return this.#outbox.push({ type: "registered", peer });
    if (checkIpv4(bytes) !== undefined) return;
    this.counted++;
    if (this.#role === "connector") {
      if (udpDestinationPort(bytes) === ECHO_PORT) this.#send(peer, echoOf(bytes));
      return;
    }
    const work = this.#work;
    if (work?.type !== "trips") return;
    work.us.push((now - work.sentAt) * 1000);
    work.sentAt = now;
    if (work.us.length < work.input.count) return this.#send(peer, this.#datagram);
    this.#work = undefined;
    this.#outbox.push({ type: "round-trips-over", us: work.us });
  }

  #send(peer: PeerId, bytes: Uint8Array): void {
    this.#outbox.push({ type: "send", peer, bytes });
  }
}

/** A routed datagram whose inner packet has `bytes` bytes in all. */
function loadDatagram(bytes: number, port: number): Uint8Array {
  return encodeRouted(
    BENCH_SERVICE,
    encodeUdp({
      source: 0x64400001,
      sourcePort: 40_000,
      destination: 0x0a640001,
      destinationPort: port,
      payload: new Uint8Array(Math.max(0, bytes - 28)),
    }),
  );
}

function echoOf(packet: Uint8Array): Uint8Array {
  return encodeUdp({
    source: ipv4Destination(packet),
    sourcePort: udpDestinationPort(packet),
    destination: ipv4Source(packet),
    destinationPort: udpSourcePort(packet),
    payload: packet.subarray(28),
  });
}

const BENCH_SERVICE = "bench";
const COUNT_PORT = 9;
const ECHO_PORT = 7;
const TICK_MS = 1;
