// A bottleneck with a buffer that loses nothing: who sends until something is lost would fill it, and everybody else's
// packets would wait behind that.
import { expect, test } from "bun:test";
import { useBottleneck } from "../../support/bottleneck.ts";

// Without timestamps the receiver knows nothing of the queue: what keeps it short is the sender.
const LINE = { packetMs: 0.2, delayMs: 1, limits: { timestamps: false } };

for (const senders of [1, 4]) {
  test(`${senders} at once keep a bottleneck busy, and its queue short`, () => {
    const { longestWaitMs, busy } = useBottleneck({ ...LINE, senders, endMs: 4_000 });
    expect(busy).toBeGreaterThan(0.95);
    expect(longestWaitMs).toBeLessThan(30);
  });
}

test("the queue stays short when nobody has seen the path empty for half a minute", () => {
  const { longestWaitMs, busy } = useBottleneck({ ...LINE, senders: 4, endMs: 35_000 });
  expect(busy).toBeGreaterThan(0.95);
  expect(longestWaitMs).toBeLessThan(30);
}, 30_000);
