// An agent that keeps sending numbered payloads to an echo service through the tunnel, and whose books say when what
// came back: the witness of restarts, faults and reloads.

import { nameOfPayload, numberedPayload } from "../../src/agent/numbered-payload.ts";
import type { Millis } from "../../src/core/machine.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import { checkIcmp } from "../../src/wire/icmp.ts";
import {
  checkIpv4,
  ipv4Destination,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_UDP,
  quotedIpv4Start,
} from "../../src/wire/ipv4.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { checkUdp, encodeUdp, udpPayloadEnd, udpPayloadStart } from "../../src/wire/udp.ts";
import { LiveEnd, type LiveEndOptions } from "./live-end.ts";

export interface LiveAgentOptions extends Pick<LiveEndOptions, "credential" | "relay" | "enter"> {
  readonly service: string;
  /** The service's virtual address. */
  readonly address: string;
  /** Inner source address: what agents call themselves. */
  readonly source?: string;
  readonly payloadBytes?: number;
}

export interface Answer {
  readonly number: number;
  readonly at: Millis;
}

export class LiveAgent implements Disposable {
  /** Answers that came twice, were damaged, or belong to somebody else. */
  duplicates = 0;
  strange = 0;
  /** ICMP errors of the relay: it had nobody to pass a payload to. */
  unreachable = 0;
  /** Names it in its payloads. */
  readonly run = Math.floor(Math.random() * 2 ** 32);
  readonly #options: LiveAgentOptions;
  readonly #address: number;
  readonly #source: number;
  readonly #answeredAt: (Millis | undefined)[] = [];
  readonly #waiters = new Set<{ matches: (answer: Answer) => boolean; resolve: (answer: Answer) => void }>();
  #outstanding = 0;
  #end: LiveEnd | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Resolves when it is registered. */
  static async open(options: LiveAgentOptions): Promise<LiveAgent> {
    const agent = new LiveAgent(options);
    const { credential, relay, service, enter } = options;
    agent.#end = await LiveEnd.open({
      role: "agent",
      services: [service],
      credential,
      relay,
      ...(enter === undefined ? {} : { enter }),
      received: (inner, now) => void agent.#received(inner, now),
    });
    return agent;
  }

  private constructor(options: LiveAgentOptions) {
    this.#options = options;
    this.#address = parseIpv4(options.address)!;
    this.#source = parseIpv4(options.source ?? "100.64.0.1")!;
  }

  get end(): LiveEnd {
    return this.#end!;
  }

  /** Payloads sent so far; also those for which there was no connection, as an application knows nothing of it. */
  get sent(): number {
    return this.#answeredAt.length;
  }

  /** Sends one payload; returns its number. */
  send(): number {
    const number = this.sent;
    this.#answeredAt.push(undefined);
    this.#outstanding += 1;
    const { service, payloadBytes = 64 } = this.#options;
    const payload = numberedPayload({ run: this.run, agent: AGENT, number }, payloadBytes);
    const [destination, source] = [this.#address, this.#source];
    const ports = { sourcePort: SOURCE_PORT, destinationPort: DESTINATION_PORT };
    this.end.send(encodeRouted(service, encodeUdp({ source, destination, ...ports, payload })));
    return number;
  }

  /** Sends one now and then every `ms`. */
  start(ms: Millis = 50): void {
    this.stop();
    this.send();
    this.#timer = setInterval(() => this.send(), ms);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The next answer to a payload of this number or a later one. */
  answered(from = this.sent, timeoutMs = WAIT_MS): Promise<Answer> {
    return this.#answer(({ number }) => number >= from, `an answer to ${from} or later`, timeoutMs);
  }

  /** Payloads with numbers from `from` up to, but not including, `to` that were not answered. */
  lost(from: number, to: number): number {
    return this.#answeredAt.slice(from, to).filter((at) => at === undefined).length;
  }

  /**
   * When data began to flow: resolves with the first answer to a payload from number `from` on, once `steadyFor`
   * payloads after it have been answered too; rejects if one of those was lost.
   */
  async flowing(from = this.sent, timeoutMs = WAIT_MS, steadyFor = 20): Promise<Answer> {
    const first = await this.answered(from, timeoutMs);
    const end = first.number + steadyFor;
    const { number } = await this.answered(end);
    const lost = this.lost(first.number, number);
    if (lost > 0) throw new Error(`${lost} of the ${steadyFor} payloads after the first answer were lost`);
    return first;
  }

  /** Sends no more and resolves with the number of payloads that were lost: when there is none, or when time is up. */
  async settled(timeoutMs: Millis = SETTLE_MS): Promise<number> {
    this.stop();
    if (this.#outstanding > 0) {
      await this.#answer(() => this.#outstanding === 0, "the last answer", timeoutMs).catch(() => {});
    }
    return this.#outstanding;
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#end?.[Symbol.dispose]();
  }

  #answer(matches: (answer: Answer) => boolean, what: string, timeoutMs: Millis): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const waiter = { matches, resolve };
    this.#waiters.add(waiter);
    const late = () => reject(new Error(`${what} did not come within ${timeoutMs} ms; ${this.#situation()}`));
    const timer = setTimeout(late, timeoutMs);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  #situation(): string {
    const now = monotonicClock.now();
    const events = this.end.events.map(({ at, event }) => ({ ago: Math.round(now - at), ...event }));
    return `${this.sent} sent, the last events: ${JSON.stringify(events.slice(-6))}`;
  }

  #received(inner: Uint8Array, at: Millis): void {
    const number = this.#numberOf(inner);
    if (number === undefined) {
      if (isUnreachable(inner)) this.unreachable += 1;
      else this.strange += 1;
    } else if (this.#answeredAt[number] !== undefined) {
      this.duplicates += 1;
    } else {
      this.#answeredAt[number] = at;
      this.#outstanding -= 1;
      for (const { matches, resolve } of [...this.#waiters]) if (matches({ number, at })) resolve({ number, at });
    }
  }

  /** Undefined for what is not the whole answer of our service to one of our payloads. */
  #numberOf(inner: Uint8Array): number | undefined {
    if (checkIpv4(inner) !== undefined || ipv4Protocol(inner) !== PROTOCOL_UDP) return undefined;
    if (checkUdp(inner) !== undefined) return undefined;
    if (ipv4Source(inner) !== this.#address || ipv4Destination(inner) !== this.#source) return undefined;
    const name = nameOfPayload(inner.subarray(udpPayloadStart(inner), udpPayloadEnd(inner)));
    return name?.run === this.run && name.number < this.sent ? name.number : undefined;
  }
}

function isUnreachable(inner: Uint8Array): boolean {
  return checkIpv4(inner) === undefined && quotedIpv4Start(inner) >= 0 && checkIcmp(inner) === undefined;
}

const AGENT = 1;
const SOURCE_PORT = 40_000;
const DESTINATION_PORT = 9999;
const WAIT_MS = 20_000;
const SETTLE_MS = 2000;
