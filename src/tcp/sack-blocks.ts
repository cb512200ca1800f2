// The SACK blocks of one acknowledgement (RFC 2018), brought into order and to the scoreboard. The first one may be a
// report of something that arrived twice (RFC 2883): it lies below what is acknowledged, or within the second block.
import type { TcpOptions } from "../wire/tcp-options.ts";
import type { Delivery } from "./delivery.ts";
import type { Scoreboard } from "./scoreboard.ts";
import { toPosition } from "./sequence.ts";

/**
 * Marks what arrived between `una` and `nxt`, the lowest first whatever order the blocks came in, so that none looks as
 * if the network had reordered it. Blocks that make no sense are passed over. Returns whether a duplicate is reported.
 */
export function readSackBlocks(
  options: TcpOptions,
  initial: number,
  una: number,
  nxt: number,
  flight: Scoreboard,
  delivery: Delivery,
): boolean {
  let above = una - 1;
  for (let turn = 0; turn < options.sackBlocks; turn += 1) {
    let lowest = Number.POSITIVE_INFINITY;
    let end = 0;
    for (let block = 0; block < options.sackBlocks; block += 1) {
      const left = edge(options, block * 2, initial, una);
      if (left <= above || left >= lowest) continue;
      lowest = left;
      end = edge(options, block * 2 + 1, initial, una);
    }
    if (lowest === Number.POSITIVE_INFINITY) break;
    above = lowest;
    if (lowest < end && end <= nxt) flight.sack(lowest, end, delivery);
  }
  return reportsDuplicate(options, initial, una);
}

function reportsDuplicate(options: TcpOptions, initial: number, una: number): boolean {
  if (options.sackBlocks === 0) return false;
  const left = edge(options, 0, initial, una);
  const right = edge(options, 1, initial, una);
  if (left >= right) return false;
  if (right <= una) return true;
  if (options.sackBlocks === 1) return false;
  return edge(options, 2, initial, una) <= left && right <= edge(options, 3, initial, una);
}

function edge(options: TcpOptions, index: number, initial: number, una: number): number {
  return toPosition(options.sackEdges[index] as number, initial, una);
}
