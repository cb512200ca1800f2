// A TCP client of the kernel's own, as a process for another network namespace: sends one request, says that this was
// all, reads to the end. `bun raw-tcp-client.ts HOST PORT TEXT [together]`; "together" puts the request and the FIN into
// one segment. Prints how many bytes came and their SHA-256.
import { dlopen, FFIType, ptr } from "bun:ffi";
import { parseIpv4 } from "../../src/wire/address.ts";
import { writeU16, writeU32 } from "../../src/wire/bytes.ts";

function main(host: string, port: number, text: string, together: boolean): void {
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  writeU16(address, 2, port);
  writeU32(address, 4, parseIpv4(host)!);
  if (libc.connect(fd, ptr(address), address.length) !== 0) throw new Error("connect");
  const request = Buffer.from(text);
  // The kernel keeps what more is to follow, and the FIN finds it still there.
  const sent = Number(libc.send(fd, ptr(request), request.length, together ? MSG_MORE : 0));
  if (sent !== request.length) throw new Error("send");
  if (libc.shutdown(fd, SHUT_WR) !== 0) throw new Error("shutdown");
  const hash = new Bun.CryptoHasher("sha256");
  const buffer = new Uint8Array(65_536);
  let bytes = 0;
  for (;;) {
    const got = Number(libc.recv(fd, ptr(buffer), buffer.length, 0));
    if (got < 0) throw new Error("recv");
    if (got === 0) break;
    hash.update(buffer.subarray(0, got));
    bytes += got;
  }
  console.log(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
}

const { i32, u32, u64, i64, ptr: pointer } = FFIType;
const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: [i32, i32, i32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  send: { args: [i32, pointer, u64, i32], returns: i64 },
  recv: { args: [i32, pointer, u64, i32], returns: i64 },
  shutdown: { args: [i32, i32], returns: i32 },
});

const AF_INET = 2;
const SOCK_STREAM = 1;
const SHUT_WR = 1;
const MSG_MORE = 0x8000;

const [host = "", port = "", text = "", together] = process.argv.slice(2);
main(host, Number(port), text, together === "together");
