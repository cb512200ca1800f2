// What runs once per packet makes no garbage: the heap takes no new memory however often it is called.

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { adjust32, sum16 } from "../../src/wire/checksum.ts";
import { checkIcmp, encodeUnreachable, UNREACHABLE_PORT } from "../../src/wire/icmp.ts";
import {
  checkIpv4,
  ipv4Destination,
  ipv4Source,
  quotedIpv4Start,
  rewriteQuotedSource,
  setIpv4Destination,
  setIpv4Source,
} from "../../src/wire/ipv4.ts";
import { checkTcp, clampMss, encodeTcp, TCP_SYN, writeTcpHeaders } from "../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions, writeTcpOptions } from "../../src/wire/tcp-options.ts";
import { encodeServiceId, routedInnerStart, routedServiceEquals } from "../../src/wire/tunnel.ts";
import { checkUdp, udpPayloadEnd, udpPayloadStart } from "../../src/wire/udp.ts";
import { hex, vector } from "../support/vectors.ts";

const udpPacket = vector("hello");
const tcpPacket = vector("tcpPing");
const echo = vector("echoRequest");
const routed = vector("routedHello");
const service = encodeServiceId("echo-service")!;
const error = encodeUnreachable({ packet: vector("hello"), code: UNREACHABLE_PORT, source: 0x0a640001 })!;
const endpoints = { source: 1 << 24, sourcePort: 1, destination: 2 << 24, destinationPort: 2 };
const syn = encodeTcp({
  ...endpoints,
  sequence: 1,
  acknowledgement: 0,
  flags: TCP_SYN,
  window: 1,
  options: hex("020405b4"),
});

const options = new TcpOptions();
options.hasTimestamps = true;
options.addSackBlock(1, 0xf000_0000);
const readInto = new TcpOptions();
const out = new Uint8Array(1_300);
const header = { ...endpoints, sequence: 1, acknowledgement: 1, flags: 0, window: 1 };

/** High addresses do not fit into 31 bits, where an engine might box them. */
const HIGH = 0xf000_0000;

const ONCE_PER_PACKET: Record<string, (i: number) => unknown> = {
  checkIpv4: () => checkIpv4(udpPacket),
  "checkIpv4 at an offset": () => checkIpv4(routed, 14),
  "ipv4Source and ipv4Destination": () => ipv4Source(udpPacket) + ipv4Destination(udpPacket),
  "setIpv4Source, UDP": (i) => setIpv4Source(udpPacket, 0, HIGH + i),
  "setIpv4Source, TCP": (i) => setIpv4Source(tcpPacket, 0, HIGH + i),
  "setIpv4Destination, ICMP": (i) => setIpv4Destination(echo, 0, HIGH + i),
  quotedIpv4Start: () => quotedIpv4Start(error),
  rewriteQuotedSource: (i) => rewriteQuotedSource(error, 0, HIGH + i),
  "checkUdp and payload bounds": () => checkUdp(udpPacket) ?? udpPayloadEnd(udpPacket) - udpPayloadStart(udpPacket),
  checkTcp: () => checkTcp(tcpPacket),
  checkIcmp: () => checkIcmp(echo),
  "clampMss that finds nothing": () => clampMss(tcpPacket, 0, 1_200),
  "clampMss that clamps": (i) => clampMss(syn, 0, 1_400 - (i % 1_000)),
  readTcpOptions: () => readTcpOptions(syn, 0, readInto),
  writeTcpOptions: () => writeTcpOptions(out, 40, options),
  writeTcpHeaders: () => writeTcpHeaders(out, 0, header, 24, 1_200),
  routedInnerStart: () => routedInnerStart(routed),
  routedServiceEquals: () => routedServiceEquals(routed, service),
  "adjust32 and sum16": (i) => adjust32(sum16(routed, 0, 47), HIGH + i, i),
};

describe("once per packet, no garbage", () => {
  for (const [name, run] of Object.entries(ONCE_PER_PACKET)) {
    test(name, () => expect(heapGrowth(run)).toBeLessThan(LIMIT));
  }

  test("one small object per call would be noticed", () => {
    let kept: unknown;
    expect(heapGrowth((i) => (kept = { i, kept: kept === undefined }))).toBeGreaterThan(LIMIT);
    expect(heapGrowth(() => (kept = routed.subarray(14)))).toBeGreaterThan(LIMIT);
  });
});

/** Memory that the heap took from the system for the calls. */
function heapGrowth(run: (i: number) => unknown): number {
  for (let i = 0; i < 1_000; i += 1) run(i);
  Bun.gc(true);
  const before = heapStats().heapCapacity;
  for (let i = 0; i < CALLS; i += 1) run(i);
  return heapStats().heapCapacity - before;
}

const CALLS = 40_000;
/** Far below 40,000 objects of the smallest size, 16 bytes, and above what the engine takes for itself. */
const LIMIT = 320_000;
