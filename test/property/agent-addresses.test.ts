// Whatever connections do: an address has one owner, only its own identity and source ever get it, and none is lost.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { candidateAddress } from "../../src/relay/address-choice.ts";
import type { AgentAddress } from "../../src/relay/agent-addresses.ts";
import type { Session } from "../../src/relay/session.ts";
import { INNER, Table } from "../support/address-table.ts";
import { certificate } from "../support/relay-world.ts";

/** Of many keys the two whose preferred addresses lie closest together, so that each gets in the other's way. */
function neighbours<K>(keys: readonly K[], preferred: (key: K) => number): [K, K] {
  const sorted = keys.map((key) => ({ key, at: preferred(key) })).sort((a, b) => a.at - b.at);
  const gaps = sorted.slice(1).map(({ at }, i) => at - sorted[i]!.at);
  const closest = gaps.indexOf(Math.min(...gaps));
  return [sorted[closest]!.key, sorted[closest + 1]!.key];
}

const numbers = Array.from({ length: 3000 }, (_, i) => i);
const NAMES = neighbours(
  numbers.map((i) => `agent-${i}`),
  (name) => candidateAddress(`key of ${name}`, INNER, 0, 0),
);
const SOURCES = neighbours(
  numbers.map((i) => INNER + i),
  (source) => candidateAddress(`key of ${NAMES[0]}`, source, 0, 0),
);

const slot = fc.nat(5);
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), slot, source: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fall silent" as const), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("be heard" as const), slot }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), slot, ms: fc.constantFrom(1, 1000, 200_000) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Life {
  private readonly table = new Table({ addresses: 12, addressesPerConnection: 2 });
  private readonly sessions: Session[] = [];
  private readonly seen = new Map<number, AgentAddress>();

  step(operation: Operation): void {
    const { addresses } = this.table;
    const session = this.session(operation.slot);
    if (operation.do === "send") {
      session.heardAt = this.table.now;
      session.silent = false;
      this.send(session, [INNER, ...SOURCES][operation.source]!);
    } else if (operation.do === "leave") {
      this.table.release(session);
      expect(session.addresses).toEqual([]);
      delete this.sessions[operation.slot];
    } else if (operation.do === "wait") {
      this.table.now += operation.ms;
      addresses.expire(this.table.now);
      expect(addresses.deadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(this.table.now);
    } else {
      session.silent = operation.do === "fall silent";
      if (!session.silent) session.heardAt = this.table.now;
    }
    this.checkOwners();
  }

  private send(session: Session, source: number): void {
    const entry = this.table.addresses.ofSource(session, source, this.table.now);
    if (typeof entry === "string") return;
    expect(entry).toMatchObject({ inner: source, identityKey: session.identityKey });
    expect(entry.owner).toBe(session);
    expect(this.table.addresses.at(entry.address)).toBe(entry);
    this.seen.set(entry.address, entry);
  }

  /** What connections have is what the table says, and there is no more of it than allowed. */
  private checkOwners(): void {
    const owned = this.sessions.flatMap((session) => session?.addresses ?? []);
    expect(new Set(owned.map(({ address }) => address)).size).toBe(owned.length);
    for (const entry of owned) expect(this.table.addresses.at(entry.address)).toBe(entry);
    const listed = [...this.seen.keys()].map((address) => this.table.addresses.at(address)).filter(Boolean);
    expect(listed.filter((entry) => entry!.owner !== undefined)).toHaveLength(owned.length);
    expect(this.table.addresses.size).toBe(listed.length);
    expect(listed.length).toBeLessThanOrEqual(12);
  }

  private session(slot: number): Session {
    this.sessions[slot] ??= this.table.session({ identity: certificate(NAMES[slot % 2]!) });
    return this.sessions[slot]!;
  }
}

test("one owner at a time, and never of another identity or source", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 100, size: "max" }), (operations) => {
      const life = new Life();
      for (const each of operations) life.step(each);
    }),
    { numRuns: 200 },
  );
});

test.each([true, false])(
  "the address of a connection that is gone (%p) or silent stays with its identity",
  (isGone) => {
    for (const [near, far] of [NAMES, NAMES.toReversed()]) {
      const table = new Table();
      const owner = table.session({ identity: certificate(near!) });
      const { address } = table.addressOf(owner);
      if (isGone) table.release(owner);
      else owner.silent = true;
      for (let i = 0; i < 20; i += 1) {
        expect(table.addressOf(table.session({ identity: certificate(far!) })).address).not.toBe(address);
      }
      expect(table.addressOf(table.session({ identity: certificate(near!) })).address).toBe(address);
    }
  },
);

test("the address of one source stays with that source", () => {
  for (const [near, far] of [SOURCES, SOURCES.toReversed()]) {
    const table = new Table();
    const laptop = { identity: certificate(NAMES[0]) };
    const owner = table.session(laptop);
    const { address } = table.addressOf(owner, near);
    table.release(owner);
    for (let i = 0; i < 20; i += 1) expect(table.addressOf(table.session(laptop), far).address).not.toBe(address);
    expect(table.addressOf(table.session(laptop), near).address).toBe(address);
  }
});
