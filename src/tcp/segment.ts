// One incoming segment, read once. An instance is filled again and again, so that none is made per segment.
import { ipv4TotalLength } from "../wire/ipv4.ts";
import {
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  tcpAcknowledgement,
  tcpFlags,
  tcpPayloadStart,
  tcpSequence,
  tcpWindow,
} from "../wire/tcp.ts";
import { readTcpOptions, TcpOptions } from "../wire/tcp-options.ts";

export class Segment {
  sequence = 0;
  acknowledgement = 0;
  window = 0;
  isSyn = false;
  isAck = false;
  isFin = false;
  isRst = false;
  /** Where the payload is within the packet's bytes. */
  payloadStart = 0;
  payloadEnd = 0;
  readonly options = new TcpOptions();

  /** Of an inner packet that checkIpv4 and checkTcp accepted. */
  read(bytes: Uint8Array, offset: number): void {
    const flags = tcpFlags(bytes, offset);
    this.sequence = tcpSequence(bytes, offset);
    this.acknowledgement = tcpAcknowledgement(bytes, offset);
    this.window = tcpWindow(bytes, offset);
    this.isSyn = (flags & TCP_SYN) !== 0;
    this.isAck = (flags & TCP_ACK) !== 0;
    this.isFin = (flags & TCP_FIN) !== 0;
    this.isRst = (flags & TCP_RST) !== 0;
    this.payloadStart = tcpPayloadStart(bytes, offset);
    this.payloadEnd = offset + ipv4TotalLength(bytes, offset);
    readTcpOptions(bytes, offset, this.options);
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** What it takes of the stream: SYN and FIN count like a byte. */
  get length(): number {
    return this.payloadLength + (this.isSyn ? 1 : 0) + (this.isFin ? 1 : 0);
  }
}
