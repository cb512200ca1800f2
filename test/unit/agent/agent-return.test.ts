// What an agent does after the relay was away: it says where it is before anybody needs it.
import { expect, test } from "bun:test";
import { formatIpv4 } from "../../../src/wire/address.ts";
import { encodeEchoReply, ICMP_ECHO_REQUEST, icmpType } from "../../../src/wire/icmp.ts";
import { ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import { NACK_NOT_GRANTED, parseTunnelDatagram } from "../../../src/wire/tunnel.ts";
import { AgentWorld } from "../../support/agent-world.ts";
import { udp } from "../../support/connector-world.ts";

/** The echo requests that were sent, as "service from to". */
function announced(world: AgentWorld) {
  return world.sent.splice(0).map((bytes) => {
    const message = parseTunnelDatagram(bytes);
    if (message.type !== "routed" || icmpType(message.inner) !== ICMP_ECHO_REQUEST) throw new Error("no echo request");
    return { ...message, ends: [ipv4Source(message.inner), ipv4Destination(message.inner)].map(formatIpv4) };
  });
}

test("it announces itself to every service that it may use, after a reconnection only", () => {
  const world = new AgentWorld().connect();
  expect(announced(world)).toEqual([]);
  world.disconnect();
  world.now += 1000;
  world.connect(1306, { "echo-service": NACK_NOT_GRANTED });
  const [only, none] = announced(world);
  expect([only?.service, only?.ends, none]).toEqual(["web", ["100.64.0.1", "10.100.0.2"], undefined]);
  expect(world.agent.stats.announcements).toBe(1);
});

test("it goes on until it hears from there; the answer is not for the host", () => {
  const world = new AgentWorld().connect();
  world.fromTun(udp("100.64.0.1:5000", "10.100.0.1:7"));
  world.sent.length = 0;
  world.disconnect();
  world.now += 1000;
  world.connect();
  const first = announced(world);
  expect(first.map(({ service }) => service).toSorted()).toEqual(["echo-service", "web"]);
  const toWeb = first.find(({ service }) => service === "web")!;
  expect(world.fromRelay(encodeEchoReply(toWeb.inner)!)).toEqual([]);
  expect(world.dropped).toEqual({});
  expect(world.agent.deadline()).toBe(world.now + 250);
  world.now += 250;
  world.handle({ type: "timeout" });
  expect(announced(world).map(({ service }) => service)).toEqual(["echo-service"]);
  expect(world.fromRelay(udp("10.100.0.1:7", "100.64.0.1:5000"))).toHaveLength(1);
  world.now += 20_000;
  world.handle({ type: "timeout" });
  expect(world.sent).toEqual([]);
});
