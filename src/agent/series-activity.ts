// Datagrams one after the other: a single one, generated ones at a pace, or a burst as fast as the connection takes it.
import type { Millis } from "../core/machine.ts";
import { encodeUdp, UDP_OVERHEAD } from "../wire/udp.ts";
import { type Activity, type ActivityResult, type ActivityState, CONNECTION_GONE, type ProbeLine } from "./activity.ts";
import { EchoCheck } from "./echo-check.ts";
import { EchoLedger } from "./echo-ledger.ts";
import { FlightWindow } from "./flight-window.ts";
import { numberedPayload, SHORTEST_NAMED } from "./numbered-payload.ts";
import { largestPayload, patternPayload, sizeInBytes, sizeInRange, tooLarge } from "./payload.ts";
import type { BurstResult } from "./probe-output.ts";
import type { SeriesPlan } from "./probe-plan.ts";

export interface SeriesIdentity {
  readonly run: number;
  readonly agent: number;
}

export class SeriesActivity implements Activity {
  readonly showsReceived = true;
  readonly wantsAnswers: boolean;
  private readonly plan: SeriesPlan;
  private readonly identity: SeriesIdentity;
  private readonly connection: ProbeLine;
  private readonly random: () => number;
  private readonly check: EchoCheck | undefined;
  private readonly ledger: EchoLedger | undefined;
  private readonly window: FlightWindow | undefined;
  private sent = 0;
  private startedAt: Millis | undefined;
  private nextAt: Millis | undefined;
  /** What the connection took at the start: when it takes as much again, everything has left. */
  private roomAtStart = 0;
  private left = false;
  private burst: BurstResult | undefined;
  private failure: string | undefined;

  constructor(plan: SeriesPlan, identity: SeriesIdentity, connection: ProbeLine, random: () => number) {
    this.plan = plan;
    this.identity = identity;
    this.connection = connection;
    this.random = random;
    this.wantsAnswers = plan.flow !== undefined;
    const isNumbered = plan.content.type === "numbered";
    this.check = plan.verify && !isNumbered ? new EchoCheck() : undefined;
    this.ledger = plan.verify && isNumbered ? new EchoLedger(identity.run, identity.agent) : undefined;
    this.window = this.ledger && plan.window !== undefined ? new FlightWindow(plan.window) : undefined;
  }

  advance(now: Millis): void {
    if (this.state() !== "running" || (this.nextAt !== undefined && now < this.nextAt)) return;
    if (this.startedAt === undefined) {
      this.startedAt = now;
      this.roomAtStart = this.connection.room();
    }
    if (this.sent < this.plan.count) this.sendDue(now);
    else if (this.connection.room() >= this.roomAtStart) this.finish(now);
    else this.nextAt = now + LOOK_AGAIN_MS;
  }

  received(datagram: Uint8Array): void {
    // Whatever is in front of the payload has the size of IPv4 and UDP headers without options.
    if (datagram.length < UDP_OVERHEAD) return;
    const payload = datagram.subarray(UDP_OVERHEAD);
    this.check?.answered(payload);
    const returned = this.ledger?.received(payload);
    if (returned !== undefined) this.window?.returned(returned);
  }

  line(): void {}

  closed(now: Millis): void {
    if (this.sent >= this.plan.count) this.finish(now);
    else this.failure = CONNECTION_GONE;
  }

  deadline(): Millis | undefined {
    return this.state() === "running" ? this.nextAt : undefined;
  }

  state(): ActivityState {
    if (this.failure !== undefined) return { failure: this.failure };
    return this.left ? "done" : "running";
  }

  result(): ActivityResult {
    const { burst, check, ledger } = this;
    return {
      ...(burst === undefined ? {} : { burst }),
      ...(check === undefined ? {} : { echo: check.result() }),
      ...(ledger === undefined ? {} : { ledger: ledger.result() }),
    };
  }

  private sendDue(now: Millis): void {
    const { count, delayMs } = this.plan;
    const before = this.sent;
    const most = delayMs > 0 ? 1 : AT_ONCE;
    for (let room = Math.min(most, this.connection.room()); room > 0 && this.sent < count; room -= 1) {
      if (this.window?.isOpen(now) === false) break;
      this.failure = this.sendNext(now);
      if (this.failure !== undefined) return;
      this.sent += 1;
    }
    // Never faster than the pace asked for, also when this wake-up came late.
    const isPaced = this.sent > before && this.sent < count && delayMs > 0;
    this.nextAt = now + (isPaced ? delayMs : LOOK_AGAIN_MS);
  }

  /** Why it failed, if it did. */
  private sendNext(now: Millis): string | undefined {
    const { flow } = this.plan;
    const largest = this.connection.largest();
    const size = this.nextSize(largestPayload(largest));
    const fault = tooLarge(flow === undefined ? size : size + UDP_OVERHEAD, largest);
    if (fault !== undefined) return fault;
    const payload = this.nextPayload(size);
    this.check?.sent(payload);
    if (size >= SHORTEST_NAMED) this.window?.sent(this.sent, now);
    return this.connection.send(flow === undefined ? payload : encodeUdp({ ...flow, payload, checksum: false }));
  }

  private nextSize(largest: number): number {
    const { content } = this.plan;
    if (content.type === "bytes") return content.bytes.length;
    if (content.type === "pattern") return sizeInBytes(content.size, largest);
    return sizeInRange(this.sent, sizeInBytes(content.least, largest), sizeInBytes(content.most, largest));
  }

  private nextPayload(size: number): Uint8Array {
    const { content } = this.plan;
    if (content.type === "bytes") return content.bytes;
    if (content.type === "pattern") return patternPayload(content.pattern, size, this.random);
    return this.ledger?.make(this.sent, size) ?? numberedPayload({ ...this.identity, number: this.sent }, size);
  }

  private finish(now: Millis): void {
    this.left = true;
    if (!this.plan.burst) return;
    this.burst = { sent: this.sent, micros: Math.round((now - (this.startedAt ?? now)) * 1000) };
    this.connection.emit({ type: "burst", burst: this.burst });
  }
}

/** A wake-up sends no more than this, so that packets that arrive are not kept waiting. */
const AT_ONCE = 256;
const LOOK_AGAIN_MS = 1;
