// The books of one agent about its numbered payloads: each must come back once, whole, and to nobody else.
import { toHex } from "../wire/bytes.ts";
import { nameOfPayload, numberedPayload, SHORTEST_NAMED } from "./numbered-payload.ts";

export interface LedgerResult {
  readonly sent: number;
  /** Came back, counted once each. */
  readonly returned: number;
  readonly lost: number;
  /** Came back again. */
  readonly duplicate: number;
  /** Whole, but sent by another agent or in another run. */
  readonly foreign: number;
  /** Nothing that anyone sent. */
  readonly corrupt: number;
}

export class EchoLedger {
  private readonly run: number;
  private readonly agent: number;
  /** Size of each payload long enough for its name, by number; what came back stays as a negative size. */
  private readonly sizes = new Map<number, number>();
  /** How often a short content was sent and is still out: short ones have no names, and equal ones are exchangeable. */
  private readonly short = new Map<string, number>();
  private sent = 0;
  private returned = 0;
  private duplicate = 0;
  private foreign = 0;
  private corrupt = 0;

  constructor(run: number, agent: number) {
    this.run = run;
    this.agent = agent;
  }

  /** The payload of this number and size, which counts as sent from now on. */
  make(number: number, size: number): Uint8Array {
    const payload = numberedPayload({ run: this.run, agent: this.agent, number }, size);
    this.sent += 1;
    if (size >= SHORTEST_NAMED) this.sizes.set(number, size);
    else this.short.set(toHex(payload), (this.short.get(toHex(payload)) ?? 0) + 1);
    return payload;
  }

  /** Its number if it is one that came back, and long enough to tell. */
  received(payload: Uint8Array): number | undefined {
    if (payload.length < SHORTEST_NAMED) {
      this.receivedShort(toHex(payload));
      return undefined;
    }
    const name = nameOfPayload(payload);
    if (name === undefined) {
      this.corrupt += 1;
    } else if (name.run !== this.run || name.agent !== this.agent) {
      this.foreign += 1;
    } else {
      return this.receivedOwn(name.number, payload.length);
    }
    return undefined;
  }

  result(): LedgerResult {
    const { sent, returned, duplicate, foreign, corrupt } = this;
    return { sent, returned, lost: sent - returned, duplicate, foreign, corrupt };
  }

  private receivedOwn(number: number, size: number): number | undefined {
    const expected = this.sizes.get(number);
    if (expected === undefined || Math.abs(expected) !== size) {
      this.corrupt += 1; // cut or lengthened, or a number that was never used
    } else if (expected < 0) {
      this.duplicate += 1;
    } else {
      this.sizes.set(number, -size);
      this.returned += 1;
      return number;
    }
    return undefined;
  }

  private receivedShort(content: string): void {
    const out = this.short.get(content);
    if (out === undefined) {
      this.corrupt += 1; // or foreign: too short to tell
    } else if (out === 0) {
      this.duplicate += 1;
    } else {
      this.short.set(content, out - 1);
      this.returned += 1;
    }
  }
}
