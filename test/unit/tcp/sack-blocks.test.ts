// Blocks of one acknowledgement, in whatever order, sensible or not.
import { expect, test } from "bun:test";
import { Delivery } from "../../../src/tcp/delivery.ts";
import { readSackBlocks } from "../../../src/tcp/sack-blocks.ts";
import { Scoreboard } from "../../../src/tcp/scoreboard.ts";
import { toWire } from "../../../src/tcp/sequence.ts";
import { TcpOptions } from "../../../src/wire/tcp-options.ts";

const INITIAL = 0xffff_ff80;

function read(una: number, blocks: [number, number][], acknowledged = una) {
  const [flight, delivery, options] = [new Scoreboard(), new Delivery(), new TcpOptions()];
  flight.sent(0, 1_000, 1);
  delivery.begin(2, 0);
  flight.acknowledge(una, delivery);
  delivery.begin(2, 0);
  for (const [left, right] of blocks) options.addSackBlock(toWire(left, INITIAL), toWire(right, INITIAL));
  const cameTwice = readSackBlocks(options, INITIAL, acknowledged, una, 1_000, flight, delivery);
  const sacked: [number, number][] = [];
  for (let run = flight.head; run !== undefined; run = run.next) if (run.sacked) sacked.push([run.start, run.end]);
  return { sacked, cameTwice, reordered: delivery.reordered };
}

test("all are marked, and none looks reordered for its place in the list", () => {
  const { sacked, reordered } = read(100, [
    [500, 600],
    [200, 300],
    [700, 800],
    [350, 400],
  ]);
  expect(sacked).toEqual([
    [200, 300],
    [350, 400],
    [500, 600],
    [700, 800],
  ]);
  expect(reordered).toBe(false);
});

test("blocks that are empty, turned round, below or beyond what is on its way are passed over", () => {
  expect(
    read(100, [
      [200, 200],
      [300, 250],
      [900, 1_001],
      [50, 150],
    ]).sacked,
  ).toEqual([]);
  expect(
    read(100, [
      [2 ** 31, 2 ** 31 + 10],
      [400, 500],
    ]).sacked,
  ).toEqual([[400, 500]]);
});

test("the first one reports what came twice: below the acknowledgement or within the second", () => {
  expect(read(100, [[20, 60]]).cameTwice).toBe(40);
  expect(
    read(100, [
      [20, 60],
      [200, 300],
    ]).sacked,
  ).toEqual([[200, 300]]);
  expect(
    read(100, [
      [220, 260],
      [200, 300],
    ]).cameTwice,
  ).toBe(40);
  expect(
    read(100, [
      [200, 300],
      [220, 260],
    ]).cameTwice,
  ).toBe(0);
  expect(read(100, [[60, 20]]).cameTwice).toBe(0);
  expect(read(100, []).cameTwice).toBe(0);
});

test("a block of an old segment that has been acknowledged since is no such report", () => {
  expect(read(300, [[200, 250]], 100).cameTwice).toBe(0);
});
