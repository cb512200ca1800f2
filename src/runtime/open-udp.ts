// Chooses how packets are carried: batched where Linux and Bun allow it, portable everywhere else.
import { processLoop } from "./process-loop.ts";
import { DEFAULT_BUFFER_BYTES } from "./socket-buffers.ts";
import { openUdpSockets } from "./udp-bun.ts";
import { LinuxUdpSockets } from "./udp-linux.ts";
import type { BindAddress, UdpSocket, UdpSocketHandlers } from "./udp-socket.ts";

/** `auto` prefers `linux` and falls back to `portable` without a word; `linux` fails where it cannot be had. */
export type UdpIo = "auto" | "linux" | "portable";

export interface OpenUdpOptions {
  readonly io: UdpIo;
  readonly externalHost?: string | undefined;
  /** Kernel buffers to ask for, in bytes. */
  readonly bufferBytes?: number | undefined;
  /** Replies name the address that a packet came to; for servers. */
  readonly replyFromDestination?: boolean;
  /** Said once when batched sending had to be given up. */
  readonly steppedDown?: (errno: number) => void;
}

export interface OpenedUdp {
  readonly socket: UdpSocket;
  readonly io: "linux" | "portable";
}

/** Opens one socket per address. Throws the system's error when an address cannot be bound. */
export async function openUdp(
  addresses: readonly BindAddress[],
  handlers: UdpSocketHandlers,
  options: OpenUdpOptions,
): Promise<OpenedUdp> {
  const batched = options.io === "portable" ? undefined : await openBatched(addresses, handlers, options);
  if (batched !== undefined) return { socket: batched, io: "linux" };
  if (options.io === "linux") throw new Error("batched I/O needs Linux with glibc and Bun's epoll loop");
  const { externalHost, bufferBytes } = options;
  return { socket: await openUdpSockets(addresses, handlers, { externalHost, bufferBytes }), io: "portable" };
}

async function openBatched(
  addresses: readonly BindAddress[],
  handlers: UdpSocketHandlers,
  options: OpenUdpOptions,
): Promise<UdpSocket | undefined> {
  const shared = await processLoop();
  if (shared === undefined) return undefined;
  const { externalHost, bufferBytes = DEFAULT_BUFFER_BYTES } = options;
  const { replyFromDestination = false, steppedDown = () => {} } = options;
  const sockets = new LinuxUdpSockets({
    ...shared,
    handlers,
    steppedDown,
    externalHost,
    bufferBytes,
    replyFromDestination,
  });
  try {
    for (const address of addresses) sockets.bind(address);
  } catch (error) {
    sockets.close();
    throw error;
  }
  return sockets;
}
