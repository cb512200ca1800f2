// TCP segments: the example flow written byte for byte, resets, malformed headers, and the clamped segment size.
import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import {
  checkTcp,
  clampMss,
  encodeRst,
  encodeTcp,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  tcpAcknowledgement,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpOptionsStart,
  tcpPayloadStart,
  tcpSequence,
  tcpSourcePort,
  tcpWindow,
} from "../../../src/wire/tcp.ts";
import { withFreshChecksums } from "../../support/checksums.ts";
import { hex, type VectorName, vector } from "../../support/vectors.ts";

const AGENT = {
  source: parseIpv4("100.64.0.1")!,
  sourcePort: 50_000,
  destination: parseIpv4("10.100.0.2")!,
  destinationPort: 80,
};
const SERVICE = { source: AGENT.destination, sourcePort: 80, destination: AGENT.source, destinationPort: 50_000 };
const WINDOW = 65_535;

describe("the example flow", () => {
  const ours = 0xa0b0c0d0;
  const theirs = 0x11223344;
  const examples: [VectorName, Parameters<typeof encodeTcp>[0]][] = [
    ["tcpSyn", { ...AGENT, sequence: theirs, acknowledgement: 0, flags: TCP_SYN, window: WINDOW }],
    [
      "tcpSynAck",
      { ...SERVICE, sequence: ours, acknowledgement: theirs + 1, flags: TCP_SYN | TCP_ACK, window: WINDOW },
    ],
    [
      "tcpPing",
      {
        ...AGENT,
        sequence: theirs + 1,
        acknowledgement: ours + 1,
        flags: TCP_PSH | TCP_ACK,
        window: WINDOW,
        payload: text("ping"),
      },
    ],
    ["tcpAck", { ...SERVICE, sequence: ours + 1, acknowledgement: theirs + 5, flags: TCP_ACK, window: WINDOW }],
    [
      "tcpPong",
      {
        ...SERVICE,
        sequence: ours + 1,
        acknowledgement: theirs + 5,
        flags: TCP_PSH | TCP_ACK,
        window: WINDOW,
        payload: text("pong!"),
      },
    ],
    [
      "tcpFinAck",
      { ...SERVICE, sequence: ours + 6, acknowledgement: theirs + 5, flags: TCP_FIN | TCP_ACK, window: WINDOW },
    ],
    ["tcpRstAck", { ...SERVICE, sequence: 0, acknowledgement: theirs + 1, flags: TCP_RST | TCP_ACK, window: 0 }],
  ];

  for (const [name, segment] of examples) {
    test(`${name} is written and read as in the document`, () => {
      const packet = vector(name);
      expect(toHex(encodeTcp(segment))).toBe(toHex(packet));
      expect(checkTcp(packet)).toBeUndefined();
      expect(ipv4Source(packet)).toBe(segment.source);
      expect(ipv4Destination(packet)).toBe(segment.destination);
      expect(tcpSourcePort(packet)).toBe(segment.sourcePort);
      expect(tcpDestinationPort(packet)).toBe(segment.destinationPort);
      expect(tcpSequence(packet)).toBe(segment.sequence);
      expect(tcpAcknowledgement(packet)).toBe(segment.acknowledgement);
      expect(tcpFlags(packet)).toBe(segment.flags);
      expect(tcpWindow(packet)).toBe(segment.window);
      expect(packet.subarray(tcpPayloadStart(packet))).toEqual(segment.payload ?? hex(""));
    });
  }
});

describe("checkTcp", () => {
  test("refuses a header that is cut off", () => {
    for (let length = 20; length < 40; length += 1) {
      const cut = vector("tcpSyn").subarray(0, length);
      cut[3] = length;
      expect(checkTcp(cut)).toBe("short");
    }
  });

  test("refuses data offsets below 20 bytes and beyond the segment", () => {
    for (let words = 0; words < 5; words += 1)
      expect(checkTcp(withDataOffset("tcpPing", words))).toBe("bad-header-length");
    expect(checkTcp(withDataOffset("tcpPing", 7))).toBe("bad-header-length");
    expect(checkTcp(withDataOffset("tcpPing", 15))).toBe("bad-header-length");
    expect(checkTcp(withDataOffset("tcpPing", 6))).toBeUndefined();
  });

  test("refuses a wrong checksum, and covers addresses and payload", () => {
    for (const at of [12, 16, 20, 24, 36, 43]) {
      const packet = vector("tcpPing");
      packet[at]! ^= 1;
      expect(checkTcp(packet)).toBe("bad-checksum");
    }
  });
});

describe("encodeTcp", () => {
  test("puts options before the payload and says so in the data offset", () => {
    const options = hex("020405b4 01010402");
    const packet = encodeTcp({
      ...AGENT,
      sequence: 1,
      acknowledgement: 0,
      flags: TCP_SYN,
      window: 1,
      options,
      payload: text("x"),
    });
    expect(tcpHeaderLength(packet)).toBe(28);
    expect(packet.subarray(tcpOptionsStart(packet), tcpPayloadStart(packet))).toEqual(options);
    expect(packet.subarray(tcpPayloadStart(packet))).toEqual(text("x"));
    expect(checkTcp(packet)).toBeUndefined();
  });

  test("options that are no whole words or too many are a bug and throw", () => {
    for (const length of [1, 2, 3, 44]) {
      const segment = {
        ...AGENT,
        sequence: 1,
        acknowledgement: 0,
        flags: 0,
        window: 1,
        options: new Uint8Array(length),
      };
      expect(() => encodeTcp(segment)).toThrow(RangeError);
    }
  });
});

