// One end of a benchmark: registers, sends numbered inner packets, counts or echoes what arrives.
import type { Machine, Millis, Timeout } from "../../src/core/machine.ts";
import { Outbox } from "../../src/core/outbox.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import { encodeRegistration, encodeRouted, REGISTRATION_ACK } from "../../src/wire/tunnel.ts";
import { encodeUdp, udpDestinationPort, udpSourcePort } from "../../src/wire/udp.ts";

export type LoadInput =
  | { readonly type: "send"; readonly peer: PeerId; readonly bytes: Uint8Array; readonly count: number }
  | { readonly type: "ping-all" };

export type LoadOutput =
  | { readonly type: "registered"; readonly peer: PeerId }
  | { readonly type: "arrived"; readonly peer: PeerId }
  | { readonly type: "lost-peer"; readonly reason: string };

/** Everything that arrives at COUNT_PORT is counted, at ECHO_PORT sent back. */
export class LoadRole implements Machine<PeerEvent | LoadInput, PeerCommand | LoadOutput> {
  readonly #role: "agent" | "connector";
  readonly #outbox = new Outbox<PeerCommand | LoadOutput>();
  readonly peers = new Set<PeerId>();
  counted = 0;
  latencyUs: number[] = [];

  constructor(role: "agent" | "connector") {
    this.#role = role;
  }

  handle(input: PeerEvent | LoadInput | Timeout, _now: Millis): void {
    switch (input.type) {
      case "connected":
        this.peers.add(input.peer);
        return this.#outbox.push({
          type: "send",
          peer: input.peer,
          bytes: encodeRegistration(this.#role, BENCH_SERVICE),
        });
      case "datagram":
        return this.#received(input.peer, input.bytes);
      case "send":
        for (let i = 0; i < input.count; i++) this.#outbox.push(input);
        return;
      case "ping-all":
        for (const peer of this.peers) this.#outbox.push({ type: "ping", peer });
        return;
      case "dial-failed":
      case "disconnected":
        this.peers.delete(input.peer);
        return this.#outbox.push({ type: "lost-peer", reason: `${input.type} ${input.reason}` });
    }
  }

  poll(): PeerCommand | LoadOutput | undefined {
    return this.#outbox.shift();
  }

  deadline(): undefined {
    return undefined;
  }

  #received(peer: PeerId, bytes: Uint8Array): void {
    if (bytes[0] === REGISTRATION_ACK) return this.#outbox.push({ type: "registered", peer });
    if (checkIpv4(bytes) !== undefined) return;
    this.counted++;
    if (this.#role === "agent") return this.#outbox.push({ type: "arrived", peer });
    if (udpDestinationPort(bytes, 0) === ECHO_PORT) this.#outbox.push({ type: "send", peer, bytes: echoOf(bytes) });
  }
}

/** A routed datagram whose inner packet has `bytes` bytes in all. */
export function loadDatagram(bytes: number, port: number): Uint8Array {
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
    sourcePort: udpDestinationPort(packet, 0),
    destination: ipv4Source(packet),
    destinationPort: udpSourcePort(packet, 0),
    payload: packet.subarray(28),
  });
}

export const BENCH_SERVICE = "bench";
export const COUNT_PORT = 9;
export const ECHO_PORT = 7;
