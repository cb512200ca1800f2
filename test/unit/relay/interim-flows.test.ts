// TCP while it is unknown whether the identity's older connection lives: old connections wait, new ones just work.
import { describe, expect, test } from "bun:test";
import { encodeTcp, TCP_ACK, TCP_RST, TCP_SYN } from "../../../src/wire/tcp.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { AGENT_END, certificate, RelayWorld, request } from "../../support/relay-world.ts";

const LAPTOP = { identity: certificate("laptop") };
const OLD_PORT = 1000;

function segment(port: number, flags: number): Uint8Array {
  return encodeTcp({ ...AGENT_END, sourcePort: port, sequence: 1, acknowledgement: 1, flags, window: 100 });
}

/** An agent with an open connection whose newer self has just registered; each packet's source and receiver. */
function contest({ isDead = false, limits = {} } = {}) {
  const world = new RelayWorld({ limits });
  const knows = world.connector("web");
  const older = world.agent("web", LAPTOP);
  const [before] = world.routed(older, "web", segment(OLD_PORT, TCP_ACK));
  world.connector("web");
  world.advance(1500);
  if (isDead) world.dead.add(older);
  const newer = world.agent("web", LAPTOP);
  const wayOf = (peer: number, bytes: Uint8Array) => {
    const [sent] = world.routed(peer, "web", bytes);
    return sent === undefined ? undefined : { to: sent.to, source: sourceOf(sent.bytes) };
  };
  const way = (bytes: Uint8Array) => wayOf(newer, bytes);
  return { world, knows, older, newer, held: sourceOf(before!.bytes), way, wayOf };
}

describe("until the older connection has answered or failed to", () => {
  test("segments of connections that it may have wait", () => {
    const { world, way } = contest();
    for (const flags of [TCP_ACK, TCP_RST, TCP_SYN | TCP_ACK]) expect(way(segment(OLD_PORT, flags))).toBeUndefined();
    expect(world.relay.stats.hops.agent.dropped["address-contested"]).toBe(3);
  });

  test("new connections begin at another address and go on there", () => {
    const { held, way } = contest();
    const opening = way(segment(2000, TCP_SYN))!;
    expect(opening.source).not.toBe(held);
    expect(way(segment(2000, TCP_ACK))).toEqual(opening);
    expect(way(request())?.source).toBe(opening.source);
    expect(way(segment(OLD_PORT, TCP_ACK))).toBeUndefined();
  });

  test("no more than 256 of them are remembered", () => {
    const { way } = contest();
    const opened = Array.from({ length: 300 }, (_, i) => way(segment(2000 + i, TCP_SYN))).filter(Boolean);
    expect(opened).toHaveLength(256);
  });

  test("TCP without a whole header is no connection's", () => {
    const { way } = contest();
    expect(way(withFreshChecksums(request("").with(9, 6)))).toBeDefined();
  });
});

describe("afterwards", () => {
  test("an older connection that answered keeps its address, and everything of the newer one goes on as it began", () => {
    const { world, held, way } = contest();
    const opening = way(segment(2000, TCP_SYN))!;
    world.advance(20);
    for (const port of [2000, OLD_PORT, 3000]) expect(way(segment(port, TCP_ACK))?.source).toBe(opening.source);
    expect(opening.source).not.toBe(held);
  });

  test("what comes for an older one reaches a newcomer that sends nothing more, as soon as it is decided", () => {
    for (const end of ["closed", "silent"]) {
      const { world, knows, older, newer, held, way } = contest({ isDead: true });
      expect(way(request())).toBeDefined();
      const data = encodeTcp({
        ...segmentEnds(OLD_PORT, held),
        sequence: 1,
        acknowledgement: 1,
        flags: TCP_ACK,
        window: 9,
      });
      expect(world.datagram(knows, data)).toMatchObject([{ to: older }]);
      if (end === "closed") world.disconnect(older);
      else world.advance(1000);
      expect(world.datagram(knows, data)).toMatchObject([{ to: newer }]);
    }
  });

  test("both kinds of connections go on to the connectors that know them when the older one is silent", () => {
    const { world, knows, held, way } = contest({ isDead: true });
    const opening = way(segment(2000, TCP_SYN))!;
    expect(opening.to).not.toBe(knows);
    world.advance(1000);
    for (let i = 0; i < 2; i += 1) {
      expect(way(segment(OLD_PORT, TCP_ACK))).toEqual({ to: knows, source: held });
      expect(way(segment(2000, TCP_ACK))).toEqual(opening);
      expect(way(segment(3000, TCP_SYN))).toEqual({ to: knows, source: held });
    }
  });

  test("a connection at the interim address keeps that in use", () => {
    const { world, way } = contest({ isDead: true, limits: { addressesPerConnection: 2 } });
    const opening = way(segment(2000, TCP_SYN))!;
    world.advance(1000);
    for (let i = 0; i < 12; i += 1) {
      expect(way(segment(2000, TCP_ACK))).toEqual(opening);
      world.advance(1000);
    }
    expect(way(segment(2000, TCP_ACK))).toEqual(opening);
    expect(way(request("x", { source: AGENT_END.source + 1 }))).toBeUndefined();
    expect(way(segment(2000, TCP_ACK))).toEqual(opening);
  });

  test("an address that was given up for another source takes no part in it any more", () => {
    for (const idle of ["interim", "contested"]) {
      const { world, newer, held, way, wayOf } = contest({
        isDead: true,
        limits: { addressesPerConnection: 2 },
      });
      const opening = way(segment(2000, TCP_SYN))!;
      world.advance(1000);
      expect(way(segment(2000, TCP_ACK))).toEqual(opening);
      world.advance(10_000);
      if (idle === "interim") expect(way(segment(OLD_PORT, TCP_ACK))?.source).toBe(held);
      else world.datagram(opening.to, request("x", { destination: opening.source }));
      expect(way(request("x", { source: AGENT_END.source + 1 }))).toBeDefined();
      const peer = idle === "interim" ? newer : world.agent("web", LAPTOP);
      expect(wayOf(peer, segment(2000, TCP_ACK))?.source).toBe(held);
    }
  });

  test("the next connection of the identity has no part in it", () => {
    const { world, newer, held, way, wayOf } = contest({ isDead: true });
    way(segment(2000, TCP_SYN));
    world.advance(1000);
    way(segment(2000, TCP_ACK));
    world.disconnect(newer);
    const next = world.agent("web", LAPTOP);
    expect(wayOf(next, segment(2000, TCP_ACK))?.source).toBe(held);
  });

  test("an interim address that is left undecided is an ordinary one for the next", () => {
    const { world, older, newer, way, wayOf } = contest();
    const opening = way(segment(2000, TCP_SYN))!;
    world.disconnect(newer);
    world.advance(20);
    world.advance(1500);
    world.dead.add(older);
    const next = world.agent("web", LAPTOP);
    expect(wayOf(next, segment(OLD_PORT, TCP_ACK))?.source).toBe(opening.source);
  });
});

/** Towards the agent. */
function segmentEnds(agentPort: number, agent: number) {
  const { destination: source, destinationPort: sourcePort } = AGENT_END;
  return { source, sourcePort, destination: agent, destinationPort: agentPort };
}

function sourceOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
}
