// A bottleneck with a buffer that loses nothing: who sends until something is lost would fill it, and everybody else's
// packets would wait behind that.
import { expect, test } from "bun:test";
import { Connection } from "../../../src/tcp/connection.ts";

interface Result {
  /** The longest that a packet waited in the second half, in milliseconds. */
  readonly longestWaitMs: number;
  /** Part of the second half during which the bottleneck had something to do. */
  readonly busy: number;
}

/** `senders` connections at once over one bottleneck, one packet of which takes PACKET_MS, for `ms`. */
function overBottleneck(senders: number, ms: number): Result {
  const pairs = Array.from({ length: senders }, (_, index) => {
    const flow = { source: 1, sourcePort: 1000 + index, destination: 2, destinationPort: 80 };
    const back = { source: 2, sourcePort: 80, destination: 1, destinationPort: 1000 + index };
    // Without timestamps the receiver knows nothing of the queue: what keeps it short is the sender.
    const common = { mss: 1200, timestampOffset: 1, timestamps: false, ...BUFFERS };
    return {
      from: new Connection({ ...common, flow, initialSequence: 1 }),
      to: new Connection({ ...common, flow: back, initialSequence: 2 }),
      held: false,
    };
  });
  const arriving: { readonly at: number; readonly deliver: (now: number) => void }[] = [];
  const answers: typeof arriving = [];
  const packet = new Uint8Array(2048);
  let freeAt = 0;
  let longestWaitMs = 0;
  let served = 0;
  for (const { from } of pairs) from.connect();
  for (let now = 1; now < ms; now += STEP_MS) {
    for (const queue of [arriving, answers]) while ((queue[0]?.at ?? now + 1) <= now) queue.shift()?.deliver(now);
    for (const pair of pairs) {
      const { from, to } = pair;
      from.handleTimeout(now);
      to.handleTimeout(now);
      if (from.state === "established") from.write(CHUNK, "given", now);
      for (let view = to.read(); view.length > 0; view = to.read()) to.consumed(view.length);
      for (let length = from.transmit(packet, 0, now); length > 0; length = from.transmit(packet, 0, now)) {
        const bytes = packet.slice(0, length);
        freeAt = Math.max(freeAt, now) + PACKET_MS;
        if (now > ms / 2) {
          longestWaitMs = Math.max(longestWaitMs, freeAt - now);
          served += 1;
        }
        const deliver = (when: number) => {
          if (pair.held) return to.receive(bytes, 0, when);
          pair.held = true;
          to.hold(bytes, 0, when);
          to.accept();
        };
        arriving.push({ at: freeAt + DELAY_MS, deliver });
      }
      for (let length = to.transmit(packet, 0, now); length > 0; length = to.transmit(packet, 0, now)) {
        const bytes = packet.slice(0, length);
        answers.push({ at: now + DELAY_MS, deliver: (when) => from.receive(bytes, 0, when) });
      }
      while (from.poll() !== undefined || to.poll() !== undefined);
    }
  }
  return { longestWaitMs, busy: (served * PACKET_MS) / (ms / 2) };
}

for (const senders of [1, 4]) {
  test(`${senders} at once keep a bottleneck busy, and its queue short`, () => {
    const { longestWaitMs, busy } = overBottleneck(senders, 4_000);
    expect(busy).toBeGreaterThan(0.95);
    expect(longestWaitMs).toBeLessThan(30);
  });
}

test("the queue stays short when nobody has seen the path empty for half a minute", () => {
  const { longestWaitMs, busy } = overBottleneck(4, 35_000);
  expect(busy).toBeGreaterThan(0.95);
  expect(longestWaitMs).toBeLessThan(30);
}, 30_000);

const BUFFERS = { sendBufferBytes: 4_000_000, receiveBufferBytes: 4_000_000 };
const PACKET_MS = 0.2;
const DELAY_MS = 1;
const STEP_MS = 0.25;
const CHUNK = new Uint8Array(65_536);
