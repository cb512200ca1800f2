// RFC 6937: the window during recovery.
import { expect, test } from "bun:test";
import { RateReduction } from "../../../src/tcp/rate-reduction.ts";

const MSS = 1_000;

/** Fifty segments on their way, one lost; each acknowledgement tells of one. Returns how many were sent meanwhile. */
function recover(threshold: number): { sent: number; inNetwork: number } {
  const reduction = new RateReduction();
  reduction.begin(50 * MSS);
  let inNetwork = 49 * MSS;
  let sent = 0;
  for (let ack = 0; ack < 49; ack += 1) {
    inNetwork -= MSS;
    while (inNetwork + MSS <= reduction.window(ack === 0 || sent === 0 ? MSS : 0, inNetwork, threshold, MSS)) {
      reduction.sent(MSS);
      inNetwork += MSS;
      sent += 1;
    }
    if (ack > 0) reduction.window(MSS, inNetwork, threshold, MSS);
  }
  return { sent, inNetwork };
}

test("comes down to the threshold in step with what arrives", () => {
  const { sent, inNetwork } = recover(35 * MSS);
  expect(sent).toBeGreaterThanOrEqual(33);
  expect(sent).toBeLessThanOrEqual(36);
  expect(Math.abs(inNetwork - 35 * MSS)).toBeLessThanOrEqual(2 * MSS);
});

test("the first retransmission is never held back", () => {
  const reduction = new RateReduction();
  reduction.begin(50 * MSS);
  expect(reduction.window(1, 49 * MSS, 10 * MSS, MSS)).toBe(50 * MSS);
  reduction.sent(MSS);
  expect(reduction.window(1, 49 * MSS, 10 * MSS, MSS)).toBe(49 * MSS);
});

test("below the threshold it grows back by a segment more than what arrives", () => {
  const reduction = new RateReduction();
  reduction.begin(50 * MSS);
  reduction.sent(MSS);
  expect(reduction.window(2 * MSS, 10 * MSS, 35 * MSS, MSS)).toBe(13 * MSS);
  expect(reduction.window(2 * MSS, 34 * MSS, 35 * MSS, MSS)).toBe(35 * MSS);
});
