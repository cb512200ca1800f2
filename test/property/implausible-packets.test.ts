// Nothing but whole IPv4 packets passes the relay, in whatever form it comes and whoever sends it; control messages in
// particular cannot be smuggled through it. What is dropped has its reason, and the accounts balance.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DropReason } from "../../src/relay/stats.ts";
import { checkIpv4 } from "../../src/wire/ipv4.ts";
import { encodeObservedAddress } from "../../src/wire/tunnel.ts";
import { anyBytes, tcpPacket, udpPacket } from "../support/arbitraries.ts";
import { withFreshChecksums } from "../support/checksums.ts";
import { ip, RelayWorld, request, type Sent } from "../support/relay-world.ts";

function changed(packet: Uint8Array, at: number, value: number): Uint8Array {
  return withFreshChecksums(packet.with(at, value));
}

const IMPLAUSIBLE: readonly (readonly [string, DropReason, Uint8Array])[] = [
  ["IPv6", "not-ipv4", request().with(0, 0x65)],
  ["an observed address", "not-ipv4", encodeObservedAddress(ip("203.0.113.1"), 1)],
  ["a refusal", "not-ipv4", new Uint8Array([0x13, 2, 0])],
  ["an acknowledgement", "not-ipv4", new Uint8Array([0x12, 0, 0])],
  ["a keepalive", "not-ipv4", new Uint8Array([0x5a, 0x10, 0, 0, 0, 1])],
  ["a cut header", "short", request().subarray(0, 19)],
  ["a header length below 5", "bad-header-length", request().with(0, 0x44)],
  ["a header longer than the packet", "bad-header-length", request("").with(0, 0x4f)],
  ["a total length that is not the packet's", "bad-total-length", changed(request(), 3, 9)],
  ["bytes behind the packet", "bad-total-length", new Uint8Array([...request(), 0])],
  ["a wrong header checksum", "bad-checksum", request().with(10, 0x12)],
  ["a first fragment", "fragment", changed(request(), 6, 0x20)],
  ["a later fragment", "fragment", changed(request(), 7, 0x01)],
];

function worldOfThree() {
  const world = new RelayWorld();
  const connector = world.connector("web");
  const agent = world.agent("web");
  world.routed(agent, "web", request());
  return { world, connector, agent, stranger: world.connect() };
}

describe("implausible packets are dropped, routed or raw, from agents, connectors and strangers", () => {
  test.each(IMPLAUSIBLE)("%s as %s", (_what, reason, packet) => {
    const { world, connector, agent, stranger } = worldOfThree();
    const sent: Sent[] = world.routed(agent, "web", packet);
    for (const peer of [agent, connector, stranger]) sent.push(...world.datagram(peer, packet));
    expect(sent).toEqual([]);
    const { hops } = world.relay.stats;
    expect([hops.agent, hops.connector, hops.unregistered].map(({ dropped }) => dropped[reason])).toEqual([2, 1, 1]);
    expect(world.accounts.received).toBe(world.accounts.accountedFor);
  });

  test("an empty datagram, and routed ones that end too early", () => {
    const { world, agent } = worldOfThree();
    const early = [[], [0x2f], [0x2f, 3], [0x2f, 3, 0x77, 0x65], [0x2f, 3, 0x77, 0x65, 0x62]];
    for (const bytes of early) expect(world.datagram(agent, Uint8Array.from(bytes))).toEqual([]);
    expect(world.relay.stats.hops.agent.dropped).toMatchObject({ empty: 1, "malformed-routed": 3, short: 1 });
    expect(world.accounts.received).toBe(world.accounts.accountedFor);
  });
});

test("any bytes: what leaves is a whole IPv4 packet or an answer to the sender, and all is accounted for", () => {
  const damaged = fc
    .tuple(fc.oneof(udpPacket, tcpPacket), fc.nat(), fc.nat(255))
    .map(([packet, at, value]) => packet.with(at % packet.length, value));
  const wrapped = (inner: fc.Arbitrary<Uint8Array>) =>
    inner.map((each) => new Uint8Array([0x2f, 3, 0x77, 0x65, 0x62, ...each]));
  const bytes = fc.oneof(anyBytes(80), damaged, wrapped(anyBytes(80)), wrapped(damaged), wrapped(udpPacket));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), bytes), { maxLength: 20 }), (datagrams) => {
      const { world, connector, agent, stranger } = worldOfThree();
      for (const [from, each] of datagrams) {
        const sender = [connector, agent, stranger][from]!;
        for (const { to, bytes: out } of world.datagram(sender, each)) {
          if (out[0] === 0x12 || out[0] === 0x13) expect(to).toBe(sender);
          else expect(checkIpv4(out)).toBeUndefined();
        }
      }
      expect(world.accounts.received).toBe(world.accounts.accountedFor);
    }),
  );
});
