// The socket port: whatever carries packets for an endpoint, and calls its driver when there is something to do.
// Implementations: udp-bun.ts (portable) and udp-linux.ts (batched).
import type { Millis } from "../core/machine.ts";
import type { PacketBatch } from "../quic/packet-batch.ts";
import type { LocalAddress, SocketAddress } from "../wire/address.ts";

export interface UdpSocketStats {
  receivedPackets: number;
  receivedBytes: number;
  sentPackets: number;
  sentBytes: number;
  /** Packets that the kernel refused for good, and ICMP errors that came back. */
  sendErrors: number;
  /** Packets that waited too long for room in the kernel's send buffer. */
  sendBufferDrops: number;
  /** Packets that the kernel dropped because nobody read them in time; 0 where it does not say. */
  kernelDrops: number;
  /** Kernel buffers, as the kernel reports them. */
  receiveBufferBytes: number;
  sendBufferBytes: number;
}

/** Of a socket that nothing came through yet. */
export function newUdpSocketStats(): UdpSocketStats {
  return {
    receivedPackets: 0,
    receivedBytes: 0,
    sentPackets: 0,
    sentBytes: 0,
    sendErrors: 0,
    sendBufferDrops: 0,
    kernelDrops: 0,
    receiveBufferBytes: 0,
    sendBufferBytes: 0,
  };
}

/** The driver, as the socket calls it. */
export interface UdpSocketHandlers {
  /** `packet` is the receiver's to overwrite until it returns. */
  receive(packet: Uint8Array, from: SocketAddress): void;
  /** Sends what is ready; returns when it next wants to be called, if nothing happens before. */
  flush(): Millis | undefined;
}

export interface BindAddress {
  /** An IP literal. */
  readonly host: string;
  readonly port: number;
}

export interface UdpSocket {
  readonly local: readonly LocalAddress[];
  readonly batch: PacketBatch;
  readonly stats: UdpSocketStats;
  /** Hands the batch to the kernel. What it cannot take yet is kept and sent when the socket is writable. */
  flush(): void;
  /** The interned address of a remote end, for dialling. */
  remote(host: string, port: number): SocketAddress;
  /** Something happened elsewhere: flush() is called soon. */
  wake(): void;
  close(): void;
}
