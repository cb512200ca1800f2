// The seat of local flows in the agent: what they are told, and where their packets and commands go.
import { expect, test } from "bun:test";
import { encodeNack, encodeRouted } from "../../../src/wire/tunnel.ts";
import { AgentWorld, SERVICES } from "../../support/agent-world.ts";
import { udp } from "../../support/connector-world.ts";
import { ScriptedLocalNetwork } from "../../support/scripted-local-network.ts";

const LOCAL = "100.64.0.9:5000";
const WEB = "10.100.0.2:80";

function setUp() {
  const local = new ScriptedLocalNetwork();
  return { local, world: new AgentWorld(SERVICES, { local }) };
}

const registrations = ({ heard }: ScriptedLocalNetwork) =>
  heard.flatMap(([what, ...rest]) => (what === "registration" ? [rest.join(" ").trim()] : []));

test("they learn what the relay says about each service, once", () => {
  const { local, world } = setUp();
  expect(registrations(local)).toEqual(["web unavailable", "echo-service unavailable"]);
  world.connect(1306, { "echo-service": 2 });
  expect(registrations(local).slice(2)).toEqual(["web registered", "echo-service denied not-granted"]);
  world.fromRelay(encodeNack(3, "echo-service"));
  expect(registrations(local).slice(4)).toEqual(["echo-service denied limit"]);
  world.disconnect();
  expect(registrations(local).slice(5)).toEqual(["web unavailable", "echo-service unavailable"]);
});

test("they learn how large a packet may be, and when that changes", () => {
  const { local, world } = setUp();
  expect(local.limit("web")).toBe(0);
  world.connect(1306);
  expect([local.limit("web"), local.limit("echo-service"), local.limit("other")]).toEqual([1301, 1292, 0]);
  world.handle({ type: "datagram-limit", peer: world.peer, maxDatagram: 1200 });
  expect(local.limit("web")).toBe(1195);
});

test("their packets go to the service that they name, while the connection takes them", () => {
  const { local, world } = setUp();
  world.connect();
  const packets = ["one", "two", "three"].map((payload) => udp(LOCAL, WEB, payload));
  local.packets.push(...packets.map((bytes) => ({ service: "web", bytes })));
  world.room = 0;
  world.handle({ type: "local-udp-failed", socket: 1 });
  expect(world.sent).toEqual([]);
  expect(local.packets).toHaveLength(3);
  world.room = 9;
  world.handle({ type: "writable", peer: world.peer });
  expect(world.sent).toEqual(packets.map((bytes) => encodeRouted("web", bytes)));
  expect(world.agent.stats.hops.local).toMatchObject({ received: 3, forwarded: 3 });
});

test("what cannot be sent is counted, and what comes after it goes", () => {
  const { local, world } = setUp();
  world.connect(1306, { "echo-service": 2 });
  const fine = udp(LOCAL, WEB);
  local.packets.push({ service: "echo-service", bytes: fine }, { service: "none", bytes: fine });
  local.packets.push({ service: "web", bytes: new Uint8Array(1302) }, { service: "web", bytes: fine });
  world.handle({ type: "local-udp-failed", socket: 1 });
  expect(world.sent).toEqual([encodeRouted("web", fine)]);
  expect(world.agent.stats.hops.local.dropped).toEqual({ denied: 1, "no-route": 1, "too-large": 1 });
});

test("device and local flows take turns", () => {
  const { local, world } = setUp();
  world.connect();
  world.room = 0;
  world.fromTun(udp("100.64.0.1:1", WEB, "device"));
  local.packets.push({ service: "web", bytes: udp(LOCAL, WEB, "local") });
  local.packets.push({ service: "web", bytes: udp(LOCAL, WEB, "local") });
  world.handle({ type: "local-udp-failed", socket: 1 });
  world.room = 9;
  world.drain();
  const texts = world.sent.map((bytes) => new TextDecoder().decode(bytes.subarray(5 + 28)));
  expect(texts).toHaveLength(3);
  expect(texts.indexOf("device")).toBeLessThan(2);
});

test("what comes for their address is theirs; without a flow it is counted", () => {
  const { local, world } = setUp();
  world.connect();
  const reply = udp(WEB, LOCAL);
  expect(world.fromRelay(reply)).toEqual([]);
  expect(local.heard.at(-1)).toEqual(["receive", reply]);
  local.known = false;
  world.fromRelay(reply);
  expect(world.dropped).toEqual({ "no-flow": 1 });
  expect(world.agent.stats.hops.relay).toMatchObject({ received: 4, forwarded: 1 });
});

test("their commands come out, their deadline counts, and they hear of timeouts and of the end", () => {
  const { local, world } = setUp();
  local.commands.push({ type: "local-udp-close", socket: 3 });
  world.handle({ type: "local-udp-failed", socket: 3 });
  expect(world.others).toContainEqual({ type: "local-udp-close", socket: 3 });
  local.dueAt = world.now + 1;
  world.connect();
  expect(world.agent.deadline()).toBe(world.now + 1);
  expect(local.heard).toContainEqual(["timeout", world.now]);
  local.packets.push({ service: "web", bytes: udp(LOCAL, WEB, "reset") });
  world.agent.stop(world.now);
  world.drain();
  expect(local.heard.map(([what]) => what)).toContain("stop");
  expect(world.sent.at(-1)).toEqual(encodeRouted("web", udp(LOCAL, WEB, "reset")));
});
