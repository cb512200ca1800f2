// Several probes as one role: each with its own connection, all with the same inner address, each with its own books.
import { describe, expect, test } from "bun:test";
import { Fleet, type FleetOutput } from "../../../src/agent/fleet.ts";
import type { ProbeInput } from "../../../src/agent/probe.ts";
import { encodeAck } from "../../../src/wire/tunnel.ts";
import { clientEvent } from "../../support/client-arbitraries.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { type Answers, echoOf, FLOW, ProbeWorld, payloadOf, peerOf, RUN } from "../../support/probe-world.ts";

const NUMBERED = { type: "numbered", least: { bytes: 0 }, most: { beyondLargest: 0 } } as const;
const SERIES = {
  type: "series",
  count: 50,
  delayMs: 2,
  flow: FLOW,
  content: NUMBERED,
  burst: false,
  verify: true,
} as const;
const PLAN = { activity: SERIES, collectMs: 100 } as const;

function allFinished(world: ProbeWorld) {
  return world.outputs.flatMap(({ at, output }) => (output.type === "all-finished" ? [{ at, ...output }] : []));
}

test("dials once for each agent, not all in the same instant", () => {
  const world = new ProbeWorld({ agents: 4, dial: "held" });
  world.run(100);
  const dials = world.outputs.filter(({ output }) => output.type === "dial");
  expect(dials).toEqual([0, 1, 2, 3].map((dial) => ({ at: dial * 2, output: { type: "dial", dial } })));
});

test("gives every answer to the agent of its connection, and every agent even books", () => {
  const answers: Answers = (bytes) => [{ afterMs: 5, bytes: echoOf(bytes) }];
  const world = new ProbeWorld({ agents: 10, plan: PLAN, answers });
  world.run(1000);
  const [end, ...more] = allFinished(world);
  expect(more).toEqual([]);
  expect(end!.reports).toHaveLength(10);
  for (const { ledger } of end!.reports) {
    expect(ledger).toEqual({ sent: 50, returned: 50, lost: 0, duplicate: 0, foreign: 0, corrupt: 0 });
  }
  expect(world.closes()).toHaveLength(10);
});

test("shows answers that went to another agent on both books", () => {
  const swapped: Answers = (bytes, peer) => [
    { afterMs: 5, bytes: echoOf(bytes), peer: peer === peerOf(0) ? peerOf(1) : peer },
  ];
  const plan = { ...PLAN, activity: { ...SERIES, content: { ...NUMBERED, least: { bytes: 14 } } } };
  const world = new ProbeWorld({ agents: 3, plan, answers: swapped });
  world.run(1000);
  const books = allFinished(world)[0]!.reports.map(({ ledger }) => ledger);
  expect(books).toMatchObject([
    { returned: 0, lost: 50, foreign: 0 },
    { returned: 50, lost: 0, foreign: 50 },
    { returned: 50, lost: 0, foreign: 0 },
  ]);
});

test("sends payloads that no two agents have in common", () => {
  const content = { ...NUMBERED, least: { bytes: 14 } };
  const world = new ProbeWorld({ agents: 5, plan: { ...PLAN, activity: { ...SERIES, content } } });
  world.run(1000);
  const payloads = world.sent().map((inner) => payloadOf(inner).join());
  expect(payloads).toHaveLength(250);
  expect(new Set(payloads).size).toBe(250);
});

test("ends when the last one does: one that fails does not end the others", () => {
  const world = new ProbeWorld({ agents: 3, plan: { collectMs: 500 } });
  world.run(50);
  world.input({ type: "disconnected", peer: peerOf(1), by: "peer", layer: "transport", code: 1, reason: "" });
  expect(allFinished(world)).toEqual([]);
  world.run(1000);
  const [end] = allFinished(world);
  expect(end).toMatchObject({ at: 506 });
  expect(end!.reports.map(({ closed }) => closed?.code)).toEqual([undefined, 1, undefined]);
});

test("an interrupt ends those that run, and those that have not started never do", () => {
  const world = new ProbeWorld({ agents: 50 });
  world.run(9);
  world.input({ type: "interrupt" });
  const [end] = allFinished(world);
  expect(end!.reports).toHaveLength(5);
  expect(end!.reports.every(({ interrupted }) => interrupted)).toBe(true);
  world.run(1000);
  expect(allFinished(world)).toHaveLength(1);
  expect(world.deadline()).toBeUndefined();
});

test("wakes an agent at work before the next one starts", () => {
  const activity = { ...SERIES, delayMs: 0, count: 1000 };
  const world = new ProbeWorld({ agents: 3, plan: { ...PLAN, activity } });
  world.run(2);
  expect(world.sent()).toHaveLength(256);
  expect(world.deadline()).toBe(3);
});

test("a line that was typed is for the only agent there is", () => {
  const world = new ProbeWorld({ agents: 1, plan: { activity: { type: "interactive" }, collectMs: 0 } });
  world.run(10);
  world.input({ type: "line", text: "hello" });
  expect(world.sent()).toHaveLength(1);
});

test("wakes the agent whose time has come, and tells the earliest of all", () => {
  const registration = { service: "web", expect: "any", answerMs: 0 } as const;
  const world = new ProbeWorld({ agents: 2, plan: { registration, collectMs: 300 } });
  world.run(10);
  expect(world.deadline()).toBe(202);
  world.datagram(encodeAck("web"), 1);
  world.run(193);
  expect(world.deadline()).toBe(204);
  world.run(297);
  expect(world.deadline()).toBe(502);
});

describe("the machine laws", () => {
  test("hold for a fleet", () => {
    checkMachineLaws<ProbeInput, FleetOutput>({
      create: (now) => {
        let chance = 0;
        const random = () => (chance = (chance + 0.37) % 1);
        const plan = { ...PLAN, expectRejection: false };
        return new Fleet({ plan, agents: 4, run: RUN, random, room: () => 10 }, now);
      },
      input: clientEvent(["web"]),
    });
  });
});
