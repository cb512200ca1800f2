// The socket port: whatever carries packets for an endpoint. Implementations: udp-bun.ts (portable).
import type { LocalAddress, SocketAddress } from "../wire/address.ts";

/**
 * One large send buffer. The writer fills the view at the running offset, then commits what it wrote. A view is valid
 * until the next call. `full` means: flush first; what the kernel refused stays in the batch until it takes it.
 */
export interface PacketBatch {
  next(): Uint8Array;
  commit(length: number, to: SocketAddress): void;
  readonly full: boolean;
}

export interface UdpSocketStats {
  receivedPackets: number;
  receivedBytes: number;
  sentPackets: number;
  sentBytes: number;
  /** Packets lost in sending, by reason: the kernel refused them for good. */
  sendErrors: number;
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
