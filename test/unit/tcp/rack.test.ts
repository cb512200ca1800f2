// RFC 8985: what was sent before something that arrived is lost, after a wait that is learnt.
import { describe, expect, test } from "bun:test";
import { Delivery } from "../../../src/tcp/delivery.ts";
import { Rack } from "../../../src/tcp/rack.ts";
import { Scoreboard } from "../../../src/tcp/scoreboard.ts";

function sent(...times: number[]) {
  const [rack, flight, delivery] = [new Rack(), new Scoreboard(), new Delivery()];
  for (const [i, at] of times.entries()) flight.sent(i * 10, i * 10 + 10, at);
  const arrived = (first: number, behind: number, now: number) => {
    delivery.begin(now, 0);
    flight.sack(first * 10, behind * 10, delivery);
    rack.delivered(delivery, now);
  };
  return { rack, flight, arrived };
}

describe("markLost", () => {
  test("takes what was sent earlier, when a round trip and the patience are over", () => {
    const { rack, flight, arrived } = sent(0, 1, 2);
    arrived(2, 3, 20); // a round trip of 18
    expect(rack.markLost(flight, 4, 20)).toBe(22);
    expect(flight.lostBytes).toBe(0);
    expect(rack.markLost(flight, 4, 22)).toBe(23);
    expect(flight.lostBytes).toBe(10);
    expect(rack.markLost(flight, 4, 23)).toBeUndefined();
    expect(flight.lostBytes).toBe(20);
  });

  test("leaves what was sent later", () => {
    const { rack, flight, arrived } = sent(0, 1, 2, 3);
    arrived(1, 2, 20);
    rack.markLost(flight, 0, 1_000);
    expect(flight.lostBytes).toBe(10);
  });

  test("finds a retransmission that is lost, by what was sent after it", () => {
    const { rack, flight, arrived } = sent(0, 1, 2, 3);
    arrived(1, 2, 20);
    rack.markLost(flight, 0, 20);
    flight.resent(0, 10, 20);
    arrived(2, 4, 22);
    expect([rack.markLost(flight, 0, 22), flight.lostBytes]).toEqual([undefined, 0]);
    flight.sent(40, 50, 21);
    arrived(4, 5, 41);
    rack.markLost(flight, 0, 41);
    expect(flight.firstLost()?.start).toBe(0);
  });

  test("knows nothing before anything arrived", () => {
    const { rack, flight } = sent(0, 1);
    expect([rack.markLost(flight, 0, 1e6), flight.lostBytes]).toEqual([undefined, 0]);
  });
});

describe("patience", () => {
  test("is a quarter of the shortest round trip, none when the loss is proven, never more than a round trip", () => {
    const rack = new Rack();
    expect([rack.patience(20, 30, false), rack.patience(20, 30, true), rack.patience(200, 30, false)]).toEqual([
      5, 0, 30,
    ]);
    expect(rack.patience(Number.POSITIVE_INFINITY, 0, false)).toBe(0);
  });

  test("once the network reordered, nothing is proven at once", () => {
    const { rack, arrived } = sent(0, 1, 2);
    arrived(2, 3, 20);
    arrived(1, 2, 21);
    expect(rack.patience(20, 30, true)).toBe(5);
  });

  test("grows with reports of duplicates, once a round trip, and shrinks after sixteen recoveries", () => {
    const rack = new Rack();
    rack.duplicateReported(0, 100);
    rack.duplicateReported(50, 120);
    expect(rack.patience(20, 100, false)).toBe(10);
    rack.duplicateReported(100, 200);
    expect(rack.patience(20, 100, false)).toBe(15);
    for (let i = 0; i < 15; i += 1) rack.recovered();
    expect(rack.patience(20, 100, false)).toBe(15);
    rack.recovered();
    expect(rack.patience(20, 100, false)).toBe(5);
  });
});
