// Round-trip times: one probe packet at a time, each with its number, so that a late answer is not taken for the next.
import type { Millis } from "../core/machine.ts";
import { readU32, writeU32 } from "../wire/bytes.ts";
import { encodeUdp, UDP_OVERHEAD } from "../wire/udp.ts";
import { type Activity, type ActivityResult, type ActivityState, CONNECTION_GONE, type ProbeLine } from "./activity.ts";
import { largestPayload, patternPayload, sizeInBytes, tooLarge } from "./payload.ts";
import type { ActivityPlan } from "./probe-plan.ts";

export type RttPlan = Extract<ActivityPlan, { type: "rtt" }>;

export class RttActivity implements Activity {
  readonly showsReceived = false;
  readonly wantsAnswers = true;
  private readonly plan: RttPlan;
  private readonly connection: ProbeLine;
  private readonly random: () => number;
  private packet: Uint8Array | undefined;
  private readonly samples: number[] = [];
  private timeouts = 0;
  private started = 0;
  /** When the packet that is out was sent. */
  private sentAt: Millis | undefined;
  private nextAt: Millis | undefined;
  private failure: string | undefined;

  constructor(plan: RttPlan, connection: ProbeLine, random: () => number) {
    this.plan = plan;
    this.connection = connection;
    this.random = random;
  }

  advance(now: Millis): void {
    if (this.state() !== "running") return;
    if (this.sentAt !== undefined) {
      if (now < this.sentAt + ANSWER_MS) return;
      this.missed(now);
    }
    if (this.started < this.plan.samples && (this.nextAt === undefined || now >= this.nextAt)) this.send(now);
  }

  received(datagram: Uint8Array, now: Millis): void {
    if (this.sentAt === undefined || this.answersEarlier(datagram)) return;
    this.samples.push(Math.round((now - this.sentAt) * 1000));
    this.settled(now);
  }

  line(): void {}

  closed(now: Millis): void {
    if (this.sentAt !== undefined) this.missed(now);
    if (this.state() === "running") this.failure = CONNECTION_GONE;
  }

  deadline(): Millis | undefined {
    if (this.state() !== "running") return undefined;
    return this.sentAt === undefined ? this.nextAt : this.sentAt + ANSWER_MS;
  }

  state(): ActivityState {
    if (this.failure !== undefined) return { failure: this.failure };
    return this.started >= this.plan.samples && this.sentAt === undefined ? "done" : "running";
  }

  result(): ActivityResult {
    return { rtt: { samples: this.samples, timeouts: this.timeouts } };
  }

  private send(now: Millis): void {
    const packet = this.packet ?? this.makePacket();
    if (typeof packet === "string") {
      this.failure = packet;
      return;
    }
    this.packet = packet;
    if (packet.length >= NUMBER_AT + NUMBER_LENGTH) writeU32(packet, NUMBER_AT, this.started);
    this.failure = this.connection.send(packet);
    if (this.failure !== undefined) return;
    this.started += 1;
    this.sentAt = now;
  }

  private makePacket(): Uint8Array | string {
    const { size, pattern, flow } = this.plan;
    const bytes = sizeInBytes(size, largestPayload(this.connection.largest()));
    const fault = tooLarge(bytes + UDP_OVERHEAD, this.connection.largest());
    return fault ?? encodeUdp({ ...flow, payload: patternPayload(pattern, bytes, this.random), checksum: false });
  }

  private missed(now: Millis): void {
    this.timeouts += 1;
    this.settled(now);
  }

  private settled(now: Millis): void {
    this.sentAt = undefined;
    this.nextAt = now + PAUSE_MS;
  }

  /** The echo of a packet that was given up on: the same payload but for a lower number. */
  private answersEarlier(datagram: Uint8Array): boolean {
    const { packet } = this;
    if (packet === undefined || datagram.length !== packet.length) return false;
    if (datagram.length < NUMBER_AT + NUMBER_LENGTH || readU32(datagram, NUMBER_AT) >= this.started - 1) return false;
    for (let at = NUMBER_AT + NUMBER_LENGTH; at < packet.length; at += 1) {
      if (datagram[at] !== packet[at]) return false;
    }
    return true;
  }
}

const ANSWER_MS = 1000;
const PAUSE_MS = 10;
/** The number is the start of the payload. */
const NUMBER_AT = UDP_OVERHEAD;
const NUMBER_LENGTH = 4;
