// TCP options: vectors as kernels send them, what is malformed, and what does not fit.
import { describe, expect, test } from "bun:test";
import { toHex } from "../../../src/wire/bytes.ts";
import { encodeTcp, TCP_SYN } from "../../../src/wire/tcp.ts";
import {
  MAX_TCP_OPTIONS_LENGTH,
  readTcpOptions,
  TcpOptions,
  tcpOptionsLength,
  writeTcpOptions,
} from "../../../src/wire/tcp-options.ts";
import { hex } from "../../support/vectors.ts";

describe("vectors", () => {
  test("a Linux SYN: size, SACK permitted, timestamps, window scale", () => {
    const options = read("020405b4 0402080a 0011223344556677 01 030307");
    expect(meaning(options)).toEqual({
      mss: 1460,
      sackPermitted: true,
      timestamps: [0x00112233, 0x44556677],
      windowScale: 7,
      sack: [],
    });
  });

  test("a macOS SYN, closed by an end mark", () => {
    const options = read("020405b4 01 030306 0101 080a aabbccdd00000000 0402 0000");
    expect(meaning(options)).toEqual({
      mss: 1460,
      sackPermitted: true,
      timestamps: [0xaabbccdd, 0],
      windowScale: 6,
      sack: [],
    });
  });

  test("an acknowledgement with timestamps and three blocks fills the header", () => {
    const options = new TcpOptions();
    options.hasTimestamps = true;
    options.timestamp = 1;
    options.timestampEcho = 0xffffffff;
    for (const left of [0x10, 0xfffffff0, 0x30]) options.addSackBlock(left, (left + 0x20) >>> 0);
    const text = "0101080a 00000001 ffffffff 0101051a 00000010 00000030 fffffff0 00000010 00000030 00000050";
    expect(written(options)).toBe(text.replaceAll(" ", ""));
    expect(meaning(read(text))).toEqual(meaning(options));
  });

  test("our SYN, with everything and with each option alone", () => {
    const all = syn({ mss: 1266, windowScale: 5, sackPermitted: true, timestamp: 7 });
    expect(written(all)).toBe("020404f2 01030305 0402080a 00000007 00000000".replaceAll(" ", ""));
    expect(written(syn({ mss: 536 }))).toBe("02040218");
    expect(written(syn({ windowScale: 0 }))).toBe("01030300");
    expect(written(syn({ sackPermitted: true }))).toBe("01010402");
    expect(written(syn({ timestamp: 9 }))).toBe("0101080a0000000900000000");
    expect(written(new TcpOptions())).toBe("");
  });
});

describe("what a stranger sends", () => {
  test("unknown options and known ones of a wrong length are passed over", () => {
    expect(meaning(read("22040000 0203ff 030400ff 04030a 0809 00112233445566 020405b4 00"))).toMatchObject({
      mss: 1460,
      sackPermitted: false,
      windowScale: -1,
    });
  });

  test("lengths of 0 and 1, or beyond the header, end the reading and keep what came before", () => {
    for (const tail of [
      "03000204 03030700",
      "03010204 03030700",
      "05220000 00000000",
      "00030307 00000000",
      "01010103",
    ]) {
      expect(meaning(read(`020405b4 ${tail}`))).toMatchObject({ mss: 1460, windowScale: -1, sack: [] });
    }
  });

  test("an option that ends beyond the header does not reach into the payload", () => {
    const packet = encodeTcp({ ...SEGMENT, options: hex("01010204"), payload: hex("05b40000") });
    const options = new TcpOptions();
    readTcpOptions(packet, 0, options);
    expect(options.mss).toBe(0);
  });

  test("the last of several options of one kind counts", () => {
    expect(read("020405b4 02040218").mss).toBe(536);
    expect(meaning(read("050a 0000000100000002 050a 0000000300000004")).sack).toEqual([[3, 4]]);
  });

  test("nothing of an earlier segment stays", () => {
    const options = read("020405b4 0402080a 0011223344556677 01 030307");
    readTcpOptions(encodeTcp({ ...SEGMENT }), 0, options);
    expect(meaning(options)).toEqual(meaning(new TcpOptions()));
  });
});

test("blocks that do not fit beside the timestamps are left out from the end", () => {
  const options = syn({ timestamp: 1 });
  for (let left = 1; left <= 4; left += 1) options.addSackBlock(left, left + 1);
  expect(tcpOptionsLength(options)).toBe(MAX_TCP_OPTIONS_LENGTH);
  expect(meaning(read(written(options))).sack).toEqual([
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
  expect(() => options.addSackBlock(9, 10)).toThrow(RangeError);
});

const SEGMENT = {
  source: 0x64400001,
  sourcePort: 1,
  destination: 0x0a640002,
  destinationPort: 2,
  sequence: 0,
  acknowledgement: 0,
  flags: TCP_SYN,
  window: 0,
};

function read(text: string): TcpOptions {
  const bytes = hex(text);
  const words = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  words.set(bytes);
  const options = new TcpOptions();
  readTcpOptions(encodeTcp({ ...SEGMENT, options: words }), 0, options);
  return options;
}

function written(options: TcpOptions): string {
  const out = new Uint8Array(MAX_TCP_OPTIONS_LENGTH + 2).fill(0xa5);
  const length = writeTcpOptions(out, 1, options);
  expect(length).toBe(tcpOptionsLength(options));
  expect([out[0], out[length + 1]]).toEqual([0xa5, 0xa5]);
  return toHex(out.subarray(1, length + 1));
}

function syn(of: { mss?: number; windowScale?: number; sackPermitted?: boolean; timestamp?: number }): TcpOptions {
  const options = new TcpOptions();
  options.mss = of.mss ?? 0;
  options.windowScale = of.windowScale ?? -1;
  options.sackPermitted = of.sackPermitted ?? false;
  options.hasTimestamps = of.timestamp !== undefined;
  options.timestamp = of.timestamp ?? 0;
  return options;
}

function meaning(options: TcpOptions) {
  const { mss, windowScale, sackPermitted } = options;
  const sack = Array.from({ length: options.sackBlocks }, (_, i) => [...options.sackEdges.subarray(i * 2, i * 2 + 2)]);
  const timestamps = options.hasTimestamps ? [options.timestamp, options.timestampEcho] : [];
  return { mss, windowScale, sackPermitted, timestamps, sack };
}
