// Payloads that say who sent them in which run, and of which every byte can be checked by whoever receives one.
//
//   0  run (4)      4  agent (2) | number (4)      10  filling (4 or more), made from the ten bytes before it
//
// A payload too short for that is filling alone, made from what the ten bytes would have said.
import { readU16, readU32, writeU16, writeU32 } from "../wire/bytes.ts";

export interface PayloadName {
  /** Random for each run, so that late answers to an earlier one are not taken for ours. */
  readonly run: number;
  readonly agent: number;
  readonly number: number;
}

export function numberedPayload(name: PayloadName, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  const isNamed = size >= SHORTEST_NAMED;
  if (isNamed) {
    writeU32(payload, 0, name.run);
    writeU16(payload, 4, name.agent);
    writeU32(payload, 6, name.number);
  }
  let state = seedOf(name);
  for (let at = isNamed ? NAME_LENGTH : 0; at < size; at += 1) {
    state = nextState(state);
    payload[at] = state >>> 24;
  }
  return payload;
}

/** Undefined when it is too short for a name, or a byte is not what the name demands. */
export function nameOfPayload(payload: Uint8Array): PayloadName | undefined {
  if (payload.length < SHORTEST_NAMED) return undefined;
  const name = { run: readU32(payload, 0), agent: readU16(payload, 4), number: readU32(payload, 6) };
  let state = seedOf(name);
  for (let at = NAME_LENGTH; at < payload.length; at += 1) {
    state = nextState(state);
    if (payload[at] !== state >>> 24) return undefined;
  }
  return name;
}

/** Payloads shorter than this have no name. */
export const SHORTEST_NAMED = 14;

const NAME_LENGTH = 10;

/** Multiplications by odd constants spread each part over all 32 bits. */
function seedOf({ run, agent, number }: PayloadName): number {
  const mixed =
    Math.imul(run ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(agent + 1, 0xc2b2ae35) ^ Math.imul(number + 1, 0x27d4eb2f);
  return (mixed ^ (mixed >>> 15)) | 1;
}

/** Marsaglia's xorshift: never 0 for a seed that is not. */
function nextState(state: number): number {
  let next = state;
  next ^= next << 13;
  next ^= next >>> 17;
  return next ^ (next << 5);
}
