// The table of UDP flows: found by what agents send, bounded, emptied when idle.
import { describe, expect, test } from "bun:test";
import { type Flow, Flows } from "../../../src/connector/flows.ts";

const LIMITS = { flows: 6, flowsPerAgent: 3, idleMs: 60_000 };

function flow(backend: number, parts: Partial<Flow> = {}): Flow {
  return { backend, service: "dns", agent: 1, agentPort: 40_000, virtual: 9, virtualPort: 53, ...parts };
}

describe("Flows", () => {
  test("tells flows apart by service, agent, agent port, virtual address and virtual port", () => {
    const flows = new Flows({ ...LIMITS, flows: 100, flowsPerAgent: 100 });
    const variants: Partial<Flow>[] = [
      {},
      { service: "log" },
      { agent: 2 },
      { agentPort: 40_001 },
      { virtual: 8 },
      { virtualPort: 54 },
    ];
    const added = variants.map((parts, index) => flow(index + 1, parts));
    for (const each of added) flows.add(each, 0);
    for (const each of added) {
      expect(flows.find(each.service, each.agent, each.agentPort, each.virtual, each.virtualPort)).toBe(each);
      expect(flows.of(each.backend)).toBe(each);
    }
    expect(flows.find("dns", 3, 40_000, 9, 53)).toBeUndefined();
    expect(flows.size).toBe(6);
  });

  test("an agent at its limit gives up its own least recently used flow", () => {
    const flows = new Flows(LIMITS);
    const own = [1, 2, 3].map((backend) => flow(backend, { agentPort: backend }));
    flows.add(flow(9, { agent: 2 }), 0);
    for (const each of own) flows.add(each, 1);
    flows.use(own[0]!, 2);
    expect(flows.excessFor(1)).toBe(own[1]!);
    expect(flows.excessFor(2)).toBeUndefined();
  });

  test("a full table gives up a flow of the agent that has most, not that of a quiet one", () => {
    const flows = new Flows(LIMITS);
    const quiet = flow(1, { agent: 1 });
    flows.add(quiet, 0);
    const busy = [2, 3, 4].map((backend) => flow(backend, { agent: 2, agentPort: backend }));
    for (const each of busy) flows.add(each, each.backend);
    for (const backend of [5, 6]) flows.add(flow(backend, { agent: 3, agentPort: backend }), backend);
    expect(flows.excessFor(4)).toBe(busy[0]!);
    flows.remove(busy[0]!);
    flows.add(flow(7, { agent: 4 }), 7);
    expect(flows.excessFor(1)).toBe(busy[1]!);
  });

  test("a full table gives up the least recently used flow of agents that have equally many", () => {
    const flows = new Flows(LIMITS);
    const all = [1, 2, 3, 4, 5, 6].map((backend) => flow(backend, { agent: backend }));
    for (const each of all) flows.add(each, each.backend);
    flows.use(all[0]!, 10);
    expect(flows.excessFor(77)).toBe(all[1]!);
  });

  test("idle flows lapse a minute after their last use, and nothing of them stays", () => {
    const flows = new Flows(LIMITS);
    const [first, second] = [flow(1), flow(2, { agentPort: 2 })];
    flows.add(first, 0);
    flows.add(second, 10);
    flows.use(first, 20);
    expect(flows.deadline()).toBe(60_010);
    expect(flows.takeExpired(60_009)).toBeUndefined();
    expect(flows.takeExpired(60_010)).toBe(second);
    expect(flows.takeExpired(60_010)).toBeUndefined();
    expect(flows.deadline()).toBe(60_020);
    flows.remove(first);
    expect([flows.size, flows.agentCount, flows.deadline()]).toEqual([0, 0, undefined]);
    expect(flows.find("dns", 1, 40_000, 9, 53)).toBeUndefined();
  });

  test("removing one flow of a port leaves the others", () => {
    const flows = new Flows(LIMITS);
    const [first, second] = [flow(1), flow(2, { virtualPort: 54 })];
    flows.add(first, 0);
    flows.add(second, 0);
    flows.remove(first);
    flows.remove(first);
    expect(flows.find("dns", 1, 40_000, 9, 54)).toBe(second);
    expect(flows.size).toBe(1);
  });
});
