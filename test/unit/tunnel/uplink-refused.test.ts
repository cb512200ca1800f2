// Refusals: which end an uplink, which are waited out.
import { describe, expect, test } from "bun:test";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { encodeAck, encodeNack } from "../../../src/wire/tunnel.ts";
import { disconnected, events, registration, uplinkByHand } from "../../support/uplink-by-hand.ts";

describe("Uplink, refused", () => {
  const fatal = (reason: string) => ({ type: "fatal", exit: "credentials", reason });

  test("a credential failure of the first handshake is fatal", () => {
    const { uplink, handle } = uplinkByHand();
    handle(TIMEOUT, 0);
    handle({ type: "dialing", dial: 1, peer: 7 }, 0);
    const outputs = handle({ type: "dial-failed", peer: 7, reason: "unknown-ca", detail: "" }, 20);
    expect(outputs).toEqual([expect.objectContaining(fatal("unknown-ca"))]);
    expect(uplink.state).toBe("failed");
    expect(uplink.deadline()).toBeUndefined();
  });

  test("so is a TLS alert or a reason code right after it", () => {
    for (const [code, text, reason] of [
      [0x174, "", "no-client-cert"],
      [0x01, "weak-key", "weak-key"],
    ] as const) {
      const { handle, connect } = uplinkByHand();
      connect(0);
      expect(handle(disconnected(7, "peer", code, text), 20)).toEqual([expect.objectContaining(fatal(reason))]);
    }
  });

  test("an unreachable relay is not", () => {
    const { uplink, handle } = uplinkByHand();
    handle(TIMEOUT, 0);
    handle({ type: "dialing", dial: 1, peer: 7 }, 0);
    handle({ type: "dial-failed", peer: 7, reason: "unreachable", detail: "nothing answered" }, 20);
    expect(uplink.state).toBe("connecting");
    expect(handle(TIMEOUT, 1000)).toEqual([{ type: "dial", dial: 2 }]);
  });

  test("after a success, or when the owner had one elsewhere, credentials are retried too", () => {
    const first = uplinkByHand();
    first.connect(0);
    first.receive(encodeAck("web"), 10);
    expect(events(first.handle(disconnected(7, "peer", 0x12d, ""), 20))).toEqual([
      { event: "relay-unavailable", reason: "expired" },
    ]);
    expect(first.uplink.state).toBe("connecting");
    const second = uplinkByHand({ mayGiveUp: () => false });
    second.connect(0);
    second.handle(disconnected(7, "peer", 0x12d, ""), 20);
    expect(second.uplink.state).toBe("connecting");
  });

  test("a refused service is a success of the credentials, and is asked for again after half a minute", () => {
    const { uplink, handle, receive, connect } = uplinkByHand();
    connect(0);
    expect(events(receive(encodeNack(2, "web"), 10).outputs)).toMatchObject([
      { event: "registration-denied", service: "web", reason: "not-granted" },
    ]);
    expect(uplink.registration("web")?.state).toBe("denied");
    for (let now = 3010; now < 30_010; now += 3000) {
      handle(TIMEOUT, now);
      handle({ type: "heard", peer: 7 }, now);
    }
    expect(handle(TIMEOUT, 30_010)).toContainEqual(registration(7));
    expect(events(receive(encodeAck("web"), 30_020).outputs)).toEqual([{ event: "registered", service: "web" }]);
  });
});
