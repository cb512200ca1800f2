// Random mixes of sizes and destinations through the batched socket: real sockets must deliver the same packets, in
// order for each destination, whatever the kernel was asked to cut up or put together.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";

const RECEIVERS = 3;

class Receiver {
  readonly packets: Uint8Array[] = [];
  socket!: UdpSocket;
  onPacket: () => void = () => {};

  static async open(io: "linux" | "portable"): Promise<Receiver> {
    const made = new Receiver();
    const receive = (packet: Uint8Array) => {
      made.packets.push(packet.slice());
      made.onPacket();
    };
    const handlers = { receive, flush: () => undefined };
    made.socket = (await openUdp([{ host: "127.0.0.1", port: 0 }], handlers, { io })).socket;
    made.socket.wake();
    return made;
  }
}

describe.each([
  ["linux", "linux"],
  ["linux", "portable"],
  ["portable", "linux"],
] as const)("a %s sender and %s receivers", async (from, to) => {
  const receivers = await Promise.all(Array.from({ length: RECEIVERS }, () => Receiver.open(to)));
  const handlers = { receive: () => {}, flush: () => undefined };
  const { socket: sender } = await openUdp([{ host: "127.0.0.1", port: 0 }], handlers, { io: from });
  const addresses = receivers.map(({ socket }) => sender.remote("127.0.0.1", socket.local[0]!.port));
  afterAll(() => {
    for (const { socket } of [...receivers, { socket: sender }]) socket.close();
  });

  /** Runs of equal sizes are what gets segmented; single odd ones are what ends a run. */
  const run = fc.record({
    receiver: fc.nat(RECEIVERS - 1),
    size: fc.oneof(fc.integer({ min: 1, max: 1350 }), fc.constantFrom(1, 1200, 1350)),
    count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 70 })),
  });

  test("exchange what was sent, in order for each destination", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 6 }), async (runs) => {
        const expected: Uint8Array[][] = receivers.map(() => []);
        for (const one of receivers) one.packets.length = 0;
        const total = runs.reduce((sum, { count }) => sum + count, 0);
        const arrived = new Promise<void>((resolve) => {
          let left = total;
          for (const one of receivers) one.onPacket = () => --left === 0 && resolve();
        });
        let serial = 0;
        for (const { receiver, size, count } of runs) {
          for (let i = 0; i < count; i++) {
            const packet = new Uint8Array(size).fill(++serial & 0xff);
            if (sender.batch.full) sender.flush();
            sender.batch.next().set(packet);
            sender.batch.commit(size, addresses[receiver]!);
            expected[receiver]!.push(packet);
          }
        }
        sender.flush();
        await arrived;
        expect(receivers.map(({ packets }) => packets)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
