// Rewriting there and back: the addresses change, every checksum follows, nothing else moves.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rewriteToAgent, rewriteToConnector } from "../../../src/relay/address-rewriting.ts";
import type { AgentAddress } from "../../../src/relay/agent-addresses.ts";
import { encodeUnreachable, UNREACHABLE_PORT } from "../../../src/wire/icmp.ts";
import { checkIpv4, ipv4Destination, ipv4Source, quotedIpv4Start } from "../../../src/wire/ipv4.ts";
import { hostIpv4, tcpPacket, udpPacket } from "../../support/arbitraries.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { ip, reply, request, socketAddress } from "../../support/relay-world.ts";

const UNIQUE = ip("100.99.1.2");

function agentAt(inner: number, address = UNIQUE): AgentAddress {
  const nobody = { owner: undefined, usedAt: 0, retired: false, voucher: undefined, bindings: [] };
  const free = { contested: undefined, challenger: undefined, opened: undefined, interim: undefined };
  return { address, inner, identityKey: "", endpoint: socketAddress("198.51.100.1", 1), ...nobody, ...free };
}

function isSound(packet: Uint8Array): boolean {
  return checkIpv4(packet) === undefined && Buffer.from(withFreshChecksums(packet)).equals(packet);
}

describe("an agent's packet", () => {
  test("leaves from the unique address and comes back to the agent's own, all checksums right", () => {
    fc.assert(
      fc.property(fc.oneof(udpPacket, tcpPacket), hostIpv4, (packet, unique) => {
        const agent = agentAt(ipv4Source(packet), unique);
        const there = packet.slice();
        rewriteToConnector(there, 0, agent);
        expect(ipv4Source(there)).toBe(unique);
        expect(ipv4Destination(there)).toBe(ipv4Destination(packet));
        expect(isSound(there)).toBe(true);
      }),
    );
  });

  test("is rewritten where it lies in a larger datagram", () => {
    const packet = request();
    const datagram = new Uint8Array([0x2f, 1, 0x61, ...packet]);
    rewriteToConnector(datagram, 3, agentAt(ip("100.64.0.1")));
    expect(ipv4Source(datagram, 3)).toBe(UNIQUE);
    expect(isSound(datagram.slice(3))).toBe(true);
    expect([...datagram.subarray(0, 3)]).toEqual([0x2f, 1, 0x61]);
  });
});

describe("ICMP errors", () => {
  const agent = agentAt(ip("100.64.0.1"));
  const there = request();
  rewriteToConnector(there, 0, agent);

  test("of an agent quote what it received; towards the connector they quote what that one sent", () => {
    const fromConnector = reply(there);
    const received = fromConnector.slice();
    rewriteToAgent(received, agent);
    const error = encodeUnreachable({ packet: received, code: UNREACHABLE_PORT, source: ip("100.64.0.1") })!;
    rewriteToConnector(error, 0, agent);
    const quoted = quotedIpv4Start(error);
    expect(ipv4Source(error)).toBe(UNIQUE);
    expect([...error.subarray(quoted)]).toEqual([...fromConnector.subarray(0, 28)]);
    expect(isSound(error)).toBe(true);
  });

  test("of a connector quote what it received; towards the agent they quote what that one sent", () => {
    const error = encodeUnreachable({ packet: there, code: UNREACHABLE_PORT, source: ip("10.100.0.1") })!;
    rewriteToAgent(error, agent);
    const quoted = quotedIpv4Start(error);
    expect(ipv4Destination(error)).toBe(ip("100.64.0.1"));
    expect([...error.subarray(quoted)]).toEqual([...request().subarray(0, 28)]);
    expect(isSound(error)).toBe(true);
  });

  test("that quote somebody else's packet keep the quotation", () => {
    const foreign = request("x", { source: ip("192.0.2.1"), destination: ip("192.0.2.2") });
    for (const rewrite of [(bytes: Uint8Array) => rewriteToConnector(bytes, 0, agent), rewriteToForAgent]) {
      const error = encodeUnreachable({ packet: foreign, code: UNREACHABLE_PORT, source: ip("10.100.0.1") })!;
      rewrite(error);
      expect([...error.subarray(28, 56)]).toEqual([...foreign.subarray(0, 28)]);
      expect(isSound(error)).toBe(true);
    }
  });

  function rewriteToForAgent(bytes: Uint8Array): void {
    rewriteToAgent(bytes, agent);
  }
});
