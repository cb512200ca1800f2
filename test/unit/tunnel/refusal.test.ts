// Which reasons end a role and which are waited out.
import { describe, expect, test } from "bun:test";
import { closeReason, credentialFailure } from "../../../src/tunnel/refusal.ts";

const closed = (layer: "transport" | "application", code: number, reason: string) =>
  ({ type: "disconnected", peer: 1, by: "peer", layer, code, reason }) as const;

describe("closeReason", () => {
  test("a reason code in the text wins over the number", () => {
    expect(closeReason(closed("transport", 0x01, "weak-key"))).toBe("weak-key");
    expect(closeReason(closed("transport", 0x12d, "not-yet-valid"))).toBe("not-yet-valid");
    expect(closeReason(closed("application", 0x00, "revoked"))).toBe("revoked");
  });

  test("TLS alerts have the stable names", () => {
    const names = [0x174, 0x130, 0x12d, 0x12b, 0x12a, 0x178].map((code) => closeReason(closed("transport", code, "")));
    expect(names).toEqual(["no-client-cert", "unknown-ca", "expired", "wrong-purpose", "bad-certificate", "alpn"]);
    expect(closeReason(closed("transport", 0x133, ""))).toBe("bad-certificate");
  });

  test("the same numbers on the application layer are no alerts", () => {
    expect(closeReason(closed("application", 0x174, ""))).toBe("code-372");
  });

  test("a text that is fit for a log is kept, anything else becomes the number", () => {
    expect(closeReason(closed("application", 0, "server shutting down"))).toBe("server shutting down");
    expect(closeReason(closed("application", 5, "10.0.0.1\nregistered"))).toBe("code-5");
    expect(closeReason(closed("application", 5, "x".repeat(61)))).toBe("code-5");
    expect(closeReason(closed("application", 5, "constructor"))).toBe("constructor");
  });
});

describe("credentialFailure", () => {
  const reasons = "no-client-cert unknown-ca expired not-yet-valid wrong-purpose wrong-name bad-certificate ca-as-leaf";

  test("every credential reason says what to do, on whichever side", () => {
    for (const reason of `${reasons} weak-key no-name revoked`.split(" ")) {
      for (const refused of ["relay", "own"] as const) {
        const fatal = credentialFailure(reason, refused);
        expect(fatal).toMatchObject({ type: "fatal", exit: "credentials", reason });
        expect(fatal?.sentence).toMatch(/^[A-Z].+\.$/);
      }
    }
  });

  test("it says whose certificate was refused", () => {
    expect(credentialFailure("expired", "relay")?.sentence).toStartWith("The relay's certificate");
    expect(credentialFailure("expired", "own")?.sentence).toStartWith("Our certificate");
  });

  test("an unreachable or busy relay is no credential failure", () => {
    for (const reason of ["unreachable", "refused", "alpn", "rate-limited", "timeout", "reset", "toString"]) {
      expect(credentialFailure(reason, "own")).toBeUndefined();
    }
  });
});
