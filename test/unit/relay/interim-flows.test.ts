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
function contest({ isDead = false } = {}) {
  const world = new RelayWorld();
  const knows = world.connector("web");
  const older = world.agent("web", LAPTOP);
  const [before] = world.routed(older, "web", segment(OLD_PORT, TCP_ACK));
  world.connector("web");
  world.advance(1500);
  if (isDead) world.dead.add(older);
  const newer = world.agent("web", LAPTOP);
  const way = (bytes: Uint8Array) => {
    const [sent] = world.routed(newer, "web", bytes);
    return sent === undefined ? undefined : { to: sent.to, source: sourceOf(sent.bytes) };
  };
  return { world, knows, held: sourceOf(before!.bytes), way };
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
});

function sourceOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
}
