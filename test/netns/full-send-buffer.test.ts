// A kernel's send buffer that is really full: a token bucket on the cable lets packets through far more slowly than they
// are made, and they count against the socket's buffer until they have left.
import { afterAll, beforeAll, expect } from "bun:test";
import type { Millis } from "../../src/core/machine.ts";
import { MAX_WAIT_MS } from "../../src/quic/connection.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { processLoop } from "../../src/runtime/process-loop.ts";
import { LinuxUdpSockets } from "../../src/runtime/udp-linux.ts";
import type { UdpSocketHandlers } from "../../src/runtime/udp-socket.ts";
import { NetworkNamespace, removeNamespaces } from "../support/network-namespace.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";

const here = testUnless(withoutNetworkNamespaces(), withoutProgram("tc"));

let shared: NonNullable<Awaited<ReturnType<typeof processLoop>>>;
beforeAll(async () => {
  const loop = await processLoop();
  if (loop === undefined) throw new Error("no batched sockets here");
  shared = loop;
});
afterAll(removeNamespaces);

function open(host: NetworkNamespace, address: string, bufferBytes: number, handlers: UdpSocketHandlers) {
  return host.enter(() => {
    const steppedDown = () => {};
    const sockets = new LinuxUdpSockets({ ...shared, handlers, steppedDown, bufferBytes, replyFromDestination: false });
    sockets.bind({ host: address, port: 0 });
    return sockets;
  });
}

/** A sender that commits numbered packets whenever the batch has room, behind a cable of so many bits per second. */
class SlowCable implements Disposable {
  /** Numbers, as they arrived. */
  readonly arrived: number[] = [];
  committed = 0;
  /** Turns that began with packets left in the batch. */
  keptTurns = 0;
  readonly socket: LinuxUdpSockets;
  readonly #hosts = [new NetworkNamespace("sender"), new NetworkNamespace("receiver")] as const;
  readonly #receiver: LinuxUdpSockets;
  readonly #packets: number;
  #changed: () => void = () => {};

  constructor(rate: string, packets: number) {
    const [sender, receiver] = this.#hosts;
    this.#packets = packets;
    sender.connect("cable", "10.99.1.1/24", receiver, "cable", "10.99.1.2/24");
    const bucket = ["rate", rate, "burst", "10kb", "limit", "10mb"];
    sender.run("tc", "qdisc", "add", "dev", "cable", "root", "tbf", ...bucket);
    this.#receiver = open(receiver, "10.99.1.2", 4_194_304, {
      receive: (packet) => {
        this.arrived.push(new DataView(packet.buffer, packet.byteOffset).getUint32(0));
        this.#changed();
      },
      flush: () => undefined,
    });
    const flush = () => this.#fill();
    this.socket = open(sender, "10.99.1.1", SEND_BUFFER, { receive: () => {}, flush });
    this.#receiver.wake();
    this.socket.wake();
  }

  /** Committed, and neither sent nor dropped. */
  get waiting(): number {
    const { sentPackets, sendBufferDrops, sendErrors } = this.socket.stats;
    return this.committed - sentPackets - sendBufferDrops - sendErrors;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
    this.#receiver.close();
    for (const host of this.#hosts) host[Symbol.dispose]();
  }

  #fill(): Millis | undefined {
    const { batch } = this.socket;
    if (batch.waiting > 0) this.keptTurns++;
    const to = this.socket.remote("10.99.1.2", this.#receiver.local[0]!.port);
    while (this.committed < this.#packets && !batch.full) {
      const packet = batch.next();
      new DataView(packet.buffer, packet.byteOffset).setUint32(0, this.committed++);
      batch.commit(PACKET_BYTES, to);
    }
    this.socket.flush();
    this.#changed();
    return batch.waiting > 0 ? monotonicClock.now() + 1 : undefined;
  }
}

here(
  "what the kernel has no room for is kept and sent when it has: everything arrives, in order, and the accounts agree",
  async () => {
    using cable = new SlowCable("60mbit", PACKETS);
    await cable.until(() => cable.keptTurns > 0);
    expect(cable.waiting).toBeGreaterThan(0);
    await cable.until(() => cable.arrived.length + cable.socket.stats.sendBufferDrops >= PACKETS);
    expect(cable.arrived).toEqual(Array.from({ length: PACKETS }, (_, number) => number));
    expect(cable.socket.stats).toMatchObject({ sentPackets: PACKETS, sendBufferDrops: 0, sendErrors: 0 });
    expect(cable.socket.batch.waiting).toBe(0);
  },
  60_000,
);

here(
  "what does not leave in time is dropped and counted, and what was sent is what arrives",
  async () => {
    using cable = new SlowCable("400kbit", PACKETS);
    const start = monotonicClock.now();
    await cable.until(() => cable.committed === PACKETS && cable.waiting === 0);
    const { sentPackets, sendBufferDrops, sendErrors } = cable.socket.stats;
    expect(monotonicClock.now() - start).toBeGreaterThanOrEqual(MAX_WAIT_MS);
    expect(sendBufferDrops).toBeGreaterThan(0);
    expect([sentPackets + sendBufferDrops, sendErrors]).toEqual([PACKETS, 0]);
    await cable.until(() => cable.arrived.length === sentPackets);
    expect(cable.arrived).toEqual(cable.arrived.toSorted((a, b) => a - b));
    expect(new Set(cable.arrived).size).toBe(sentPackets);
  },
  60_000,
);

/** The whole batch leaves the faster cable in a third of the time that it may wait. */
const SEND_BUFFER = 32_768;
const PACKET_BYTES = 1200;
const PACKETS = 1500;
