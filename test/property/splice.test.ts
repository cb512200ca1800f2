// Programs at both ends of a tunnel that loses, reorders, repeats and delays: whatever they write, read, pause and end,
// each gets exactly what the other wrote, in order, and learns of its end.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Network, PERFECT_LINK } from "../support/network.ts";
import { Random } from "../support/random.ts";
import { SplicedEnd } from "../support/spliced-end.ts";

interface Plan {
  readonly seed: number;
  /** What each program writes in all, and how much its side takes before it rests. */
  readonly bytes: readonly [number, number];
  readonly appetite: readonly [number, number];
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  /** In milliseconds: at least, and what is added at most. */
  readonly delay: readonly [number, number];
  readonly buffer: number;
  readonly mss: readonly [number, number];
  /** Datagrams that leave at most in one turn. */
  readonly room: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer(),
  bytes: fc.tuple(fc.nat(40_000), fc.nat(40_000)),
  appetite: fc.tuple(fc.integer({ min: 100, max: 20_000 }), fc.integer({ min: 100, max: 20_000 })),
  loss: fc.constantFrom(0, 0.02, 0.1),
  duplicate: fc.constantFrom(0, 0.05),
  reorder: fc.constantFrom(0, 0.05),
  delay: fc.tuple(fc.nat(5), fc.nat(60)),
  buffer: fc.constantFrom(4_000, 30_000, 512 * 1024),
  mss: fc.tuple(fc.integer({ min: 200, max: 1_400 }), fc.integer({ min: 200, max: 1_400 })),
  room: fc.integer({ min: 1, max: 64 }),
});

const FLOW = { source: 1, sourcePort: 1000, destination: 2, destinationPort: 80 };
/** Where in its stream a byte stands is what tells it from others. */
const byteAt = (at: number) => (at * 7 + (at >> 8)) & 0xff;

test("two programs get what the other wrote, to the end, whatever the network does", () => {
  fc.assert(
    fc.property(plan, (life) => {
      const [agent, connector] = run(life);
      for (const [end, written] of [
        [agent, life.bytes[1]],
        [connector, life.bytes[0]],
      ] as const) {
        const stream = end.stream(1);
        expect(stream.written.length).toBe(written);
        expect(stream.written.every((byte, at) => byte === byteAt(at))).toBe(true);
        expect([stream.ended, stream.closed]).toEqual([true, "gracefully"]);
      }
    }),
    { numRuns: 30 },
  );
}, 60_000);

function run(life: Plan): readonly [SplicedEnd, SplicedEnd] {
  const limits = { sendBufferBytes: life.buffer, receiveBufferBytes: life.buffer, maxRtoMs: 2_000 };
  const more = { userTimeoutMs: 1e9, handshakeTimeoutMs: 1e9 };
  const ends = life.mss.map((mss) => new SplicedEnd({ ...limits, ...more }, mss)) as [SplicedEnd, SplicedEnd];
  const random = new Random(life.seed);
  const network = new Network<Uint8Array>({ seed: life.seed, copy: (bytes) => bytes.slice() });
  const [delayMs, jitterMs] = life.delay;
  const { loss, duplicate, reorder } = life;
  network.setConditions({ ...PERFECT_LINK, delayMs, jitterMs, loss, duplicate, reorder, reorderMs: 30 });
  const programs = ends.map((end, index) => new Program(end, life.bytes[index]!, life.appetite[index]!, random));
  ends[0].dial(FLOW, 0);
  for (let now = 0; now < LONGEST_MS; now += 1) {
    for (let arrival = network.receive(now); arrival !== undefined; arrival = network.receive(now)) {
      const to = arrival.link === "0" ? 1 : 0;
      const reset = ends[to].receive(arrival.message, now);
      if (reset !== undefined) network.send(String(to), reset, now);
    }
    for (const [index, end] of ends.entries()) {
      programs[index]!.act(now);
      for (const packet of end.turn(now, life.room)) network.send(String(index), packet, now);
    }
    if (ends.every((end) => end.sessions.get(1)?.owner.stream.closed !== undefined)) return ends;
  }
  throw new Error("the two ends are not done");
}

/** Writes in pieces, takes so much at a time, and ends when it has written everything. */
class Program {
  private readonly end: SplicedEnd;
  private readonly bytes: number;
  private readonly appetite: number;
  private readonly random: Random;
  private written = 0;
  private opened = false;
  private finished = false;

  constructor(end: SplicedEnd, bytes: number, appetite: number, random: Random) {
    this.end = end;
    this.bytes = bytes;
    this.appetite = appetite;
    this.random = random;
  }

  act(now: number): void {
    const session = this.end.sessions.get(1);
    if (session === undefined || session.owner.stream.closed !== undefined) return;
    if (!this.opened) this.open();
    if (session.owner.stream.room === 0 && this.random.chance(0.2)) this.end.makeRoom(1, this.appetite);
    if (!this.random.chance(0.5)) return;
    const piece = Math.min(1 + this.random.integerBelow(9_000), this.bytes - this.written);
    if (piece > 0) {
      const bytes = Uint8Array.from({ length: piece }, (_, i) => byteAt(this.written + i));
      if (this.end.bring(1, bytes, now)) this.written += piece;
    } else if (!this.finished) {
      this.finished = true;
      this.end.finish(1, "ended", now);
    }
  }

  /** What an accepted connection waits for is there; the one that dialled has it from the beginning. */
  private open(): void {
    this.opened = true;
    const { stream } = this.end.session(1).owner;
    stream.room = this.appetite;
    if (this.end.session(1).connection.state === "held") this.end.opened(1);
  }
}

const LONGEST_MS = 200_000;
