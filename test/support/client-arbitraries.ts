// Inputs of client roles for the machine laws: any event at any time, with ids that are few enough to mean something.
import fc from "fast-check";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import type { DialEvent, PeerEvent } from "../../src/tunnel/peer.ts";
import { encodeAck, encodeNack } from "../../src/wire/tunnel.ts";
import { damaged, innerPacket, tunnelDatagram } from "./arbitraries.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";

const id = fc.integer({ min: 1, max: 6 });

/** What a relay may send: what it should, what it should not, and both in pieces. */
export function relayDatagram(services: readonly string[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    fc.constantFrom(...services).map(encodeAck),
    fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom("", ...services)).map(([s, id]) => encodeNack(s, id)),
    damaged(fc.oneof(tunnelDatagram, innerPacket)),
  );
}

export function clientEvent(services: readonly string[]): fc.Arbitrary<PeerEvent | DialEvent> {
  const maxDatagram = fc.integer({ min: 0, max: 1500 });
  const layer = fc.constantFrom("transport" as const, "application" as const);
  const by = fc.constantFrom("us" as const, "peer" as const, "timeout" as const, "reset" as const);
  const code = fc.constantFrom(0, 1, 0x0c, 0x12d, 0x174, 0x178);
  const reason = fc.constantFrom("", "revoked", "server shutting down", "\u0000\n");
  const failure = fc.constantFrom("unreachable" as const, "refused" as const, "unknown-ca" as const, "alpn" as const);
  const address = RELAY_ADDRESS;
  return fc.oneof(
    fc.record({ type: fc.constant("dialing" as const), dial: id, peer: id }),
    fc.record({ type: fc.constant("unresolved" as const), dial: id, detail: fc.constant("") }),
    fc.tuple(id, maxDatagram).map(([peer, max]) => connected(peer, max)),
    fc.record({ type: fc.constant("datagram" as const), peer: id, bytes: relayDatagram(services) }),
    fc.record({ type: fc.constant("datagram-limit" as const), peer: id, maxDatagram }),
    fc.record({ type: fc.constant("heard" as const), peer: id }),
    fc.record({ type: fc.constant("writable" as const), peer: id }),
    id.map((peer) => ({ type: "moved" as const, peer, address })),
    fc.record({ type: fc.constant("dial-failed" as const), peer: id, reason: failure, detail: fc.constant("") }),
    fc.record({ type: fc.constant("disconnected" as const), peer: id, by, layer, code, reason }),
  );
}

function connected(peer: number, maxDatagram: number): PeerEvent {
  return { type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram };
}
