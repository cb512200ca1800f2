// TCP options (RFC 9293 section 3.2): maximum segment size, window scale and timestamps (RFC 7323), SACK (RFC 2018).
// Reading fills a value that the caller keeps, so that nothing is allocated for a segment.
//
//   00 end   01 no-operation   02 04 mss(2)   03 03 shift   04 02 SACK permitted
//   05 2+8n, n × { left(4), right(4) } SACK blocks   08 0a value(4) echo(4) timestamps
import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import { tcpOptionsStart, tcpPayloadStart } from "./tcp.ts";

export const MAX_TCP_OPTIONS_LENGTH = 40;
export const MAX_SACK_BLOCKS = 4;

/** What the options of one segment say. */
export class TcpOptions {
  /** 0: not there. */
  mss = 0;
  /** -1: not there. As sent: a receiver treats shifts above 14 as 14. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  sackBlocks = 0;
  /** Left and right edge of each block in turn; only the first `sackBlocks` pairs mean anything. */
  readonly sackEdges = new Uint32Array(MAX_SACK_BLOCKS * 2);

  clear(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.timestamp = 0;
    this.timestampEcho = 0;
    this.sackBlocks = 0;
  }

  addSackBlock(left: number, right: number): void {
    if (this.sackBlocks === MAX_SACK_BLOCKS) throw new RangeError("the options of a segment hold four SACK blocks");
    this.sackEdges[this.sackBlocks * 2] = left;
    this.sackEdges[this.sackBlocks * 2 + 1] = right;
    this.sackBlocks += 1;
  }
}

/**
 * Of a segment that checkTcp accepted. An unknown option, or a known one of a wrong length, is passed over; a length
 * that leads nowhere ends the reading, and what came before it counts.
 */
export function readTcpOptions(bytes: Uint8Array, offset: number, into: TcpOptions): void {
  into.clear();
  const end = tcpPayloadStart(bytes, offset);
  let at = tcpOptionsStart(bytes, offset);
  while (at < end) {
    const kind = bytes[at] as number;
    if (kind === END) return;
    if (kind === NO_OPERATION) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? (bytes[at + 1] as number) : 0;
    if (length < 2 || at + length > end) return;
    readOption(bytes, at, kind, length, into);
    at += length;
  }
}

/** In bytes: always whole words, and never more than fit. */
export function tcpOptionsLength(options: TcpOptions): number {
  const withoutSack = lengthWithoutSack(options);
  const blocks = sackBlocksWritten(options, withoutSack);
  return blocks === 0 ? withoutSack : withoutSack + 4 + blocks * 8;
}

/** Returns the bytes written, tcpOptionsLength(). The last SACK blocks are left out when not all of them fit. */
export function writeTcpOptions(out: Uint8Array, start: number, options: TcpOptions): number {
  let at = start;
  if (options.mss > 0) {
    at = writeKind(out, at, MSS, 4) + 2;
    writeU16(out, at - 2, options.mss);
  }
  if (options.windowScale >= 0) {
    out[at] = NO_OPERATION;
    at = writeKind(out, at + 1, WINDOW_SCALE, 3) + 1;
    out[at - 1] = options.windowScale;
  }
  // "SACK permitted" and timestamps fill whole words together; either alone is padded.
  if (options.sackPermitted !== options.hasTimestamps) at = padded(out, at);
  if (options.sackPermitted) at = writeKind(out, at, SACK_PERMITTED, 2);
  if (options.hasTimestamps) {
    at = writeKind(out, at, TIMESTAMPS, 10) + 8;
    writeU32(out, at - 8, options.timestamp);
    writeU32(out, at - 4, options.timestampEcho);
  }
  return writeSackBlocks(out, at, options, sackBlocksWritten(options, at - start)) - start;
}

function readOption(bytes: Uint8Array, at: number, kind: number, length: number, into: TcpOptions): void {
  if (kind === MSS && length === 4) into.mss = readU16(bytes, at + 2);
  else if (kind === WINDOW_SCALE && length === 3) into.windowScale = bytes[at + 2] as number;
  else if (kind === SACK_PERMITTED && length === 2) into.sackPermitted = true;
  else if (kind === TIMESTAMPS && length === 10) {
    into.hasTimestamps = true;
    into.timestamp = readU32(bytes, at + 2);
    into.timestampEcho = readU32(bytes, at + 6);
  } else if (kind === SACK && length % 8 === 2) {
    into.sackBlocks = 0;
    for (let edges = at + 2; edges < at + length; edges += 8) {
      into.addSackBlock(readU32(bytes, edges), readU32(bytes, edges + 4));
    }
  }
}

function lengthWithoutSack(options: TcpOptions): number {
  const forSyn = (options.mss > 0 ? 4 : 0) + (options.windowScale >= 0 ? 4 : 0);
  if (options.hasTimestamps) return forSyn + 12;
  return forSyn + (options.sackPermitted ? 4 : 0);
}

function sackBlocksWritten(options: TcpOptions, otherBytes: number): number {
  return Math.min(options.sackBlocks, (MAX_TCP_OPTIONS_LENGTH - otherBytes - 4) >> 3);
}

function writeSackBlocks(out: Uint8Array, start: number, options: TcpOptions, blocks: number): number {
  if (blocks <= 0) return start;
  let at = writeKind(out, padded(out, start), SACK, 2 + blocks * 8);
  for (let edge = 0; edge < blocks * 2; edge += 1) {
    writeU32(out, at, options.sackEdges[edge] as number);
    at += 4;
  }
  return at;
}

function writeKind(out: Uint8Array, at: number, kind: number, length: number): number {
  out[at] = kind;
  out[at + 1] = length;
  return at + 2;
}

/** Two no-operations, which bring the values behind them to the bounds of words. */
function padded(out: Uint8Array, at: number): number {
  out[at] = NO_OPERATION;
  out[at + 1] = NO_OPERATION;
  return at + 2;
}

const END = 0;
const NO_OPERATION = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
