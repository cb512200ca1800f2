// TCP connections that share one bottleneck, in virtual time: a line that takes so long for a packet, a buffer in front of
// it that may overflow, a delay behind it, and losses of its own in either direction. Acknowledgements meet no queue.
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionLimits } from "../../src/tcp/connection-options.ts";
import { newTcpStats, type TcpStats } from "../../src/tcp/stats.ts";
import { Random } from "./random.ts";

export interface Bottleneck {
  readonly packetMs: number;
  readonly delayMs: number;
  readonly bufferMs?: number;
  /** Part of the packets that is lost in each direction, without any reason. */
  readonly loss?: number;
  readonly senders: number;
  /** Ends when every sender got so many bytes through, or at this time. */
  readonly bytesEach?: number;
  readonly endMs: number;
  readonly limits?: Partial<ConnectionLimits>;
}

export interface BottleneckUse {
  readonly ms: number;
  /** Part of what the line could have carried since the first byte arrived, for each sender. */
  readonly shares: readonly number[];
  /** Part of what was sent that found the buffer full. */
  readonly overflowed: number;
  /** In the second half of `endMs`: the longest that a packet waited, and the part of the time that the line was busy. */
  readonly longestWaitMs: number;
  readonly busy: number;
  readonly stats: TcpStats;
}

export const PACKET_BYTES = 1_200;

export function useBottleneck(line: Bottleneck): BottleneckUse {
  return new Run(line).run();
}

interface Pair {
  readonly from: Connection;
  readonly to: Connection;
  held: boolean;
  received: number;
}

class Run {
  private readonly line: Bottleneck;
  private readonly random = new Random(7);
  private readonly stats = newTcpStats();
  private readonly pairs: readonly Pair[];
  private readonly arriving: { readonly at: number; readonly deliver: (now: number) => void }[] = [];
  private readonly answers: typeof this.arriving = [];
  private readonly packet = new Uint8Array(2_048);
  private firstAt: number | undefined;
  private freeAt = 0;
  private sent = 0;
  private overflowed = 0;
  private longestWaitMs = 0;
  private servedLate = 0;

  constructor(line: Bottleneck) {
    this.line = line;
    this.pairs = Array.from({ length: line.senders }, (_, index) => this.pair(index));
  }

  run(): BottleneckUse {
    const { line, pairs } = this;
    let now = 1;
    for (const { from } of pairs) from.connect();
    for (; now < line.endMs && !this.isDone(); now += STEP_MS) {
      for (const queue of [this.arriving, this.answers]) {
        while ((queue[0]?.at ?? now + 1) <= now) queue.shift()?.deliver(now);
      }
      for (const pair of pairs) this.turn(pair, now);
    }
    const could = ((now - (this.firstAt ?? 0)) / line.packetMs) * PACKET_BYTES;
    return {
      ms: now,
      shares: pairs.map((pair) => pair.received / could),
      overflowed: this.overflowed / this.sent,
      longestWaitMs: this.longestWaitMs,
      busy: (this.servedLate * line.packetMs) / (line.endMs / 2),
      stats: this.stats,
    };
  }

  private pair(index: number): Pair {
    const flow = { source: 1, sourcePort: 1000 + index, destination: 2, destinationPort: 80 };
    const back = { source: 2, sourcePort: 80, destination: 1, destinationPort: 1000 + index };
    const common = { mss: PACKET_BYTES, timestampOffset: 1, stats: this.stats, ...BUFFERS, ...this.line.limits };
    const from = new Connection({ ...common, flow, initialSequence: 1 });
    return { from, to: new Connection({ ...common, flow: back, initialSequence: 2 }), held: false, received: 0 };
  }

  private isDone(): boolean {
    const { bytesEach } = this.line;
    return bytesEach !== undefined && this.pairs.every((pair) => pair.received >= bytesEach);
  }

  private turn(pair: Pair, now: number): void {
    const { from, to } = pair;
    from.handleTimeout(now);
    to.handleTimeout(now);
    if (from.state === "established") from.write(CHUNK, "given", now);
    for (let view = to.read(); view.length > 0; view = to.read()) {
      this.firstAt ??= now;
      pair.received += view.length;
      to.consumed(view.length);
    }
    for (let bytes = this.next(from, now); bytes !== undefined; bytes = this.next(from, now))
      this.queue(pair, bytes, now);
    for (let bytes = this.next(to, now); bytes !== undefined; bytes = this.next(to, now)) {
      const answer = bytes;
      const deliver = (when: number) => from.receive(answer, 0, when);
      if (!this.isLost()) this.answers.push({ at: now + this.line.delayMs, deliver });
    }
    while (from.poll() !== undefined || to.poll() !== undefined);
  }

  private queue(pair: Pair, bytes: Uint8Array, now: number): void {
    const { bufferMs = Number.POSITIVE_INFINITY, packetMs, delayMs, endMs } = this.line;
    this.sent += 1;
    if (this.freeAt - now > bufferMs) {
      this.overflowed += 1;
      return;
    }
    this.freeAt = Math.max(this.freeAt, now) + packetMs;
    if (now > endMs / 2) {
      this.longestWaitMs = Math.max(this.longestWaitMs, this.freeAt - now);
      this.servedLate += 1;
    }
    if (this.isLost()) return;
    const deliver = (when: number) => {
      if (pair.held) return pair.to.receive(bytes, 0, when);
      pair.held = true;
      pair.to.hold(bytes, 0, when);
      pair.to.accept();
    };
    this.arriving.push({ at: this.freeAt + delayMs, deliver });
  }

  private next(connection: Connection, now: number): Uint8Array | undefined {
    const length = connection.transmit(this.packet, 0, now);
    return length === 0 ? undefined : this.packet.slice(0, length);
  }

  private isLost(): boolean {
    return this.random.chance(this.line.loss ?? 0);
  }
}

const BUFFERS = { sendBufferBytes: 4_000_000, receiveBufferBytes: 4_000_000, userTimeoutMs: 1e9 };
const STEP_MS = 0.25;
const CHUNK = new Uint8Array(65_536);
