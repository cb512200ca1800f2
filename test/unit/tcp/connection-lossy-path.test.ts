// A path that loses at random has as much room as one that does not, and one that is full has none, although it loses
// as well.
import { describe, expect, test } from "bun:test";
import { useBottleneck } from "../../support/bottleneck.ts";

const LINE = { packetMs: 0.15, delayMs: 10, endMs: 60_000 };

describe("a path that loses at random is used all the same", () => {
  for (const [loss, least] of [
    [0.01, 0.5],
    [0.05, 0.25],
    [0.1, 0.2],
  ] as const) {
    test(`${loss * 100} % in each direction`, () => {
      const { shares } = useBottleneck({ ...LINE, senders: 1, bytesEach: 10_000_000, loss });
      expect(shares[0]).toBeGreaterThan(least);
    });
  }
});

describe("a path that loses because it is full", () => {
  test("is filled, but not much over the brim", () => {
    const { shares, overflowed } = useBottleneck({ ...LINE, senders: 1, bytesEach: 10_000_000, bufferMs: 5 });
    expect(shares[0]).toBeGreaterThan(0.8);
    expect(overflowed).toBeLessThan(0.03);
  });

  test("is shared: nobody takes the losses of others for the path's own and stays away, or takes all", () => {
    const { shares, overflowed } = useBottleneck({ ...LINE, senders: 4, bytesEach: 5_000_000, bufferMs: 5 });
    expect(Math.min(...shares)).toBeGreaterThan(0.05);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(0.8);
    expect(overflowed).toBeLessThan(0.25);
  });
});
