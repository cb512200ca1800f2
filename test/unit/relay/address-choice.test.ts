// The hash behind agent addresses: in range, fixed for ever, spread out.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { candidateAddress, NEIGHBOURS, SCATTERED } from "../../../src/relay/address-choice.ts";
import { formatIpv4 } from "../../../src/wire/address.ts";
import { anyIpv4 } from "../../support/arbitraries.ts";
import { ip } from "../../support/relay-world.ts";

const FIRST = ip("100.64.0.0");
const LAST = ip("100.127.255.255");

describe("a candidate address", () => {
  test("never changes: flows outlive a relay of another version", () => {
    const chosen = [0, 1, NEIGHBOURS].map((attempt) => candidateAddress("key", ip("100.64.0.1"), 7, attempt));
    expect(chosen.map(formatIpv4)).toEqual(["100.86.203.196", "100.86.203.197", "100.118.23.23"]);
  });

  test("lies within 100.64.0.0/10 and is neither its first nor its last", () => {
    const attempt = fc.nat(NEIGHBOURS + SCATTERED);
    fc.assert(
      fc.property(fc.string(), anyIpv4, fc.nat(), attempt, (identity, inner, salt, nth) => {
        const address = candidateAddress(identity, inner, salt, nth);
        expect(address).toBeGreaterThan(FIRST);
        expect(address).toBeLessThan(LAST);
      }),
    );
  });

  test("has neighbours that follow each other and do not depend on the salt", () => {
    for (let attempt = 1; attempt < NEIGHBOURS; attempt += 1) {
      const step = candidateAddress("x", 1, 5, attempt) - candidateAddress("x", 1, 0, attempt - 1);
      expect([1, 1 - (2 ** 22 - 2)]).toContain(step);
    }
  });

  test("collides about as rarely as chance has it", () => {
    const identities = Array.from({ length: 20_000 }, (_, i) => candidateAddress(`agent ${i}`, ip("100.64.0.1"), 0, 0));
    const sources = Array.from({ length: 20_000 }, (_, i) => candidateAddress("agent", ip("10.0.0.0") + i, 0, 0));
    const scattered = Array.from({ length: 20_000 }, (_, i) => candidateAddress("agent", 1, i, NEIGHBOURS));
    for (const addresses of [identities, sources, scattered]) {
      expect(new Set(addresses).size).toBeGreaterThan(19_880);
    }
  });
});
