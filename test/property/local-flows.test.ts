// Connections of local programs over paths that lose packets, with programs and services that read as they like: exactly
// the bytes that were written arrive, each direction ends, and nothing is left.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinBytes } from "../support/local-far-end.ts";
import { LocalWorld, type Program, SOCKS } from "../support/local-world.ts";
import { Random } from "../support/random.ts";

const plan = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  loss: fc.constantFrom(0, 0.01, 0.05),
  socks: fc.boolean(),
  up: fc.integer({ min: 0, max: 200_000 }),
  down: fc.integer({ min: 0, max: 200_000 }),
  /** What the program's kernel takes at a time, and for how long it rests. */
  room: fc.constantFrom(1000, 20_000, 1e9),
  restMs: fc.constantFrom(1, 30, 400),
  /** The relay goes away for so long in the middle. */
  awayMs: fc.constantFrom(0, 0, 5000),
});

test("all bytes arrive in both directions, and both directions end", () => {
  fc.assert(
    fc.property(plan, ({ seed, loss, socks, up, down, room, restMs, awayMs }) => {
      const random = new Random(seed);
      const world = new LocalWorld();
      const [question, answer] = [random.bytes(up), random.bytes(down)];
      const program = world.accept(socks ? SOCKS : 0);
      world.loses = () => random.chance(loss);
      program.room = socks ? 12 : 0;
      if (socks) world.say(program, "\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50");
      let said = 0;
      let ended = false;
      for (let step = 0; step < 8000 && !(program.closed !== undefined && ended); step++) {
        if (program.reading && said < question.length) {
          const piece = question.subarray(said, said + 30_000);
          said += piece.length;
          world.say(program, piece);
        } else if (!ended && program.reading && said === question.length) {
          ended = true;
          world.end(program);
        }
        const [far] = world.fars;
        if (far !== undefined && !far.closes) [far.toSend, far.closes] = [answer, true];
        if (awayMs > 0 && step === 3) goAway(world, awayMs);
        world.run(step > 500 ? Math.max(restMs, 50) : restMs);
        if (program.closed === undefined) world.drain(program, room);
      }
      // The program may have gone before the last of what it said has arrived.
      world.run(200_000);
      const got = program.bytes.subarray(socks ? 12 : 0);
      expect(got).toEqual(answer);
      expect(joinBytes(world.fars[0]!.received)).toEqual(question);
      expect(outcome(program)).toEqual([true, "graceful"]);
      expect(world.flows.gauges.connections).toBe(0);
      expect(world.flows.deadline()).toBeUndefined();
    }),
    { numRuns: 30 },
  );
}, 60_000);

function goAway(world: LocalWorld, ms: number): void {
  world.connected = false;
  world.register("web", "unavailable");
  world.run(ms);
  world.connected = true;
  world.register("web", "registered");
  world.stack.pathRestored(world.now);
}

function outcome({ ended, closed }: Program) {
  return [ended, closed];
}
