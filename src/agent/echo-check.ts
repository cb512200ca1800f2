// Whether payloads came back: one that was sent matches when any answer carries the same bytes.
import { toHex } from "../wire/bytes.ts";

export interface EchoResult {
  readonly matches: number;
  readonly mismatches: number;
  readonly total: number;
}

export class EchoCheck {
  /** By content; bounded by what was sent. */
  private readonly payloads = new Map<string, { times: number; answered: boolean }>();

  sent(payload: Uint8Array): void {
    const key = toHex(payload);
    const known = this.payloads.get(key);
    if (known === undefined) this.payloads.set(key, { times: 1, answered: false });
    else known.times += 1;
  }

  answered(payload: Uint8Array): void {
    const known = this.payloads.get(toHex(payload));
    if (known !== undefined) known.answered = true;
  }

  result(): EchoResult {
    let matches = 0;
    let total = 0;
    for (const { times, answered } of this.payloads.values()) {
      total += times;
      if (answered) matches += times;
    }
    return { matches, mismatches: total - matches, total };
  }
}
