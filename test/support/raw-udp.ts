// Sends UDP packets whose header the test writes itself, which no ordinary socket allows: a source port of 0. Needs root.
import { dlopen, FFIType, ptr } from "bun:ffi";
import { parseIpv4 } from "../../src/wire/address.ts";
import { writeU16, writeU32 } from "../../src/wire/bytes.ts";

export class RawUdp implements Disposable {
  readonly #libc = dlopen("libc.so.6", {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: {
      args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
      returns: FFIType.i64,
    },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  });
  readonly #descriptor: number;

  constructor() {
    this.#descriptor = this.#libc.symbols.socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    if (this.#descriptor < 0) throw new Error("no raw socket");
  }

  send(sourcePort: number, to: { readonly host: string; readonly port: number }, payload: Uint8Array): void {
    const packet = new Uint8Array(UDP_HEADER_BYTES + payload.length);
    writeU16(packet, 0, sourcePort);
    writeU16(packet, 2, to.port);
    writeU16(packet, 4, packet.length);
    packet.set(payload, UDP_HEADER_BYTES);
    // sockaddr_in: family 2 (of this host's byte order) | port 2 | address 4 | unused 8
    const name = new Uint8Array(16);
    name[0] = AF_INET;
    writeU32(name, 4, parseIpv4(to.host)!);
    const length = packet.length;
    const sent = this.#libc.symbols.sendto(this.#descriptor, ptr(packet), length, 0, ptr(name), name.length);
    if (Number(sent) !== length) throw new Error(`sent ${sent} of ${length} bytes`);
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#descriptor);
    this.#libc.close();
  }
}

const UDP_HEADER_BYTES = 8;
const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;
