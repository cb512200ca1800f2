// Peers that follow no rule and strangers who forge: nothing throws, nothing grows without bound, no timer runs in
// circles, and a transfer that somebody shoots at blindly arrives all the same.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { toHex } from "../../src/wire/bytes.ts";
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from "../../src/wire/tcp.ts";
import type { Random } from "../support/random.ts";
import { internalsOf } from "../support/tcp-internals.ts";
import { type End, type EndPlan, TcpPair } from "../support/tcp-pair.ts";
import { FLOW, OURS, segment, TcpScript, THEIRS } from "../support/tcp-script.ts";

const CAPACITY = 30_000;

type Step = (script: TcpScript) => void;

/** Positions where things happen: the bounds of what was sent and of the window, and far away. */
const position = fc.oneof(
  fc.nat(3),
  fc.nat(3_000),
  fc.integer({ min: CAPACITY - 5, max: CAPACITY + 5 }),
  fc.nat(0xffff_ffff),
);

const anySegment: fc.Arbitrary<Step> = fc
  .record({
    flags: fc.constantFrom("A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "P", "F", "FSRPA"),
    start: position,
    length: fc.oneof(fc.constant(0), fc.nat(1_500)),
    ack: position,
    win: fc.oneof(fc.constant(0), fc.nat(65_535)),
    sack: fc.array(fc.tuple(position, position), { maxLength: 3 }),
    ts: fc.option(fc.tuple(fc.nat(5_000), fc.nat(5_000))),
  })
  .map(({ flags, start, length, ack, win, sack, ts }) => (script) => {
    const blocks = sack.length === 0 ? "" : ` sack ${sack.map((block) => block.join("-")).join(",")}`;
    const stamp = ts === null ? "" : ` ts ${ts.join("/")}`;
    script.in(`${flags} ${start}:${start + length} ack ${ack} win ${win}${blocks}${stamp}`);
  });

const application: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(5_000).map(
    (length): Step =>
      (script) =>
        void script.write(length),
  ),
  fc.nat(5_000).map(
    (most): Step =>
      (script) =>
        script.connection.consumed(Math.min(most, script.connection.readable)),
  ),
  fc.constant<Step>((script) => void script.out()),
  fc.oneof(fc.nat(50), fc.nat(5_000)).map(
    (ms): Step =>
      (script) =>
        void script.pass(ms),
  ),
  fc.constant<Step>((script) => script.connection.pathRestored(script.now)),
);

const rare: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((script) => void script.close()),
  fc.constant<Step>((script) => script.connection.abort()),
);

const life = fc.record({
  way: fc.constantFrom("active" as const, "passive" as const, "established" as const),
  options: fc.record({ selectiveAcks: fc.boolean(), timestamps: fc.boolean(), nagle: fc.boolean() }),
  syn: fc.constantFrom("mss 1000", "mss 1000 sackok", "mss 200 ws 3 sackok ts 1/0", "mss 0 ws 255"),
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: anySegment },
      { weight: 5, arbitrary: application },
      { weight: 1, arbitrary: rare },
    ),
    { minLength: 1, maxLength: 120 },
  ),
});

function begin(way: "active" | "passive" | "established", options: object, syn: string): TcpScript {
  const limits = { sendBufferBytes: CAPACITY, receiveBufferBytes: CAPACITY, timestamps: false, ...options };
  if (way === "established") return TcpScript.established(limits, syn);
  const script = new TcpScript(limits);
  if (way === "active") script.connection.connect();
  else {
    script.connection.hold(segment(`S 0 win 9000 ${syn}`), 0, script.now);
    script.connection.accept();
  }
  return script;
}

describe("a peer that follows no rule", () => {
  test("makes nothing throw, nothing grow beyond its bound, and no timer run in circles", () => {
    fc.assert(
      fc.property(life, ({ way, options, syn, steps }) => {
        const script = begin(way, options, syn);
        const { connection } = script;
        for (const step of steps) {
          step(script);
          expect(connection.readable).toBeLessThanOrEqual(CAPACITY);
          expect(connection.unacknowledged).toBeLessThanOrEqual(CAPACITY);
          expect(internalsOf(connection).receiver.buffer.held).toBeLessThanOrEqual(4 * CAPACITY);
        }
        script.out();
        connection.abort();
        script.out();
        expect([connection.state, connection.deadline()]).toEqual(["closed", undefined]);
      }),
      { numRuns: 1_500, includeErrorInReport: true },
    );
  });

  test("that acknowledges every other byte is given no more memory for it than fits", () => {
    const script = TcpScript.established({ sendBufferBytes: 100_000 }, "mss 1000 sackok", 60_000);
    script.write(60_000);
    for (let n = 0; n < 30; n += 1) {
      script.out();
      script.pass(1).in(`A 1 ack ${1 + n * 100} win 60000`);
    }
    for (let at = 60_000; at > 10_000; at -= 8) {
      script.in(
        `A 1 ack 3000 win 60000 sack ${at}-${at + 1},${at - 2}-${at - 1},${at - 4}-${at - 3},${at - 6}-${at - 5}`,
      );
    }
    const { count } = internalsOf(script.connection).sender.recovery.flight;
    expect(count).toBeGreaterThan(2_000);
    expect(count).toBeLessThan(2_100);
  });

  test("that sends every other byte fills 256 gaps and no more", () => {
    const script = TcpScript.established({ receiveBufferBytes: 60_000 });
    for (let at = 3; at < 20_000; at += 2) script.in(`A ${at}:${at + 1} ack 1`);
    expect(internalsOf(script.connection).receiver.buffer.early.count).toBe(256);
    script.in("A 1:3 ack 1");
    expect(script.connection.readable).toBe(3);
  });
});

