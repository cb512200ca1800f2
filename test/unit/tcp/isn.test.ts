// Initial sequence numbers: unguessable without the key, apart for each flow, and growing with time (RFC 6528).
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { initialNumbers } from "../../../src/tcp/isn.ts";

const hash = (key: string) => (bytes: Uint8Array) => createHmac("sha256", key).update(bytes).digest().readUInt32BE(0);
const flow = { source: 0x0a640001, sourcePort: 80, destination: 0x64400001, destinationPort: 40_000 };

describe("initial numbers", () => {
  test("grow by 250 in a millisecond for one flow, and wrap at 32 bits", () => {
    const first = initialNumbers(flow, hash("k"), 1000).initialSequence;
    expect((initialNumbers(flow, hash("k"), 1010).initialSequence - first) >>> 0).toBe(2500);
    const lap = 2 ** 32 / 250;
    expect(initialNumbers(flow, () => 0, lap + 4).initialSequence).toBe(1000);
  });

  test("change with every part of the flow and with the key", () => {
    const others = [
      { ...flow, source: flow.source + 1 },
      { ...flow, sourcePort: 81 },
      { ...flow, destination: flow.destination + 1 },
      { ...flow, destinationPort: 40_001 },
    ];
    const seen = new Set([flow, ...others].map((one) => initialNumbers(one, hash("k"), 0).initialSequence));
    seen.add(initialNumbers(flow, hash("another"), 0).initialSequence);
    expect(seen.size).toBe(6);
  });

  test("do not tell the timestamp's offset by the sequence number", () => {
    const { initialSequence, timestampOffset } = initialNumbers(flow, hash("k"), 0);
    expect(timestampOffset).not.toBe(initialSequence);
    expect(initialNumbers(flow, hash("k"), 5000).timestampOffset).toBe(timestampOffset);
  });
});
