// Who serves and who uses what, and what is left when they go.
import { describe, expect, test } from "bun:test";
import { Registry, type Serving } from "../../../src/relay/registry.ts";
import { session } from "../../support/relay-world.ts";

let peers = 0;
const next = () => session(++peers);

function served(registry: Registry, count: number): Serving[] {
  const servings = Array.from({ length: count }, () => registry.serve(next(), "web"));
  registry.refresh(servings[0]!.service);
  return servings;
}

describe("a registry", () => {
  test("sends an agent where it went before, as long as that connector is usable", () => {
    const registry = new Registry();
    const [first, second] = served(registry, 2);
    const agent = next();
    registry.use(agent, "web");
    const use = agent.uses[0]!;
    expect(registry.connectorFor(use, [])).toBe(second);
    registry.serve(next(), "web");
    registry.refresh(use.service);
    expect(registry.connectorFor(use, [])).toBe(second);
    second!.session.silent = true;
    registry.refresh(use.service);
    expect(registry.connectorFor(use, [])).toBe(use.service.newest);
    registry.leave(use.service.newest!.session);
    registry.refresh(use.service);
    expect(registry.connectorFor(use, [])).toBe(first);
    registry.leave(first!.session);
    registry.refresh(use.service);
    expect(registry.connectorFor(use, [])).toBeUndefined();
  });

  test("closes the gap when one of a stack of displaced connectors leaves", () => {
    const registry = new Registry();
    const [first, second, third] = served(registry, 3);
    first!.displacedBy = second;
    second!.displacedBy = third;
    expect(registry.refresh(first!.service)).toEqual([first!, second!]);
    expect(first!.service.newest).toBe(third);
    registry.leave(second!.session);
    expect(first!.displacedBy).toBe(third);
    expect(registry.refresh(first!.service)).toEqual([]);
    registry.leave(third!.session);
    expect(registry.refresh(first!.service)).toEqual([first!]);
    expect(first!.service.newest).toBe(first);
  });

  test("lets a connector speak for itself only where it serves", () => {
    const registry = new Registry();
    const [first, second] = served(registry, 2);
    const agent = next();
    registry.use(agent, "web");
    expect(registry.vouching(first!.session, agent)).toBe(first);
    expect(registry.vouching(first!.session, next())).toBeUndefined();
    first!.displacedBy = second;
    registry.refresh(first!.service);
    expect(registry.vouching(first!.session, agent)).toBeUndefined();
  });

  test("forgets a service with its last user", () => {
    const registry = new Registry();
    const [agent, connector] = [next(), next()];
    registry.use(agent, "web");
    registry.serve(connector, "web");
    registry.serve(connector, "db");
    expect(registry.size).toBe(2);
    expect(registry.leave(connector).map(({ name }) => name)).toEqual(["web", "db"]);
    expect([...registry.all()].map(({ name }) => name)).toEqual(["web"]);
    registry.leave(agent);
    expect(registry.size).toBe(0);
    expect(registry.find("web")).toBeUndefined();
  });
});
