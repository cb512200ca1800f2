// Whole packets, written in place.
import { expect, test } from "bun:test";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { SegmentWriter } from "../../../src/tcp/segment-writer.ts";
import { SendBuffer } from "../../../src/tcp/send-buffer.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { TCP_ACK, TCP_PSH, TCP_SYN } from "../../../src/wire/tcp.ts";
import { vector } from "../../support/vectors.ts";

const FLOW = { source: 0x0a64_0002, sourcePort: 80, destination: 0x6440_0001, destinationPort: 50_000 };

function write(fields: object, text = "", offset = 0): string {
  const writer = Object.assign(new SegmentWriter(FLOW), fields);
  const buffer = new SendBuffer(100, new PagePool(0));
  buffer.append(new TextEncoder().encode(text), "given");
  const out = new Uint8Array(80).fill(0xa5);
  const length = writer.write(out, offset, buffer, 1, 1 + text.length);
  expect(out.subarray(offset + length)).toEqual(new Uint8Array(80 - offset - length).fill(0xa5));
  return toHex(out.subarray(offset, offset + length));
}

test("the segments of the documented flow, byte for byte, wherever they are put", () => {
  const synAck = { sequence: 0xa0b0c0d0, acknowledgement: 0x11223345, flags: TCP_SYN | TCP_ACK, window: 65_535 };
  expect(write(synAck)).toBe(toHex(vector("tcpSynAck")));
  const pong = { sequence: 0xa0b0c0d1, acknowledgement: 0x11223349, flags: TCP_PSH | TCP_ACK, window: 65_535 };
  for (const offset of [0, 1, 7]) expect(write(pong, "pong!", offset)).toBe(toHex(vector("tcpPong")));
});

test("what does not fit is a bug and throws before anything is written", () => {
  const writer = new SegmentWriter(FLOW);
  const out = new Uint8Array(39).fill(0xa5);
  expect(() => writer.write(out, 0, new SendBuffer(1, new PagePool(0)), 0, 0)).toThrow(RangeError);
  expect(out).toEqual(new Uint8Array(39).fill(0xa5));
});
