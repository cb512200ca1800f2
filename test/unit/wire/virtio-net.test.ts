// The header before each packet of a TUN device with offloads.
import { expect, test } from "bun:test";
import {
  VNET_HEADER_LENGTH,
  vnetChecksumOffset,
  vnetChecksumStart,
  vnetFlags,
  vnetGsoSize,
  vnetGsoType,
  writeVnetHeader,
} from "../../../src/wire/virtio-net.ts";
import { hex } from "../../support/vectors.ts";

test("a header as Linux gives it for a TCP super-segment", () => {
  const bytes = hex("ff 01 01 3400 e204 1400 1000");
  expect([vnetFlags(bytes, 1), vnetGsoType(bytes, 1), vnetGsoSize(bytes, 1)]).toEqual([1, 1, 1250]);
  expect([vnetChecksumStart(bytes, 1), vnetChecksumOffset(bytes, 1)]).toEqual([20, 16]);
  const out = new Uint8Array(1 + VNET_HEADER_LENGTH).fill(0xff);
  const fields = { flags: 1, gsoType: 1, headerLength: 52, gsoSize: 1250, checksumStart: 20, checksumOffset: 16 };
  writeVnetHeader(out, 1, fields);
  expect([...out]).toEqual([...bytes]);
});
