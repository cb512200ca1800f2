// An uplink driven by hand: one input at a time, and what it puts out because of it.
import { TIMEOUT } from "../../src/core/machine.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import type { PeerEvent } from "../../src/tunnel/peer.ts";
import type { UplinkInput, UplinkOptions, UplinkOutput } from "../../src/tunnel/uplink.ts";
import { encodeRegistration } from "../../src/wire/tunnel.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";
import { UplinkClient } from "./uplink-client.ts";

export function uplinkByHand(options: Partial<UplinkOptions> = {}) {
  const { uplink } = new UplinkClient({ random: () => 0, ...options });
  const drain = () => {
    const outputs: UplinkOutput[] = [];
    for (let output = uplink.poll(); output !== undefined; output = uplink.poll()) outputs.push(output);
    return outputs;
  };
  const handle = (input: UplinkInput | typeof TIMEOUT, now: number) => {
    uplink.handle(input, now);
    return drain();
  };
  const receive = (bytes: Uint8Array, now: number) => {
    const inner = uplink.receive(bytes, now);
    return { inner, outputs: drain() };
  };
  const connect = (now: number, peer = 7) => {
    const dial = handle(TIMEOUT, now).find((output) => output.type === "dial")!.dial;
    handle({ type: "dialing", dial, peer }, now);
    return handle(connected(peer), now);
  };
  return { uplink, drain, handle, receive, connect };
}

export const connected = (peer: number): UplinkInput =>
  ({ type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram: 1306 }) as const;

export const disconnected = (
  peer: number,
  by: "us" | "peer" | "timeout" | "reset",
  code = 0,
  reason = "",
  layer: "transport" | "application" = "transport",
): Extract<PeerEvent, { type: "disconnected" }> => ({ type: "disconnected", peer, by, layer, code, reason });

export const registration = (peer: number, service = "web") =>
  ({ type: "send", peer, bytes: encodeRegistration("connector", service) }) as const;

export const close = (peer: number, reason: string) =>
  ({ type: "close", peer, layer: "application", code: 0, reason }) as const;

export const events = (outputs: UplinkOutput[]) =>
  outputs
    .filter((output) => output.type === "notice")
    .map(({ event, fields }): Record<string, string | number> => ({ event, ...fields }));
