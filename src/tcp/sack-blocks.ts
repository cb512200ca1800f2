// The SACK blocks of one acknowledgement (RFC 2018), brought into order and to the scoreboard. The first one may be a
// report of something that arrived twice (RFC 2883): it lies below what is acknowledged, or within the second block.
import type { TcpOptions } from "../wire/tcp-options.ts";
import type { Delivery } from "./delivery.ts";
import type { Scoreboard } from "./scoreboard.ts";
import { toPosition } from "./sequence.ts";

/**
 * Marks what arrived between `una` and `nxt`, the lowest first whatever order the blocks came in, so that none looks as
 * if the network had reordered it. Blocks that make no sense are passed over. Returns how many bytes came twice.
 * `acknowledged` is what the same segment acknowledges: it may be an old one.
 */
export function readSackBlocks(
  options: TcpOptions,
  initial: number,
  acknowledged: number,
  una: number,
  nxt: number,
  flight: Scoreboard,
  delivery: Delivery,
): number {
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
  return duplicateBytes(options, initial, acknowledged);
}

function duplicateBytes(options: TcpOptions, initial: number, acknowledged: number): number {
  if (options.sackBlocks === 0) return 0;
  const left = edge(options, 0, initial, acknowledged);
  const right = edge(options, 1, initial, acknowledged);
  if (left >= right) return 0;
  if (right <= acknowledged) return right - left;
  const isWithinNext =
    options.sackBlocks > 1 &&
    edge(options, 2, initial, acknowledged) <= left &&
    right <= edge(options, 3, initial, acknowledged);
  return isWithinNext ? right - left : 0;
}

function edge(options: TcpOptions, index: number, initial: number, near: number): number {
  return toPosition(options.sackEdges[index] as number, initial, near);
}