describe("encodeRst", () => {
  test("answers the SYN as the example does", () => {
    expect(toHex(encodeRst(vector("tcpSyn"))!)).toBe(toHex(vector("tcpRstAck")));
    const shifted = Uint8Array.from([1, 2, ...vector("tcpSyn")]);
    expect(toHex(encodeRst(shifted, 2)!)).toBe(toHex(vector("tcpRstAck")));
  });

  test("answers a segment with ACK at the place that it acknowledges, without ACK", () => {
    const reset = encodeRst(vector("tcpPing"))!;
    expect(tcpSequence(reset)).toBe(0xa0b0c0d1);
    expect(tcpAcknowledgement(reset)).toBe(0);
    expect(tcpFlags(reset)).toBe(TCP_RST);
    expect(tcpWindow(reset)).toBe(0);
    expect(checkTcp(reset)).toBeUndefined();
  });

  test("without ACK it acknowledges payload, SYN and FIN, across the end of the sequence numbers", () => {
    const expected = [
      [TCP_SYN | TCP_FIN, 3],
      [TCP_SYN, 2],
      [TCP_FIN, 2],
      [0, 1],
    ] as const;
    for (const [flags, acknowledgement] of expected) {
      const segment = { ...AGENT, sequence: 0xfffffffe, acknowledgement: 9, flags, window: 1, payload: text("abc") };
      expect(tcpAcknowledgement(encodeRst(encodeTcp(segment))!)).toBe(acknowledgement);
    }
  });

  test("never answers a reset", () => {
    expect(encodeRst(vector("tcpRstAck"))).toBeUndefined();
    expect(encodeRst(encodeRst(vector("tcpPing"))!)).toBeUndefined();
  });
});

describe("clampMss", () => {
  const syn = (options: string, flags = TCP_SYN) =>
    encodeTcp({ ...AGENT, sequence: 7, acknowledgement: 0, flags, window: WINDOW, options: hex(options) });

  test("lowers what a SYN and a SYN|ACK announce, and keeps the checksum right", () => {
    for (const flags of [TCP_SYN, TCP_SYN | TCP_ACK]) {
      const packet = syn("020405b4 01030307", flags);
      expect(clampMss(packet, 0, 1_200)).toBe(true);
      expect(toHex(packet.subarray(40))).toBe("020404b001030307");
      expect(checkTcp(packet)).toBeUndefined();
    }
  });

  test("leaves a smaller or equal size and every other segment alone", () => {
    for (const packet of [
      syn("020404b0"),
      syn("020405b4", TCP_ACK),
      vector("tcpSyn"),
      vector("hello"),
      vector("echoRequest"),
    ]) {
      const before = toHex(packet);
      expect(clampMss(packet, 0, 1_200)).toBe(false);
      expect(toHex(packet)).toBe(before);
    }
  });

  test("finds the option at an odd place", () => {
    const packet = syn("01 020405b4 010100");
    expect(clampMss(packet, 0, 1_000)).toBe(true);
    expect(toHex(packet.subarray(40))).toBe("01020403e8010100");
    expect(checkTcp(packet)).toBeUndefined();
  });

  test("lowers every such option, and works at an offset", () => {
    const packet = Uint8Array.from([0xff, ...syn("020405b4 0204ffff")]);
    expect(clampMss(packet, 1, 900)).toBe(true);
    expect(toHex(packet.subarray(41))).toBe("0204038402040384");
    expect(checkTcp(packet, 1)).toBeUndefined();
  });

  test("stops at malformed options: lengths of 0 and 1, lengths beyond the header, an end mark", () => {
    for (const options of [
      "03000204 05b40000",
      "03010204 05b40000",
      "080b0204 05b40000",
      "00020405 b4000000",
      "01010102",
      "020305b4",
      "02050500 b4000000",
    ]) {
      const packet = syn(options);
      const before = toHex(packet);
      expect(clampMss(packet, 0, 500)).toBe(false);
      expect(toHex(packet)).toBe(before);
    }
  });

  test("an option that is cut off by the end of the header does not reach into the payload", () => {
    for (const [options, payload] of [
      ["01010102", "0405b40000"],
      ["01010204", "05b40000"],
      ["01020405", "b4000000"],
    ] as const) {
      const segment = { ...AGENT, sequence: 7, acknowledgement: 0, flags: TCP_SYN, window: 1 };
      const packet = encodeTcp({ ...segment, options: hex(options), payload: hex(payload) });
      const before = toHex(packet);
      expect(clampMss(packet, 0, 500)).toBe(false);
      expect(toHex(packet)).toBe(before);
    }
  });

  test("what lies behind the packet is not taken for its options", () => {
    const packet = withDataOffset("tcpSyn", 6);
    const behind = Uint8Array.from([...packet, ...hex("020405b4")]);
    expect(clampMss(behind, 0, 500)).toBe(false);
    expect(toHex(behind.subarray(40))).toBe("020405b4");
  });

  test("a data offset that lies is not followed", () => {
    for (const words of [0, 4, 15]) {
      const packet = withDataOffset("tcpSyn", words);
      const before = toHex(packet);
      expect(clampMss(packet, 0, 500)).toBe(false);
      expect(toHex(packet)).toBe(before);
    }
    for (let length = 20; length < 40; length += 1) {
      const cut = vector("tcpSyn").subarray(0, length);
      cut[3] = length;
      expect(clampMss(cut, 0, 500)).toBe(false);
    }
  });
});

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function withDataOffset(name: VectorName, words: number): Uint8Array {
  const packet = vector(name);
  packet[32] = words << 4;
  return withFreshChecksums(packet);
}
