// The socket port: whatever carries packets for an endpoint. Implementations: udp-bun.ts (portable).
import type { PacketBatch } from "../quic/packet-batch.ts";
import type { LocalAddress, SocketAddress } from "../wire/address.ts";

export interface UdpSocketStats {
  receivedPackets: number;
  receivedBytes: number;
  sentPackets: number;
  sentBytes: number;
  /** Packets that the kernel refused for good, and ICMP errors that came back. */
  sendErrors: number;
  /** Kernel buffers, as the kernel reports them. */
  receiveBufferBytes: number;
  sendBufferBytes: number;
}

export interface UdpSocket {
  readonly local: readonly LocalAddress[];
  readonly batch: PacketBatch;
  readonly stats: UdpSocketStats;
  /** Hands the batch to the kernel. What it cannot take yet is kept and sent when the socket is writable. */
  flush(): void;
  /** The interned address of a remote end, for dialling. */
  remote(host: string, port: number): SocketAddress;
  close(): void;
}
