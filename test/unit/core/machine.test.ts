// The driving contract of machines: the shared laws accept a machine that keeps it and find each way of breaking it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Deadlines } from "../../../src/core/deadlines.ts";
import { earlier, type Machine, type Millis, TIMEOUT, type Timeout } from "../../../src/core/machine.ts";
import { Outbox } from "../../../src/core/outbox.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";

type Letter = { readonly type: "letter"; readonly key: number; readonly bytes: Uint8Array };
type Delivery = { readonly type: "delivery"; readonly key: number; readonly bytes: Uint8Array };

const letter: fc.Arbitrary<Letter> = fc.record({
  type: fc.constant("letter" as const),
  key: fc.nat(3),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
});

/** Delivers each letter again one second later. */
class Echoer implements Machine<Letter, Delivery> {
  protected readonly out = new Outbox<Delivery>();
  protected readonly due = new Deadlines<number>();
  protected readonly kept = new Map<number, Uint8Array>();

  handle(input: Letter | Timeout, now: Millis): void {
    if (input.type === "timeout") return this.deliver(now);
    this.kept.set(input.key, this.keep(input.bytes));
    this.due.set(input.key, now + 1_000);
  }

  poll(): Delivery | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    return this.due.next();
  }

  protected keep(bytes: Uint8Array): Uint8Array {
    return bytes.slice();
  }

  protected deliver(now: Millis): void {
    for (let key = this.due.takeExpired(now); key !== undefined; key = this.due.takeExpired(now)) this.push(key);
  }

  protected push(key: number): void {
    this.out.push({ type: "delivery", key, bytes: this.kept.get(key)! });
    this.kept.delete(key);
  }
}

class KeepsLentBytes extends Echoer {
  protected override keep(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}

class DeliversOnePerTimeout extends Echoer {
  protected override deliver(now: Millis): void {
    const key = this.due.takeExpired(now);
    if (key !== undefined) this.push(key);
  }
}

class DeliversEarly extends Echoer {
  protected override deliver(): void {
    super.deliver(Number.POSITIVE_INFINITY);
  }
}

class CountsWakeUps extends Echoer {
  private wakeUps = 0;
  protected override deliver(now: Millis): void {
    this.wakeUps += 1;
    super.deliver(now);
  }
  protected override push(): void {
    this.out.push({ type: "delivery", key: this.wakeUps, bytes: new Uint8Array(0) });
  }
}

class ThrowsOnSome extends Echoer {
  protected override keep(bytes: Uint8Array): Uint8Array {
    if (bytes[0] === 0) throw new Error("a byte of 0");
    return bytes.slice();
  }
}

class NeverDrains extends Echoer {
  override poll(): Delivery {
    return { type: "delivery", key: 0, bytes: new Uint8Array(0) };
  }
}

class RollsDice extends Echoer {
  protected override push(key: number): void {
    this.out.push({ type: "delivery", key: Math.random(), bytes: this.kept.get(key)! });
  }
}

describe("the machine laws", () => {
  test("a machine that keeps the contract passes", () => {
    checkMachineLaws({ create: () => new Echoer(), input: letter });
  });

  const faults = [
    KeepsLentBytes,
    DeliversOnePerTimeout,
    DeliversEarly,
    CountsWakeUps,
    ThrowsOnSome,
    NeverDrains,
    RollsDice,
  ];
  for (const Fault of faults) {
    test(`a machine that ${spaced(Fault.name)} does not`, () => {
      expect(() => checkMachineLaws({ create: () => new Fault(), input: letter, runs: 500 })).toThrow();
    });
  }
});

test("the one timeout input says no more than that time has passed", () => {
  expect(TIMEOUT).toEqual({ type: "timeout" });
});

test("the earlier of two deadlines is the one that exists, or comes first", () => {
  expect([earlier(1, 2), earlier(2, 1), earlier(undefined, 0), earlier(0, undefined)]).toEqual([1, 1, 0, 0]);
  expect(earlier(undefined, undefined)).toBeUndefined();
});

function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
}
