// Whether a packet may go to its service, and the routed datagram around it.
import { expect, test } from "bun:test";
import { Outbound } from "../../../src/agent/outbound.ts";
import { Routes } from "../../../src/agent/routes.ts";
import { HopStats, type OutboundDrop } from "../../../src/agent/stats.ts";
import { encodeAck, encodeNack, encodeRouted } from "../../../src/wire/tunnel.ts";
import { SERVICES } from "../../support/agent-world.ts";
import { uplinkByHand } from "../../support/uplink-by-hand.ts";

function setUp() {
  const byHand = uplinkByHand({ role: "agent", services: SERVICES.map(({ id }) => id) });
  const routes = new Routes(SERVICES, (service) => byHand.uplink.registration(service));
  const outbound = new Outbound(byHand.uplink, routes);
  return { ...byHand, outbound, web: routes.of("web")!, hop: new HopStats<OutboundDrop>() };
}

test("a service can be used from its acknowledgement until the relay refuses it or goes away", () => {
  const { outbound, web, connect, receive, handle } = setUp();
  expect(outbound.fault(web)).toBe("not-connected");
  connect(0);
  expect(outbound.fault(web)).toBe("not-registered");
  receive(encodeAck("web"), 1);
  expect(outbound.fault(web)).toBeUndefined();
  receive(encodeNack(2, "web"), 2);
  expect(outbound.fault(web)).toBe("denied");
  handle({ type: "disconnected", peer: 7, by: "reset", layer: "transport", code: 0, reason: "" }, 3);
  expect(outbound.fault(web)).toBe("not-connected");
});

test("a packet may be as large as its head leaves of a datagram", () => {
  const { outbound, web, connect } = setUp();
  expect([outbound.maxPacket(web), outbound.maxPacketToAll]).toEqual([0, 0]);
  connect(0);
  expect([outbound.maxPacket(web), outbound.maxPacketToAll]).toEqual([1301, 1292]);
});

test("a packet becomes a routed datagram in place, and is counted", () => {
  const { outbound, web, connect, hop } = setUp();
  const bytes = new Uint8Array(2000).fill(7);
  expect(outbound.send(hop, web, bytes, 5, 25, 0)).toBeUndefined();
  connect(0);
  expect(outbound.send(hop, web, bytes, 5, 25, 1)).toMatchObject({
    type: "send",
    peer: 7,
    bytes: encodeRouted("web", new Uint8Array(20).fill(7)),
  });
  expect(outbound.send(hop, web, bytes, 5, 5 + 1302, 1)).toBeUndefined();
  expect(hop).toMatchObject({ forwarded: 1, forwardedBytes: 20, dropped: { "not-connected": 1, "too-large": 1 } });
});
