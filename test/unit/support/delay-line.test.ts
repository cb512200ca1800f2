// Packets that wait leave when they are due, the earliest first, and no more are kept than there is room for.
import { expect, test } from "bun:test";
import { DelayLine } from "../../support/delay-line.ts";
import { Random } from "../../support/random.ts";

function released(line: DelayLine<string>, now: number): string[] {
  const out: string[] = [];
  line.release(now, (packet, route) => out.push(`${route} ${packet.join(".")}`));
  return out;
}

test("a packet leaves when it is due and not before", () => {
  const line = new DelayLine<string>(10, 4);
  line.hold(Uint8Array.of(1, 2), "a", 5);
  expect(line.next()).toBe(5);
  expect(released(line, 4.9)).toEqual([]);
  expect(released(line, 5)).toEqual(["a 1.2"]);
  expect(line.next()).toBeUndefined();
});

test("the earliest leaves first, and of those due at once the first that came", () => {
  const random = new Random(1);
  const line = new DelayLine<string>(1000, 4);
  const expected = Array.from({ length: 500 }, (_, i) => ({ due: random.integerBelow(50), i }));
  for (const { due, i } of expected) line.hold(Uint8Array.of(i >> 8, i & 255), `${due}`, due);
  expected.sort((a, b) => a.due - b.due || a.i - b.i);
  expect(released(line, 1000)).toEqual(expected.map(({ due, i }) => `${due} ${i >> 8}.${i & 255}`));
});

test("what it keeps is a copy, and its memory is used again", () => {
  const line = new DelayLine<string>(1, 4);
  for (let i = 0; i < 3; i++) {
    const packet = Uint8Array.of(i, 9, 9);
    expect(line.hold(packet, "a", 0)).toBe(true);
    packet.fill(0);
    expect(released(line, 0)).toEqual([`a ${i}.9.9`]);
  }
});

test("a full line and a packet that is too long are refused", () => {
  const line = new DelayLine<string>(2, 4);
  expect(line.hold(new Uint8Array(5), "a", 0)).toBe(false);
  expect([1, 2, 3].map((due) => line.hold(new Uint8Array(1), "a", due))).toEqual([true, true, false]);
  expect(line.waiting).toBe(2);
});
