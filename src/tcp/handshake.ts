// What two ends agree on in their SYNs: segment sizes, window scale, SACK, timestamps. What one of them does not offer
// is not used by either.
import type { TcpOptions } from "../wire/tcp-options.ts";
import type { ConnectionLimits } from "./connection-options.ts";
import { MAX_SHIFT, shiftFor } from "./receive-window.ts";

export class Handshake {
  /** Before the peer's SYN came: what we offer. Afterwards: what is agreed. */
  scaling: boolean;
  selective: boolean;
  timestamps: boolean;
  /** Our scale, and the peer's. */
  readonly shift: number;
  peerShift = 0;
  peerMss = DEFAULT_MSS;
  /** The peer's SYN had no option that we know: every full TCP names its segment size. */
  peerIsPlain = false;

  constructor(limits: ConnectionLimits) {
    this.scaling = limits.windowScaling;
    this.selective = limits.selectiveAcks;
    this.timestamps = limits.timestamps;
    this.shift = shiftFor(limits.receiveBufferBytes);
  }

  /** The peer's SYN, with or without ACK. */
  learn(options: TcpOptions): void {
    this.peerIsPlain = options.mss === 0 && options.windowScale < 0 && !options.hasTimestamps;
    if (options.mss > 0) this.peerMss = Math.max(options.mss, LEAST_MSS);
    this.scaling &&= options.windowScale >= 0;
    this.selective &&= options.sackPermitted;
    this.timestamps &&= options.hasTimestamps;
    this.peerShift = this.scaling ? Math.min(options.windowScale, MAX_SHIFT) : 0;
  }

  /** Into our SYN; timestamps are written by their keeper. */
  write(options: TcpOptions, mss: number): void {
    options.mss = mss;
    if (this.scaling) options.windowScale = this.shift;
    options.sackPermitted = this.selective;
  }
}

/** Of a peer that names none (RFC 9293 section 3.7.1). */
const DEFAULT_MSS = 536;
/** A peer that wants less would have us send headers. */
const LEAST_MSS = 64;
