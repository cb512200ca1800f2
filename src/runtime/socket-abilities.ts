// What the kernel gives a UDP socket of ours: buffers, and segmentation in both directions.
import { bindSocket } from "./kernel-socket.ts";
import { openLibc, readOption, setOption } from "./libc.ts";
import { SOL_UDP, UDP_GRO, UDP_SEGMENT } from "./receive-ring.ts";

export interface SocketAbilities {
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** Several packets of one sender arrive as one (UDP_GRO). */
  readonly receiveOffload: boolean;
  /** Several packets leave as one (UDP_SEGMENT). */
  readonly sendOffload: boolean;
}

/** Asks a socket on loopback; undefined where system calls cannot be made. Throws the system's error. */
export function socketAbilities(bufferBytes: number): SocketAbilities | undefined {
  const libc = openLibc();
  if (libc === undefined) return undefined;
  const socket = bindSocket({ libc, bufferBytes, replyFromDestination: false }, { host: "127.0.0.1", port: 0 }, 0);
  try {
    return {
      receiveBufferBytes: socket.receiveBufferBytes,
      sendBufferBytes: socket.sendBufferBytes,
      receiveOffload: readOption(libc, socket.fd, SOL_UDP, UDP_GRO) === 1,
      sendOffload: setOption(libc, socket.fd, SOL_UDP, UDP_SEGMENT, SEGMENT_BYTES),
    };
  } finally {
    libc.close(socket.fd);
  }
}

const SEGMENT_BYTES = 1200;
