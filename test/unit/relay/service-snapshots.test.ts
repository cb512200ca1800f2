// What each service shows to metrics.
import { expect, test } from "bun:test";
import { anonymous, certificate, RelayWorld, reply, request } from "../../support/relay-world.ts";

test("three services, one of them refused: each shows who serves, who uses and what went through", () => {
  const world = new RelayWorld();
  const limited = { identity: certificate("limited", [{ role: "connector", service: "web" }]) };
  const web = world.connector("web", limited);
  world.connector("db", anonymous("203.0.113.1"));
  world.connector("db", anonymous("203.0.113.2"));
  world.register(web, "connector", "lab");
  const agent = world.agent("web");
  const [there] = world.routed(agent, "web", request());
  world.routed(agent, "web", request());
  world.datagram(web, reply(there!.bytes));
  const none = { connectors: 0, displaced: 0, silent: 0, agents: 0, denied: 0 };
  const quiet = { datagramsToConnectors: 0, datagramsToAgents: 0 };
  expect(world.relay.services()).toEqual([
    { ...none, service: "web", connectors: 1, agents: 1, datagramsToConnectors: 2, datagramsToAgents: 1 },
    { ...none, ...quiet, service: "db", connectors: 1, displaced: 1 },
    { ...none, ...quiet, service: "lab", denied: 1 },
  ]);
});
