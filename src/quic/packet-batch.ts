// Where an endpoint writes its packets.
import type { SocketAddress } from "../wire/address.ts";

/**
 * One large send buffer. The writer fills the view at the running offset, then commits what it wrote. A view is valid
 * until the next call. `full` means: flush first; what the kernel refused stays in the batch until it takes it.
 */
export interface PacketBatch {
  next(): Uint8Array;
  commit(length: number, to: SocketAddress): void;
  readonly full: boolean;
}
