// The books about numbered payloads: what is lost, doubled, changed or another's shows, whatever its size.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EchoLedger } from "../../../src/agent/echo-ledger.ts";
import { numberedPayload } from "../../../src/agent/numbered-payload.ts";

const CLEAN = { duplicate: 0, foreign: 0, corrupt: 0 };

test("is even when everything came back once, in any order and at every size", () => {
  const order = fc.shuffledSubarray(
    Array.from({ length: 60 }, (_, number) => number),
    { minLength: 60 },
  );
  fc.assert(
    fc.property(order, fc.nat(40), (numbers, offset) => {
      const ledger = new EchoLedger(5, 1);
      const sent = numbers.map((number) => ledger.make(number, (number + offset) % 30));
      for (const number of numbers) ledger.received(sent[number]!);
      expect(ledger.result()).toEqual({ sent: 60, returned: 60, lost: 0, ...CLEAN });
    }),
    { numRuns: 30 },
  );
});

describe.each([64, 14, 13, 4])("with payloads of %d bytes", (size) => {
  test("counts what did not come back", () => {
    const ledger = new EchoLedger(5, 1);
    const [first] = [ledger.make(0, size), ledger.make(1, size)];
    ledger.received(first);
    expect(ledger.result()).toEqual({ sent: 2, returned: 1, lost: 1, ...CLEAN });
  });

  test("counts what came back twice once as returned", () => {
    const ledger = new EchoLedger(5, 1);
    const payload = ledger.make(0, size);
    for (let i = 0; i < 3; i += 1) ledger.received(payload);
    expect(ledger.result()).toEqual({ sent: 1, returned: 1, lost: 0, duplicate: 2, foreign: 0, corrupt: 0 });
  });

  test("counts a change of any byte", () => {
    for (let at = 0; at < size; at += 1) {
      const ledger = new EchoLedger(5, 1);
      const payload = ledger.make(0, size);
      payload[at] = payload[at]! ^ 0x10;
      ledger.received(payload);
      expect(ledger.result()).toEqual({ sent: 1, returned: 0, lost: 1, duplicate: 0, foreign: 0, corrupt: 1 });
    }
  });
});

test("tells another agent's payload, and another run's, from a corrupt one", () => {
  const ledger = new EchoLedger(5, 1);
  ledger.make(0, 40);
  ledger.received(numberedPayload({ run: 5, agent: 2, number: 0 }, 40));
  ledger.received(numberedPayload({ run: 6, agent: 1, number: 0 }, 40));
  expect(ledger.result()).toEqual({ sent: 1, returned: 0, lost: 1, duplicate: 0, foreign: 2, corrupt: 0 });
});

test("does not take a payload of its own for returned when it was never sent, or has another length", () => {
  const ledger = new EchoLedger(5, 1);
  ledger.make(0, 40);
  ledger.received(numberedPayload({ run: 5, agent: 1, number: 1 }, 40));
  ledger.received(numberedPayload({ run: 5, agent: 1, number: 0 }, 39));
  expect(ledger.result()).toEqual({ sent: 1, returned: 0, lost: 1, duplicate: 0, foreign: 0, corrupt: 2 });
});

test("takes as many empty answers as empty payloads were sent, and no more", () => {
  const ledger = new EchoLedger(5, 1);
  const empty = new Uint8Array();
  ledger.make(0, 0);
  ledger.make(1, 0);
  for (let i = 0; i < 3; i += 1) ledger.received(empty);
  expect(ledger.result()).toEqual({ sent: 2, returned: 2, lost: 0, duplicate: 1, foreign: 0, corrupt: 0 });
});