describe("somebody who shoots blindly", () => {
  const endPlan: EndPlan = {
    ...{ limits: { sendBufferBytes: 20_000, receiveBufferBytes: 20_000 }, mss: 1_000, bytes: 60_000, writeSize: 2_000 },
    ...{ readSize: 100_000, restMs: 0, room: 2, mssChanges: [] },
  };

  test("neither ends nor garbles a transfer, nor makes it answer much", () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), fc.constantFrom(0, 0.05), (seed, timestamps, loss) => {
        let shots = 0;
        const forge = (end: End, random: Random) => {
          // While both may still open at once, anybody's SYN begins that.
          if (!end.events.includes("established") || random.chance(0.3)) return undefined;
          shots += 1;
          return forged(end, random);
        };
        const limits = { ...endPlan.limits, timestamps };
        const pair = new TcpPair({
          ...{
            seed,
            forge,
            ends: [
              { ...endPlan, limits },
              { ...endPlan, limits },
            ],
          },
          conditions: [{ delayMs: 5, loss, reorder: loss, reorderMs: 10 }],
        });
        pair.run();
        expect(shots).toBeGreaterThan(20);
        for (const end of pair.ends) {
          expect([end.received, end.events.includes("reset"), end.connection.state]).toEqual([60_000, false, "closed"]);
          expect(end.stats.challenges).toBeLessThanOrEqual(10 + 2 * ((pair.now - 1_000) / 1_000));
        }
      }),
      { numRuns: 100, includeErrorInReport: true },
    );
  });

  test("the very next number would have ended it: the shots are not just ignored", () => {
    const forge = (end: End) => (end.received > 5_000 ? packetFor(end, TCP_RST, nextOf(end), 0, 0) : undefined);
    const pair = new TcpPair({ seed: 1, forge, ends: [endPlan, endPlan], conditions: [{ delayMs: 5 }] });
    pair.run();
    expect(pair.ends.some((end) => end.events.includes("reset"))).toBe(true);
  });
});

/** Somewhere outside the window, or within it with an acknowledgement of what was never sent. */
function forged(end: End, random: Random): Uint8Array {
  const next = nextOf(end);
  const outside = next + 100_000 + random.integerBelow(2 ** 31);
  const { una, initial } = ackOf(end);
  const never = una + initial + 100_000 + random.integerBelow(2 ** 31);
  const shot = random.integerBelow(5);
  if (shot === 0) return packetFor(end, TCP_RST, next + 1 + random.integerBelow(100_000), 0, 0);
  if (shot === 1) return packetFor(end, TCP_SYN, random.integerBelow(2 ** 32), 0, 0);
  if (shot === 2) return packetFor(end, TCP_ACK | TCP_PSH, outside, una + initial, 500);
  if (shot === 3) return packetFor(end, TCP_ACK | TCP_PSH, next, never, 500);
  return packetFor(end, TCP_ACK | TCP_FIN, outside, never, 0);
}

function nextOf(end: End): number {
  const receiver = internalsOf(end.connection).receiver;
  return receiver.initial + receiver.next;
}

function ackOf(end: End): { una: number; initial: number } {
  const { space, settings } = internalsOf(end.connection);
  return { una: space.una, initial: settings.initialSequence };
}

function packetFor(end: End, flags: number, sequence: number, acknowledgement: number, length: number): Uint8Array {
  const { source, sourcePort, destination, destinationPort } = internalsOf(end.connection).settings.flow;
  return encodeTcp({
    ...{ source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort },
    ...{ sequence: sequence >>> 0, acknowledgement: acknowledgement >>> 0, flags, window: 1_000 },
    payload: new Uint8Array(length).fill(0xee),
  });
}

test("any bytes behind a sound header are read without a fault", () => {
  const options = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.subarray(0, bytes.length & ~3));
  fc.assert(
    fc.property(
      options,
      fc.nat(255),
      fc.uint8Array({ maxLength: 50 }),
      fc.boolean(),
      (bytes, flags, payload, early) => {
        const script = early ? new TcpScript() : TcpScript.established();
        if (early) script.connection.connect();
        script.out();
        const packet = encodeTcp({
          ...{ source: FLOW.destination, sourcePort: FLOW.destinationPort },
          ...{
            destination: FLOW.source,
            destinationPort: FLOW.sourcePort,
            sequence: THEIRS + 1,
            acknowledgement: (OURS + 1) >>> 0,
          },
          ...{ flags, window: 100, options: bytes, payload },
        });
        const before = toHex(packet);
        script.connection.receive(packet, 0, script.now);
        script.out();
        expect(toHex(packet)).toBe(before);
      },
    ),
    { numRuns: 500 },
  );
});
