// Payloads that carry their own name, so that each byte of an answer can be held against it.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { nameOfPayload, numberedPayload, SHORTEST_NAMED } from "../../../src/agent/numbered-payload.ts";
import { toHex } from "../../../src/wire/bytes.ts";

const NAME_LENGTH = 10;

const name = fc.record({
  run: fc.integer({ min: 0, max: 0xffffffff }),
  agent: fc.integer({ min: 0, max: 0xffff }),
  number: fc.integer({ min: 0, max: 0xffffffff }),
});

test("begins with run, agent and number", () => {
  const payload = numberedPayload({ run: 0x01020304, agent: 0x0506, number: 0x0708090a }, 16);
  expect(toHex(payload.subarray(0, 10))).toBe("0102030405060708090a");
  expect(payload).toHaveLength(16);
});

test("gives back its name at every size that can hold one", () => {
  fc.assert(
    fc.property(name, fc.integer({ min: SHORTEST_NAMED, max: 1278 }), (who, size) => {
      expect(nameOfPayload(numberedPayload(who, size))).toEqual(who);
    }),
  );
});

test("is refused with any one byte of the filling changed", () => {
  fc.assert(
    fc.property(
      name,
      fc.integer({ min: SHORTEST_NAMED, max: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (who, size, place, flip) => {
        const payload = numberedPayload(who, size);
        const at = NAME_LENGTH + (place % (size - NAME_LENGTH));
        payload[at] = payload[at]! ^ flip;
        expect(nameOfPayload(payload)).toBeUndefined();
      },
    ),
  );
});

test("does not pass for another's when its name is changed", () => {
  const payload = numberedPayload({ run: 1, agent: 2, number: 3 }, 64);
  for (let at = 0; at < NAME_LENGTH; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const changed = payload.slice();
      changed[at] = changed[at]! ^ (1 << bit);
      expect(nameOfPayload(changed)).toBeUndefined();
    }
  }
});

test("has no name when it was cut below the shortest that has one", () => {
  const payload = numberedPayload({ run: 1, agent: 2, number: 3 }, SHORTEST_NAMED);
  expect(nameOfPayload(payload)).toEqual({ run: 1, agent: 2, number: 3 });
  expect(nameOfPayload(payload.subarray(0, SHORTEST_NAMED - 1))).toBeUndefined();
});

test("is filling alone where the name does not fit, and still differs from agent to agent", () => {
  const contents = new Set<string>();
  for (let agent = 0; agent < 10; agent += 1) {
    for (let number = 0; number < 100; number += 1) contents.add(toHex(numberedPayload({ run: 9, agent, number }, 13)));
  }
  expect(contents.size).toBe(1000);
  expect(nameOfPayload(numberedPayload({ run: 9, agent: 1, number: 1 }, 13))).toBeUndefined();
  expect(numberedPayload({ run: 9, agent: 1, number: 1 }, 0)).toHaveLength(0);
});
