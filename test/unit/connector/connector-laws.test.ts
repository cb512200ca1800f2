// A connector is a machine like any other, whatever its relay, its agents and its backends do.
import { test } from "bun:test";
import fc from "fast-check";
import type { BackendEvent } from "../../../src/connector/backend.ts";
import { Connector } from "../../../src/connector/connector.ts";
import { anyPayload } from "../../support/arbitraries.ts";
import { clientEvent } from "../../support/client-arbitraries.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { Random } from "../../support/random.ts";

const backend = fc.integer({ min: 1, max: 4 });
const backendEvent: fc.Arbitrary<BackendEvent> = fc.oneof(
  fc.record({ type: fc.constant("udp-data" as const), backend, bytes: anyPayload }),
  fc.record({
    type: fc.constant("udp-failed" as const),
    backend,
    reason: fc.constantFrom("unresolved" as const, "refused" as const, "no-socket" as const),
  }),
);

test("a connector obeys the machine laws", () => {
  checkMachineLaws({
    create: () => {
      const random = new Random(3);
      const services = ["web", "db"].map((id) => ({ id, backend: { host: "127.0.0.1" } }));
      return new Connector({ services, random: () => random.next(), udp: { flows: 3, flowsPerAgent: 2 } });
    },
    input: fc.oneof({ weight: 3, arbitrary: clientEvent(["web", "db"]) }, { weight: 1, arbitrary: backendEvent }),
    runs: 300,
  });
});
