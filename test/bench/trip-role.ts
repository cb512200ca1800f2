// One end of a conversation of one packet at a time: asks, or gives back what it is asked, as a connector behind a relay
// or as a server that the agent reaches without one.
import type { Machine, Millis, Timeout } from "../../src/core/machine.ts";
import { Outbox } from "../../src/core/outbox.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import {
  AGENT_REGISTRATION,
  encodeAck,
  encodeRegistration,
  encodeRouted,
  REGISTRATION_ACK,
  ROUTED_PACKET,
  routedInnerStart,
} from "../../src/wire/tunnel.ts";
import { encodeUdp, udpDestinationPort, udpSourcePort } from "../../src/wire/udp.ts";
import { BENCH_SERVICE } from "./driver-link.ts";

export type TripInput = { readonly type: "trips"; readonly number: string; readonly count: number };
export type TripOutput =
  | { readonly type: "ready" }
  | { readonly type: "trips-over"; readonly number: string; readonly us: readonly number[] }
  | { readonly type: "lost-peer"; readonly reason: string };

export class TripRole implements Machine<PeerEvent | TripInput, PeerCommand | TripOutput> {
  readonly #role: "agent" | "connector" | "server";
  readonly #outbox = new Outbox<PeerCommand | TripOutput>();
  #peer: PeerId = 0;
  #number = "";
  #left = 0;
  #sentAt: Millis = 0;
  #us: number[] = [];

  constructor(role: "agent" | "connector" | "server") {
    this.#role = role;
  }

  handle(input: PeerEvent | TripInput | Timeout, now: Millis): void {
    switch (input.type) {
      case "connected":
        this.#peer = input.peer;
        if (this.#role !== "server") this.#send(encodeRegistration(this.#role, BENCH_SERVICE));
        return;
      case "datagram":
        return this.#received(input.bytes, now);
      case "trips":
        this.#number = input.number;
        this.#left = input.count;
        this.#us = [];
        return this.#ask(now);
      case "dial-failed":
      case "disconnected":
        return this.#outbox.push({ type: "lost-peer", reason: `${input.type} ${input.reason}` });
    }
  }

  poll(): PeerCommand | TripOutput | undefined {
    return this.#outbox.shift();
  }

  deadline(): undefined {
    return undefined;
  }

  #received(bytes: Uint8Array, now: Millis): void {
    if (bytes[0] === REGISTRATION_ACK) return this.#outbox.push({ type: "ready" });
    if (bytes[0] === AGENT_REGISTRATION) return this.#send(encodeAck(BENCH_SERVICE));
    const packet = bytes[0] === ROUTED_PACKET ? bytes.subarray(routedInnerStart(bytes)) : bytes;
    if (checkIpv4(packet) !== undefined) return;
    if (this.#role !== "agent") return this.#send(echoOf(packet));
    this.#us.push((now - this.#sentAt) * 1000);
    if (--this.#left > 0) return this.#ask(now);
    this.#outbox.push({ type: "trips-over", number: this.#number, us: this.#us });
  }

  #ask(now: Millis): void {
    this.#sentAt = now;
    this.#send(QUESTION);
  }

  #send(bytes: Uint8Array): void {
    this.#outbox.push({ type: "send", peer: this.#peer, bytes });
  }
}

function echoOf(packet: Uint8Array): Uint8Array {
  return encodeUdp({
    source: ipv4Destination(packet),
    sourcePort: udpDestinationPort(packet),
    destination: ipv4Source(packet),
    destinationPort: udpSourcePort(packet),
    payload: packet.subarray(HEADERS),
  });
}

const HEADERS = 28;
/** 256 bytes of inner packet. */
const QUESTION = encodeRouted(
  BENCH_SERVICE,
  encodeUdp({
    source: 0x64400001,
    sourcePort: 40_000,
    destination: 0x0a640001,
    destinationPort: 7,
    payload: new Uint8Array(256 - HEADERS),
  }),
);
