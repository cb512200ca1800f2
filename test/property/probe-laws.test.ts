// A probe obeys the machine laws in every one of its activities, whatever its relay does.
import { test } from "bun:test";
import fc from "fast-check";
import { Probe, type ProbeInput } from "../../src/agent/probe.ts";
import type { ProbeOutput } from "../../src/agent/probe-output.ts";
import type { ProbePlan } from "../../src/agent/probe-plan.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import { clientEvent } from "../support/client-arbitraries.ts";
import { checkMachineLaws } from "../support/machine-laws.ts";
import { FLOW, RUN } from "../support/probe-world.ts";
import { RELAY_ADDRESS } from "../support/simulated-relay.ts";

const CONNECTED = {
  type: "connected",
  peer: 1,
  identity: ANONYMOUS,
  address: RELAY_ADDRESS,
  maxDatagram: 1306,
} as const;
const ONE = {
  type: "series",
  count: 1,
  delayMs: 0,
  content: { type: "bytes", bytes: Uint8Array.of(1) },
  burst: false,
  verify: false,
} as const;
const flow = FLOW;
const numbered = { type: "numbered", least: { bytes: 0 }, most: { beyondLargest: 0 } } as const;
const activities: readonly (readonly [string, ProbePlan["activity"]])[] = [
  ["collecting", { type: "collect" }],
  ["a prompt", { type: "interactive" }],
  ["round trips", { type: "rtt", samples: 3, flow, size: { bytes: 64 }, pattern: "random" }],
  ["a burst", { ...ONE, flow, count: 700, burst: true, content: numbered, verify: true }],
  ["a paced series", { ...ONE, flow, count: 5, delayMs: 20, verify: true }],
];
const typed = fc.constantFrom("hello", "", "quit").map((text) => ({ type: "line" as const, text }));
/** Mostly about the one connection that there is. */
const event = fc.tuple(clientEvent(["web"]), fc.nat(9)).map(([one, chance]): ProbeInput => {
  return "peer" in one && chance > 0 ? { ...one, peer: 1 } : one;
});
const input: fc.Arbitrary<ProbeInput> = fc.oneof(
  { weight: 8, arbitrary: event },
  { weight: 1, arbitrary: typed },
  { weight: 1, arbitrary: fc.constantFrom({ type: "line" as const }, { type: "interrupt" as const }) },
);

test.each(activities)("the laws hold with %s", (_name, activity) => {
  for (const registration of [undefined, { service: "web", expect: "ack", answerMs: 2000 } as const]) {
    const plan = { activity, collectMs: 50, expectRejection: false, ...(registration && { registration }) };
    const create = (now: number) => {
      let chance = 0;
      const random = () => (chance = (chance + 0.37) % 1);
      const probe = new Probe({ plan, agent: 1, run: RUN, random, room: () => 300 }, now);
      for (const begin of [{ type: "dialing", dial: 1, peer: 1 } as const, CONNECTED]) {
        probe.handle(begin, now);
        while (probe.poll() !== undefined);
      }
      return probe;
    };
    checkMachineLaws<ProbeInput, ProbeOutput>({ create, input, runs: 60 });
  }
});
