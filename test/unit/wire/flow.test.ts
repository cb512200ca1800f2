// Ports of TCP and UDP, the identifier of an echo, and nothing where there is none.
import { describe, expect, test } from "bun:test";
import { flowPorts } from "../../../src/wire/flow.ts";
import { checkIpv4 } from "../../../src/wire/ipv4.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { hex, vector } from "../../support/vectors.ts";

describe("flowPorts", () => {
  test("reads the ports of TCP and UDP, also at an offset", () => {
    expect(flowPorts(vector("hello"))).toEqual({ source: 40_000, destination: 9_999 });
    expect(flowPorts(vector("routedHello"), 14)).toEqual({ source: 40_000, destination: 9_999 });
    expect(flowPorts(vector("tcpSynAck"))).toEqual({ source: 80, destination: 50_000 });
  });

  test("an echo has its identifier as both, in either direction", () => {
    expect(flowPorts(vector("echoRequest"))).toEqual({ source: 0x1234, destination: 0x1234 });
    expect(flowPorts(vector("echoReply"))).toEqual({ source: 0x1234, destination: 0x1234 });
  });

  test("an echo without data has its identifier too", () => {
    const echo = withFreshChecksums(hex("4500001c00004000 40010000 64400001 0a640001 0800 0000 abcd 0001"));
    expect(checkIpv4(echo)).toBeUndefined();
    expect(flowPorts(echo)).toEqual({ source: 0xabcd, destination: 0xabcd });
  });

  test("four bytes are enough for the ports", () => {
    const packet = withFreshChecksums(hex("4500001800004000 40110000 64400001 0a640001 00010002"));
    expect(flowPorts(packet)).toEqual({ source: 1, destination: 2 });
  });

  test("other ICMP, other protocols and cut headers have none", () => {
    const error = vector("echoRequest");
    error[20] = 3;
    expect(flowPorts(error)).toBeUndefined();
    for (const [protocol, bytes] of [
      ["06", 3],
      ["11", 3],
      ["06", 0],
      ["01", 7],
      ["01", 0],
      ["2f", 30],
      ["00", 30],
      ["ff", 30],
    ] as const) {
      const packet = withFreshChecksums(
        hex(`450000${(20 + bytes).toString(16)}0000400040${protocol}0000 64400001 0a640001 ${"08".repeat(bytes)}`),
      );
      expect(checkIpv4(packet)).toBeUndefined();
      expect({ protocol, ports: flowPorts(packet) }).toEqual({ protocol, ports: undefined });
    }
  });
});
