// A probe, or a fleet of them, in virtual time with a relay that answers as a test says.

import { Fleet, type FleetOutput } from "../../src/agent/fleet.ts";
import { Probe, type ProbeInput } from "../../src/agent/probe.ts";
import type { ProbeEvent, ProbeOutput, ProbeReport } from "../../src/agent/probe-output.ts";
import type { ProbePlan } from "../../src/agent/probe-plan.ts";
import { type Machine, type Millis, TIMEOUT } from "../../src/core/machine.ts";
import { ANONYMOUS } from "../../src/identity/identity.ts";
import { readU16, readU32 } from "../../src/wire/bytes.ts";
import { parseTunnelDatagram } from "../../src/wire/tunnel.ts";
import { encodeUdp, udpPayloadEnd, udpPayloadStart } from "../../src/wire/udp.ts";
import { Random } from "./random.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";

export type Output = ProbeOutput | FleetOutput;

/** What the relay sends back, and how much later, for one datagram of a peer. */
export type Answers = (bytes: Uint8Array, peer: number) => readonly Answer[];

export interface Answer {
  readonly afterMs: Millis;
  readonly bytes: Uint8Array;
  /** Default: the one that sent. */
  readonly peer?: number;
}

export interface WorldOptions {
  readonly plan?: Partial<ProbePlan>;
  readonly agents?: number;
  readonly answers?: Answers;
  readonly room?: () => number;
  readonly maxDatagram?: number;
  /** Absent: every dial is answered by a connection after 2 ms. */
  readonly dial?: "held";
}

export class ProbeWorld {
  now: Millis = 0;
  readonly outputs: { readonly at: Millis; readonly output: Output }[] = [];
  private readonly machine: Machine<ProbeInput, Output>;
  private readonly options: WorldOptions;
  private readonly queue: { readonly at: Millis; readonly order: number; readonly input: ProbeInput }[] = [];
  private order = 0;

  constructor(options: WorldOptions = {}) {
    this.options = options;
    const plan: ProbePlan = { activity: { type: "collect" }, collectMs: 2000, expectRejection: false, ...options.plan };
    const random = new Random(1);
    const shared = { plan, run: RUN, random: () => random.next(), room: options.room ?? (() => 1000) };
    const { agents } = options;
    this.machine =
      agents === undefined ? new Probe({ ...shared, agent: 0 }, this.now) : new Fleet({ ...shared, agents }, this.now);
    this.drain();
  }

  deadline(): Millis | undefined {
    return this.machine.deadline();
  }

  /** At once. */
  input(input: ProbeInput): void {
    this.machine.handle(input, this.now);
    this.drain();
  }

  later(afterMs: Millis, input: ProbeInput): void {
    this.queue.push({ at: this.now + afterMs, order: this.order++, input });
    this.queue.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  datagram(bytes: Uint8Array, agent = 0): void {
    this.input({ type: "datagram", peer: peerOf(agent), bytes });
  }

  close(code: number, reason: string, layer: "transport" | "application" = "transport"): void {
    this.input({ type: "disconnected", peer: peerOf(0), by: "peer", layer, code, reason });
  }

  /** Everything that is due within this time, in its order. */
  run(forMs: Millis): void {
    const until = this.now + forMs;
    for (let spins = 0; ; spins += 1) {
      if (spins > 1_000_000) throw new Error("the machine is woken again and again");
      const next = Math.min(this.queue[0]?.at ?? Infinity, this.machine.deadline() ?? Infinity);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      const first = this.queue[0];
      if (first !== undefined && first.at <= this.now) {
        this.queue.shift();
        this.input(first.input);
      } else {
        this.machine.handle(TIMEOUT, this.now);
        this.drain();
      }
    }
    this.now = until;
  }

  /** Datagrams sent to the relay, in order. */
  sent(): readonly Uint8Array[] {
    return this.outputs.flatMap(({ output }) => (output.type === "send" ? [output.bytes] : []));
  }

  sentAt(): readonly Millis[] {
    return this.outputs.flatMap(({ at, output }) => (output.type === "send" ? [at] : []));
  }

  closes(): readonly Output[] {
    return this.outputs.map(({ output }) => output).filter(({ type }) => type === "close");
  }

  events<Type extends ProbeEvent["type"]>(type: Type): readonly Extract<ProbeEvent, { type: Type }>[] {
    return this.outputs.flatMap(({ output }) =>
      output.type === "probe" && output.event.type === type
        ? [output.event as Extract<ProbeEvent, { type: Type }>]
        : [],
    );
  }

  /** When the run ended, if it did. */
  finishedAt(): Millis | undefined {
    return this.outputs.find(({ output }) => output.type === "probe" && output.event.type === "finished")?.at;
  }

  report(): ProbeReport {
    const [finished] = this.events("finished");
    if (finished === undefined) throw new Error("the run has not ended");
    return finished.report;
  }

  private drain(): void {
    for (let output = this.machine.poll(); output !== undefined; output = this.machine.poll()) {
      this.outputs.push({ at: this.now, output: withCopies(output) });
      if (output.type === "dial" && this.options.dial !== "held") this.dialled(output.dial);
      if (output.type === "send") this.answer(output.peer, output.bytes);
    }
  }

  private dialled(agent: number): void {
    this.later(0, { type: "dialing", dial: agent, peer: peerOf(agent) });
    const { maxDatagram = 1306 } = this.options;
    const peer = peerOf(agent);
    this.later(2, { type: "connected", peer, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram });
  }

  private answer(from: number, sent: Uint8Array): void {
    for (const { afterMs, bytes, peer = from } of this.options.answers?.(sent.slice(), from) ?? []) {
      this.later(afterMs, { type: "datagram", peer, bytes });
    }
  }
}

/** The answer of an echo service to an inner UDP packet, wrapped for a service or not. */
export function echoOf(datagram: Uint8Array): Uint8Array {
  const message = parseTunnelDatagram(datagram);
  const inner = message.type === "routed" ? message.inner : datagram;
  return encodeUdp({
    source: readU32(inner, 16),
    sourcePort: readU16(inner, 22),
    destination: readU32(inner, 12),
    destinationPort: readU16(inner, 20),
    payload: payloadOf(inner),
    checksum: false,
  });
}

export function payloadOf(inner: Uint8Array): Uint8Array {
  return inner.subarray(udpPayloadStart(inner), udpPayloadEnd(inner));
}

export function peerOf(agent: number): number {
  return 100 + agent;
}

/** Bytes are only lent: what is kept of an output must not change with the machine's next step. */
function withCopies(output: Output): Output {
  if (output.type === "send") return { ...output, bytes: output.bytes.slice() };
  if (output.type !== "probe" || output.event.type !== "received") return output;
  return { ...output, event: { ...output.event, bytes: output.event.bytes.slice() } };
}

export const RUN = 0x5eed0001;
export const FLOW = { source: 0x0a000064, sourcePort: 12_345, destination: 0x0a640001, destinationPort: 9_999 };
