// What is on its way, against a model with one entry per byte.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Delivery } from "../../../src/tcp/delivery.ts";
import { Scoreboard } from "../../../src/tcp/scoreboard.ts";

function board(...sends: [start: number, end: number, at: number][]) {
  const flight = new Scoreboard();
  const delivery = new Delivery();
  delivery.begin(1_000, 0);
  for (const [start, end, at] of sends) flight.sent(start, end, at);
  return { flight, delivery };
}

/** "[1,10) [10,20)S": S selectively acknowledged, L lost, R retransmitted. */
function shown(flight: Scoreboard): string {
  const runs: string[] = [];
  for (let run = flight.head; run !== undefined; run = run.next) {
    runs.push(`[${run.start},${run.end})${run.sacked ? "S" : ""}${run.lost ? "L" : ""}${run.retransmitted ? "R" : ""}`);
  }
  return runs.join(" ");
}

describe("runs", () => {
  test("what is sent in one go is one, what is sent later another", () => {
    const { flight } = board([0, 10, 5], [10, 20, 5], [20, 30, 5.5]);
    expect([shown(flight), flight.inNetwork, flight.count]).toEqual(["[0,20) [20,30)", 30, 2]);
    expect(flight.last?.start).toBe(20);
  });

  test("are split where the peer says, and grow together again", () => {
    const { flight, delivery } = board([0, 100, 5]);
    flight.sack(20, 30, delivery);
    flight.sack(60, 70, delivery);
    expect(shown(flight)).toBe("[0,20) [20,30)S [30,60) [60,70)S [70,100)");
    flight.sack(30, 60, delivery);
    expect([shown(flight), flight.count]).toEqual(["[0,20) [20,70)S [70,100)", 3]);
    expect([flight.sackedBytes, flight.inNetwork, delivery.bytes]).toEqual([50, 50, 50]);
  });

  test("acknowledged in order leave, in part or whole", () => {
    const { flight, delivery } = board([0, 50, 5], [50, 100, 6]);
    flight.sack(60, 70, delivery);
    flight.acknowledge(65, delivery);
    expect([shown(flight), flight.inNetwork, flight.sackedBytes]).toEqual(["[65,70)S [70,100)", 30, 5]);
    expect(delivery.bytes).toBe(10 + 60);
    flight.acknowledge(100, delivery);
    expect([flight.head, flight.last, flight.inNetwork, flight.sackedBytes]).toEqual([undefined, undefined, 0, 0]);
  });

  test("sent again are one run while they follow each other in one go", () => {
    const { flight } = board([0, 100, 5]);
    flight.markAllLost();
    expect([flight.inNetwork, flight.lostBytes]).toEqual([0, 100]);
    flight.resent(0, 10, 9);
    flight.resent(10, 20, 9);
    flight.resent(20, 30, 9.5);
    expect(shown(flight)).toBe("[0,20)R [20,30)R [30,100)L");
    expect([flight.firstLost()?.start, flight.inNetwork]).toEqual([30, 30]);
  });

  test("a piece of one can be sent again without having been lost", () => {
    const { flight } = board([0, 100, 5]);
    flight.resent(40, 60, 9);
    expect([shown(flight), flight.inNetwork]).toEqual(["[0,40) [40,60)R [60,100)", 100]);
  });

  test("the order of transmissions is kept although they happen at one time", () => {
    const { flight } = board([0, 10, 5], [10, 20, 5]);
    flight.markHeadLost(10);
    flight.resent(0, 10, 5);
    flight.sent(20, 30, 5);
    const batches: number[] = [];
    for (let run = flight.head; run !== undefined; run = run.next) batches.push(run.batch);
    expect(batches[0]).toBeGreaterThan(batches[1]!);
    expect(batches[2]).toBeGreaterThan(batches[0]!);
  });
});

