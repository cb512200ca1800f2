// Writes whole inner packets into the caller's buffer: payload is copied once, straight from the send buffer.
import { HEADERS_LENGTH, type TcpHeader, writeTcpHeaders } from "../wire/tcp.ts";
import { TcpOptions, tcpOptionsLength, writeTcpOptions } from "../wire/tcp-options.ts";
import type { TcpFlow } from "./isn.ts";
import type { SendBuffer } from "./send-buffer.ts";

/** The header of the next segment, and its options; what belongs to the flow stays the same. */
export class SegmentWriter implements TcpHeader {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  window = 0;
  readonly options = new TcpOptions();

  constructor(flow: TcpFlow) {
    this.source = flow.source;
    this.sourcePort = flow.sourcePort;
    this.destination = flow.destination;
    this.destinationPort = flow.destinationPort;
  }

  /** Returns the length of the packet, which begins at `offset`. The payload is [from, to) of the buffer. */
  write(out: Uint8Array, offset: number, buffer: SendBuffer, from: number, to: number): number {
    const optionsLength = tcpOptionsLength(this.options);
    const length = HEADERS_LENGTH + optionsLength + Math.max(to - from, 0);
    if (offset + length > out.length) {
      throw new RangeError(`a packet of ${length} bytes does not fit into ${out.length - offset}`);
    }
    writeTcpOptions(out, offset + HEADERS_LENGTH, this.options);
    if (to > from) buffer.copyTo(out, offset + HEADERS_LENGTH + optionsLength, from, to - from);
    return writeTcpHeaders(out, offset, this, optionsLength, Math.max(to - from, 0));
  }
}
