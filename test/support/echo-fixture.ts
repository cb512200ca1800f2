// A UDP echo service: returns every datagram to its sender. As a program: `bun echo-fixture.ts --port N` (default 9999,
// 0 picks one) binds 0.0.0.0 and prints `listening ADDRESS:PORT`. In a test: openEcho() in the same process.
import { dlopen, FFIType, ptr } from "bun:ffi";

export interface Echo extends Disposable {
  readonly host: string;
  readonly port: number;
  /** Resolves with the first datagram. */
  readonly served: Promise<void>;
  /** Datagrams returned so far. */
  readonly echoed: number;
  /** Ports that they came from: each flow of a connector has its own. */
  readonly sources: ReadonlySet<number>;
  close(): void;
}

export async function openEcho(options: { readonly host?: string; readonly port?: number } = {}): Promise<Echo> {
  const host = options.host ?? "127.0.0.1";
  let echoed = 0;
  const sources = new Set<number>();
  const first = Promise.withResolvers<void>();
  const unsent: { readonly data: Uint8Array; readonly port: number; readonly address: string }[] = [];
  const socket = await Bun.udpSocket({
    hostname: host,
    port: options.port ?? 0,
    binaryType: "uint8array",
    socket: {
      data(self, data, port, address) {
        if (unsent.length > 0 || !self.send(data, port, address)) unsent.push({ data, port, address });
        echoed += 1;
        sources.add(port);
        first.resolve();
      },
      drain(self) {
        for (let next = unsent[0]; next !== undefined; next = unsent[0]) {
          if (!self.send(next.data, next.port, next.address)) return;
          unsent.shift();
        }
      },
      // A sender that went away (ICMP port unreachable) is nothing to an echo service.
      error() {},
    },
  });
  // Bun's types leave the descriptor out.
  enlargeBuffers((socket as unknown as { readonly fd: number }).fd);
  const close = () => socket.close();
  return {
    host,
    port: socket.port,
    served: first.promise,
    get echoed() {
      return echoed;
    },
    sources,
    close,
    [Symbol.dispose]: close,
  };
}

/** Bun offers no option for it, and the kernel's default holds some 90 datagrams: too few for a load test. */
function enlargeBuffers(fd: number): void {
  const libc = dlopen("libc.so.6", {
    setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  });
  const bytes = new Int32Array([4 * 1024 * 1024]);
  for (const option of [SO_RCVBUF, SO_SNDBUF]) libc.symbols.setsockopt(fd, SOL_SOCKET, option, ptr(bytes), 4);
  libc.close();
}

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;

if (import.meta.main) {
  const [flag, value] = process.argv.slice(2);
  const port = flag === "--port" ? Number(value) : 9999;
  const echo = await openEcho({ host: "0.0.0.0", port });
  console.error(`listening ${echo.host}:${echo.port}`);
}