describe("loss", () => {
  test("of the head is marked up to a length, once", () => {
    const { flight, delivery } = board([0, 100, 5]);
    flight.markHeadLost(30);
    flight.markHeadLost(30);
    expect([shown(flight), flight.lostBytes]).toEqual(["[0,30)L [30,100)", 30]);
    flight.sack(0, 30, delivery);
    expect([shown(flight), flight.lostBytes, flight.sackedBytes]).toEqual(["[0,30)S [30,100)", 0, 30]);
    flight.markHeadLost(10);
    expect(flight.lostBytes).toBe(0);
  });

  test("what the peer takes back counts as on its way again", () => {
    const { flight, delivery } = board([0, 100, 5]);
    flight.sack(50, 100, delivery);
    flight.forgetSacks();
    expect([flight.sackedBytes, flight.inNetwork]).toEqual([0, 100]);
  });

  test("clear() leaves nothing", () => {
    const { flight } = board([0, 100, 5]);
    flight.markAllLost();
    flight.clear();
    expect([flight.head, flight.count, flight.inNetwork, flight.lostBytes, flight.firstLost()]).toEqual([
      undefined,
      0,
      0,
      0,
      undefined,
    ]);
    flight.sent(100, 110, 6);
    expect(flight.inNetwork).toBe(10);
  });
});

test("the peer may cause some two thousand runs and no more", () => {
  const { flight, delivery } = board([0, 10_000, 5]);
  for (let at = 9_998; at > 0; at -= 2) flight.sack(at, at + 1, delivery);
  expect(flight.count).toBe(2_048 + 1);
  for (let i = 0; i < 100; i += 1) flight.sent(10_000 + i, 10_001 + i, 6 + i);
  expect(flight.count).toBeLessThan(2_060);
  expect(flight.last?.sentAt).toBe(105);
});

test("any life keeps the books that one entry per byte would keep", () => {
  const place = fc.tuple(fc.nat(60), fc.nat(60));
  const step = fc.record({ kind: fc.constantFrom("send", "ack", "sack", "lose", "all", "again", "forget"), place });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { flight, delivery } = board();
      const bytes: string[] = [];
      let una = 0;
      steps.forEach(({ kind, place: [a, b] }, i) => {
        const [from, to] = [una + Math.min(a, b), Math.min(una + Math.max(a, b), bytes.length)];
        if (kind === "send") {
          flight.sent(bytes.length, bytes.length + a + 1, Math.floor(i / 3));
          bytes.push(...Array<string>(a + 1).fill("n"));
        } else if (kind === "ack" && to >= una) {
          flight.acknowledge(to, delivery);
          una = to;
        } else if (kind === "sack" && from < to) {
          flight.sack(from, to, delivery);
          bytes.fill("s", from, to);
        } else if (kind === "lose" && bytes[una] === "n") {
          const { head } = flight;
          const end = Math.min(una + a + 1, head!.end);
          flight.markHeadLost(a + 1);
          bytes.fill("l", una, end);
        } else if (kind === "all") {
          flight.markAllLost();
          for (let at = una; at < bytes.length; at += 1) if (bytes[at] === "n") bytes[at] = "l";
        } else if (kind === "again") {
          const lost = flight.firstLost();
          if (lost === undefined) return;
          const end = Math.min(lost.end, lost.start + a + 1);
          bytes.fill("n", lost.start, end);
          flight.resent(lost.start, end, i);
        } else if (kind === "forget") {
          flight.forgetSacks();
          for (let at = una; at < bytes.length; at += 1) if (bytes[at] === "s") bytes[at] = "n";
        }
        const count = (letter: string) => bytes.slice(una).filter((state) => state === letter).length;
        expect([flight.inNetwork, flight.sackedBytes, flight.lostBytes]).toEqual([count("n"), count("s"), count("l")]);
        let end = una;
        let runs = 0;
        for (let run = flight.head; run !== undefined; run = run.next) {
          expect([run.start, run.end > run.start]).toEqual([end, true]);
          end = run.end;
          runs += 1;
        }
        expect([end, flight.count]).toEqual([bytes.length, runs]);
      });
    }),
    { numRuns: 300 },
  );
});
