// From acknowledgements to windows: entering and leaving recovery.
import { describe, expect, test } from "bun:test";
import { LossRecovery } from "../../../src/tcp/loss-recovery.ts";
import { RetransmissionTimeout } from "../../../src/tcp/rto.ts";

const MSS = 1_000;

/** Twenty segments on their way since time 0; it is 20 ms later. */
function underWay(selective = true) {
  const rto = new RetransmissionTimeout({ minRtoMs: 200, maxRtoMs: 60_000 });
  rto.sample(20);
  const recovery = new LossRecovery(MSS, rto);
  recovery.begin(MSS, selective, false);
  recovery.congestion.window = 20 * MSS;
  recovery.flight.sent(0, 20 * MSS, 0);
  let una = 0;
  const acknowledge = (to: number, blocks: [number, number][] = [], duplicate = false, now = 20) => {
    const used = recovery.inNetwork;
    recovery.delivery.begin(now, 20);
    recovery.flight.acknowledge(to * MSS, recovery.delivery);
    for (const [left, right] of blocks) recovery.flight.sack(left * MSS, right * MSS, recovery.delivery);
    const advanced = to * MSS - una;
    una = to * MSS;
    recovery.acknowledged(advanced, duplicate, una, 20 * MSS, used, now);
  };
  return { recovery, acknowledge };
}

describe("with SACK", () => {
  test("a proven loss begins recovery, its end brings the window to seven tenths", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(0, [[1, 3]]);
    expect([recovery.recovering, recovery.lookAgainAt]).toEqual([false, 25]);
    acknowledge(0, [[1, 4]]);
    expect([recovery.recovering, recovery.flight.lostBytes, recovery.lookAgainAt]).toEqual([true, MSS, undefined]);
    expect(recovery.congestion.threshold).toBe(14 * MSS);
    acknowledge(19);
    expect(recovery.recovering).toBe(true);
    acknowledge(20);
    expect([recovery.recovering, recovery.congestion.window]).toEqual([false, 14 * MSS]);
  });

  test("what the same acknowledgement took off the flight counts as having been on its way", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(10, [[11, 20]]);
    expect(recovery.recovering).toBe(true);
    expect(recovery.congestion.threshold).toBe(14 * MSS);
  });

  test("what is late is lost when its time is over", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(0, [[1, 2]]);
    recovery.lookAgain(20 * MSS, 24.9);
    expect([recovery.recovering, recovery.lookAgainAt]).toEqual([false, 25]);
    recovery.lookAgain(20 * MSS, 25);
    expect(recovery.recovering).toBe(true);
  });

  test("a recovery that turns out to be a mistake is undone", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(0, [[1, 5]]);
    recovery.flight.resent(0, MSS, 20);
    recovery.sent(MSS, true);
    acknowledge(5, [], false, 22);
    recovery.duplicateReported(MSS, 5 * MSS, 20 * MSS);
    expect([recovery.recovering, recovery.congestion.window]).toEqual([false, 20 * MSS]);
    expect(recovery.congestion.inSlowStart).toBe(true);
  });

  test("what is acknowledged behind a gap lets nothing grow", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(0, [[1, 2]]);
    expect(recovery.congestion.window).toBe(20 * MSS);
    const clean = underWay();
    clean.acknowledge(2);
    expect(clean.recovery.congestion.window).toBe(22 * MSS);
  });
});

describe("without SACK", () => {
  test("the third duplicate begins recovery, a partial acknowledgement marks the next", () => {
    const { recovery, acknowledge } = underWay(false);
    acknowledge(0, [], true);
    acknowledge(0, [], true);
    expect(recovery.recovering).toBe(false);
    acknowledge(0, [], true);
    expect([recovery.recovering, recovery.flight.lostBytes, recovery.inNetwork]).toEqual([true, MSS, 16 * MSS]);
    acknowledge(4);
    expect([recovery.recovering, recovery.flight.firstLost()?.start]).toEqual([true, 4 * MSS]);
    acknowledge(20);
    expect([recovery.recovering, recovery.inNetwork]).toEqual([false, 0]);
  });
});

describe("a timeout", () => {
  test("takes everything for lost and begins anew with one segment, but lowers the threshold once", () => {
    const { recovery } = underWay();
    recovery.timedOut(20 * MSS);
    expect([recovery.flight.lostBytes, recovery.inNetwork]).toEqual([20 * MSS, 0]);
    expect([recovery.congestion.window, recovery.congestion.threshold]).toEqual([MSS, 14 * MSS]);
    recovery.timedOut(20 * MSS);
    expect([recovery.recovering, recovery.afterTimeout, recovery.congestion.threshold]).toEqual([true, true, 14 * MSS]);
  });

  test("forgets what the peer said it had, if that turns out to be untrue", () => {
    const { recovery, acknowledge } = underWay();
    acknowledge(0, [[1, 20]]);
    acknowledge(1);
    expect(recovery.flight.head?.sacked).toBe(true);
    recovery.timedOut(20 * MSS);
    expect([recovery.flight.sackedBytes, recovery.flight.lostBytes]).toEqual([0, 19 * MSS]);
  });
});

test("something may always be sent when nothing is on its way", () => {
  const { recovery, acknowledge } = underWay();
  expect([recovery.allows(1), recovery.allows(5 * MSS)]).toEqual([false, false]);
  acknowledge(20);
  recovery.congestion.window = 10;
  expect(recovery.allows(MSS)).toBe(true);
});

test("a probe that repaired a loss costs what a loss costs", () => {
  const { recovery } = underWay();
  recovery.repairedByProbe(20);
  expect([recovery.congestion.window, recovery.recovering]).toEqual([14 * MSS, false]);
});

test("a window that is not used does not grow", () => {
  const { recovery, acknowledge } = underWay();
  recovery.congestion.window = 50 * MSS;
  acknowledge(2);
  expect(recovery.congestion.window).toBe(50 * MSS);
});
