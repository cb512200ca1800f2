// The reference's connector as a machine for tests: inner packets in, answers out, always as bare inner packets on the
// relay connection. Its backends are the test's.
import { earlier, type Millis } from "../../src/core/machine.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { finish, sum16 } from "../../src/wire/checksum.ts";
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  writeIpv4Header,
} from "../../src/wire/ipv4.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { type ReferenceStreams, ReferenceTcpProxy } from "./reference-tcp-proxy.ts";
import { ReferenceUplink } from "./reference-uplink.ts";

export interface ReferenceConnectorOptions {
  readonly service: string;
  readonly streams: ReferenceStreams;
  /** From the one socket that all flows share, to the backend. */
  readonly sendUdp: (payload: Uint8Array) => void;
  readonly initialSequence: () => number;
  readonly serviceIp?: number;
}

/** Which inner source and port last sent something, and when. */
interface UdpFlow {
  readonly source: number;
  readonly sourcePort: number;
  at: Millis;
}

export class ReferenceConnector {
  readonly uplink: ReferenceUplink;
  readonly tcp: ReferenceTcpProxy;
  private readonly options: ReferenceConnectorOptions;
  private readonly udpFlows = new Map<string, UdpFlow>();

  constructor(options: ReferenceConnectorOptions) {
    this.options = options;
    this.uplink = new ReferenceUplink({ role: "connector", services: [options.service] });
    const { streams, initialSequence, serviceIp } = options;
    this.tcp = new ReferenceTcpProxy({
      streams,
      initialSequence,
      serviceIp,
      send: (packet) => this.uplink.send(packet),
    });
  }

  handle(event: PeerEvent | DialEvent | { readonly type: "timeout" }, now: Millis): void {
    if (event.type === "datagram") {
      const inner = this.uplink.receive(event.bytes);
      if (inner !== undefined) this.receive(inner, now);
      return;
    }
    this.uplink.handle(event, now);
    if (event.type === "timeout") this.tcp.timeout(now);
  }

  poll(): PeerCommand | Dial | undefined {
    return this.uplink.poll();
  }

  deadline(): Millis | undefined {
    return earlier(this.uplink.deadline(), this.tcp.deadline());
  }

  /** An answer of the backend: goes to any flow of the last minute, from the address that it really came from. */
  udpAnswered(payload: Uint8Array, from: { readonly address: number; readonly port: number }, now: Millis): void {
    for (const [key, flow] of this.udpFlows) if (now > flow.at + UDP_FLOW_MS) this.udpFlows.delete(key);
    const [flow] = this.udpFlows.values();
    if (flow === undefined) return;
    const packet = encodeUdp({
      ...{ source: from.address, sourcePort: from.port, destination: flow.source, destinationPort: flow.sourcePort },
      payload,
    });
    this.uplink.send(packet);
  }

  /** Version and header length are all that is checked. */
  private receive(packet: Uint8Array, now: Millis): void {
    if (packet.length < IPV4_HEADER_LENGTH || packet[0]! >> 4 !== 4) return;
    const header = ipv4HeaderLength(packet);
    if (packet.length < header) return;
    const protocol = ipv4Protocol(packet);
    if (protocol === PROTOCOL_TCP && packet.length >= header + 20) this.tcp.receive(packet, now);
    else if (protocol === PROTOCOL_UDP) this.udp(packet, header, now);
    else if (protocol === PROTOCOL_ICMP) this.icmp(packet, header);
  }

  private udp(packet: Uint8Array, header: number, now: Millis): void {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    if (packet.length < header + 8) return;
    const length = view.getUint16(header + 4);
    if (length < 8 || header + length > packet.length) return;
    const [source, sourcePort] = [ipv4Source(packet), view.getUint16(header)];
    const key = `${source}:${sourcePort} ${view.getUint16(header + 2)}`;
    const known = this.udpFlows.get(key);
    if (known === undefined) this.udpFlows.set(key, { source, sourcePort, at: now });
    else known.at = now;
    this.options.sendUdp(packet.subarray(header + 8, header + length));
  }

  /** Answered by the connector itself, for any address. */
  private icmp(packet: Uint8Array, header: number): void {
    if (packet.length < header + 8 || packet[header] !== 8 || packet[header + 1] !== 0) return;
    const reply = new Uint8Array(IPV4_HEADER_LENGTH + packet.length - header);
    reply.set(packet.subarray(header), IPV4_HEADER_LENGTH);
    reply.fill(0, IPV4_HEADER_LENGTH, IPV4_HEADER_LENGTH + 4);
    const ends = { source: ipv4Destination(packet), destination: ipv4Source(packet) };
    writeIpv4Header(reply, 0, { ...ends, protocol: PROTOCOL_ICMP, totalLength: reply.length });
    new DataView(reply.buffer).setUint16(
      IPV4_HEADER_LENGTH + 2,
      finish(sum16(reply, IPV4_HEADER_LENGTH, reply.length)),
    );
    this.uplink.send(reply);
  }
}

const UDP_FLOW_MS = 60_000;
