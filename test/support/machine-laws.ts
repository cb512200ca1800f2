// Laws that every Machine obeys, whatever it is for: it drains, it never throws, its clock never runs backwards or
// in circles, and it keeps no bytes that were only lent to it. Each machine's test calls checkMachineLaws().
import { expect } from "bun:test";
import fc from "fast-check";
import { type Machine, type Millis, TIMEOUT } from "../../src/core/machine.ts";

export interface LawSubject<Input extends object, Output> {
  /** A fresh machine. Two of them, fed alike, must act alike: randomness comes from a seed. */
  readonly create: (now: Millis) => Machine<Input, Output>;
  /** Any input at any time, including those that make no sense; small ranges of ids make sense happen. */
  readonly input: fc.Arbitrary<Input>;
  readonly runs?: number;
  /** The most outputs that one input may cause. */
  readonly maxOutputs?: number;
}

/** Drives two machines with the same random life; fast-check prints the seed and the shortest life that fails. */
export function checkMachineLaws<Input extends object, Output>(subject: LawSubject<Input, Output>): void {
  const life = fc.array(stepArbitrary(subject.input), { maxLength: 60 });
  fc.assert(
    fc.property(life, (steps) => live(subject, steps)),
    { numRuns: subject.runs ?? 100 },
  );
}

type Step<Input> =
  | { readonly type: "input"; readonly after: Millis; readonly input: Input }
  /** A wake-up before the deadline: drivers may come early, and for other reasons. */
  | { readonly type: "early"; readonly fraction: number }
  /** A wake-up at the deadline, or late by that much. */
  | { readonly type: "due"; readonly late: Millis };

function stepArbitrary<Input>(input: fc.Arbitrary<Input>): fc.Arbitrary<Step<Input>> {
  const after = fc.oneof(fc.constant(0), fc.nat(50), fc.nat(20_000));
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant("input" as const), after, input }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("early" as const),
        fraction: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant("due" as const), late: fc.oneof(fc.constant(0), fc.nat(5_000)) }),
    },
  );
}

function live<Input extends object, Output>(subject: LawSubject<Input, Output>, steps: readonly Step<Input>[]): void {
  const pair = new Pair(subject);
  for (const step of steps) {
    if (step.type === "input") pair.feed(step.input, step.after);
    else if (step.type === "early") pair.wakeEarly(step.fraction);
    else pair.wakeWhenDue(step.late);
  }
}

/** The machine, and a twin that gets the same inputs but no early wake-ups and whose inputs nobody overwrites. */
class Pair<Input extends object, Output> {
  private readonly machine: Machine<Input, Output>;
  private readonly twin: Machine<Input, Output>;
  private readonly maxOutputs: number;
  private now: Millis = 1_000;

  constructor(subject: LawSubject<Input, Output>) {
    this.machine = subject.create(this.now);
    this.twin = subject.create(this.now);
    this.maxOutputs = subject.maxOutputs ?? 1_000;
    this.drainAlike();
  }

  feed(input: Input, after: Millis): void {
    this.now = this.timeOfInput(this.now + after);
    const lent = withOwnBytes(input);
    this.machine.handle(lent, this.now);
    this.twin.handle(withOwnBytes(input), this.now);
    this.drainAlike();
    overwriteBytes(lent);
  }

  wakeEarly(fraction: number): void {
    const deadline = this.machine.deadline();
    const end = deadline ?? this.now + LONG_MS;
    const early = this.now + Math.floor((end - this.now) * fraction);
    if (early < this.now || early >= end) return;
    this.now = early;
    this.machine.handle(TIMEOUT, early);
    expect(this.drain(this.machine)).toEqual([]);
    expect(this.machine.deadline() ?? null).toBe(deadline ?? null);
  }

  wakeWhenDue(late: Millis): void {
    const deadline = this.machine.deadline();
    if (deadline === undefined) return;
    this.now = Math.max(this.now, deadline + late);
    this.machine.handle(TIMEOUT, this.now);
    this.twin.handle(TIMEOUT, this.now);
    this.drainAlike();
    const next = this.machine.deadline();
    if (next !== undefined) expect(next).toBeGreaterThan(this.now);
  }

  /** A driver's timer follows the deadline: an input comes before it, or so soon after it that the timer was late. */
  private timeOfInput(wanted: Millis): Millis {
    const deadline = this.machine.deadline();
    return deadline === undefined ? wanted : Math.max(this.now, Math.min(wanted, deadline + TIMER_DELAY_MS));
  }

  private drainAlike(): void {
    expect(this.drain(this.machine)).toEqual(this.drain(this.twin));
    expect(this.machine.deadline() ?? null).toBe(this.twin.deadline() ?? null);
  }

  private drain(machine: Machine<Input, Output>): Output[] {
    const outputs: Output[] = [];
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      outputs.push(output);
      if (outputs.length > this.maxOutputs) throw new Error(`more than ${this.maxOutputs} outputs for one input`);
    }
    expect(machine.poll()).toBeUndefined();
    return outputs;
  }
}

/** A copy whose byte fields are copies too; all other fields, such as interned addresses, stay the same objects. */
function withOwnBytes<Input extends object>(input: Input): Input {
  const copy = { ...input };
  for (const [name, value] of Object.entries(copy)) {
    if (value instanceof Uint8Array) Object.assign(copy, { [name]: new Uint8Array(value) });
  }
  return copy;
}

function overwriteBytes(input: object): void {
  for (const value of Object.values(input)) {
    if (value instanceof Uint8Array) value.fill(0xa5);
  }
}

const TIMER_DELAY_MS = 20;
const LONG_MS = 1_000_000;
