// A program that floods a UDP port of this host with short packets, as fast as the kernel takes them, until it is ended
// or ten seconds are over: `bun flood.ts PORT`. Prints `flooding` once it has begun.
import { openUdp } from "../../src/runtime/open-udp.ts";

async function flood(port: number): Promise<void> {
  const deaf = { receive: () => {}, flush: () => undefined };
  const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], deaf, { io: "linux" });
  const to = socket.remote("127.0.0.1", port);
  const packet = crypto.getRandomValues(new Uint8Array(PACKET_BYTES));
  packet[0] = SHORT_HEADER;
  const end = performance.now() + LIMIT_MS;
  for (let round = 0; performance.now() < end; round++) {
    while (!socket.batch.full) {
      socket.batch.next().set(packet);
      socket.batch.commit(packet.length, to);
    }
    socket.flush();
    if (round === FIRST_ROUNDS) console.log("flooding");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const PACKET_BYTES = 64;
const SHORT_HEADER = 0x40;
const FIRST_ROUNDS = 10;
const LIMIT_MS = 10_000;

await flood(Number(process.argv[2]));
process.exit(0);
