// The TCP proxy of the reference's connector, with its faults, as the protocol describes them: SYN|ACK without options
// and sent once, segments of up to 1310 bytes, sequence numbers of the agent never compared, nothing ever sent again.
import type { Millis } from "../../src/core/machine.ts";
import { ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import {
  encodeTcp,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  tcpDestinationPort,
  tcpFlags,
  tcpPayloadStart,
  tcpSequence,
  tcpSourcePort,
} from "../../src/wire/tcp.ts";

/** Kernel sockets. What comes of them is told to the proxy by flow. */
export interface ReferenceStreams {
  connect(flow: number): void;
  /** Returns how many bytes were taken. */
  write(flow: number, bytes: Uint8Array): number;
  shutdown(flow: number): void;
  close(flow: number): void;
}

interface Ends {
  readonly agent: number;
  readonly agentPort: number;
  readonly service: number;
  readonly servicePort: number;
}

interface Flow {
  readonly id: number;
  readonly key: string;
  readonly ends: Ends;
  next: number;
  expected: number;
  state: "connecting" | "connected";
  startedAt: Millis;
  activeAt: Millis;
  drainUntil: Millis | undefined;
}

export interface ReferenceTcpOptions {
  readonly streams: ReferenceStreams;
  readonly send: (packet: Uint8Array) => void;
  /** A 32-bit number. */
  readonly initialSequence: () => number;
  readonly serviceIp?: number | undefined;
}

export class ReferenceTcpProxy {
  private readonly options: ReferenceTcpOptions;
  private readonly flows = new Map<string, Flow>();
  private readonly byId = new Map<number, Flow>();
  private readonly synWindows = new Map<number, { start: Millis; count: number }>();
  private ids = 0;

  constructor(options: ReferenceTcpOptions) {
    this.options = options;
  }

  get flowCount(): number {
    return this.flows.size;
  }

  /** Nothing but the length is looked at. */
  receive(packet: Uint8Array, now: Millis): void {
    const flags = tcpFlags(packet);
    const ends: Ends = {
      ...{ agent: ipv4Source(packet), agentPort: tcpSourcePort(packet) },
      ...{ service: ipv4Destination(packet), servicePort: tcpDestinationPort(packet) },
    };
    const key = `${ends.agent}:${ends.agentPort} ${ends.service}:${ends.servicePort}`;
    const sequence = tcpSequence(packet);
    if ((flags & TCP_SYN) !== 0 && (flags & TCP_ACK) === 0) return this.open(key, ends, sequence, now);
    const flow = this.flows.get(key);
    if (flow === undefined) return;
    const payload = packet.subarray(tcpPayloadStart(packet));
    if ((flags & TCP_RST) !== 0) this.remove(flow);
    else if ((flags & TCP_FIN) !== 0) this.finished(flow, (sequence + payload.length + 1) >>> 0, now);
    else if ((flags & TCP_ACK) !== 0) this.data(flow, sequence, payload, now);
  }

  connected(id: number): void {
    const flow = this.byId.get(id);
    if (flow === undefined) return;
    flow.state = "connected";
    this.send(flow, TCP_SYN | TCP_ACK, (flow.next - 1) >>> 0);
  }

  refused(id: number): void {
    const flow = this.byId.get(id);
    if (flow === undefined) return;
    this.reset(flow.ends, 0, flow.expected);
    this.remove(flow);
  }

  /** Blocks of at most 1310 bytes: the larger ones fit no datagram, and still count. */
  received(id: number, bytes: Uint8Array): void {
    const flow = this.byId.get(id);
    if (flow === undefined) return;
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      const block = bytes.subarray(at, at + READ_BYTES);
      this.send(flow, TCP_PSH | TCP_ACK, flow.next, block);
      flow.next = (flow.next + block.length) >>> 0;
    }
  }

  ended(id: number): void {
    const flow = this.byId.get(id);
    if (flow !== undefined) this.end(flow);
  }

  failed(id: number): void {
    const flow = this.byId.get(id);
    if (flow === undefined) return;
    this.reset(flow.ends, flow.next, flow.expected);
    this.remove(flow);
  }

  timeout(now: Millis): void {
    for (const flow of [...this.flows.values()]) {
      if (now < dueAt(flow)) continue;
      if (flow.state === "connecting") this.refused(flow.id);
      else if (flow.drainUntil !== undefined) this.end(flow);
      else this.remove(flow);
    }
  }

  deadline(): Millis | undefined {
    let next: Millis | undefined;
    for (const flow of this.flows.values()) next = Math.min(next ?? Number.POSITIVE_INFINITY, dueAt(flow));
    return next;
  }

  private open(key: string, ends: Ends, sequence: number, now: Millis): void {
    const { serviceIp, streams, initialSequence } = this.options;
    const expected = (sequence + 1) >>> 0;
    const foreign = serviceIp !== undefined && serviceIp !== ends.service;
    if (foreign || this.tooManySyns(ends.agent, now) || this.flows.size >= MAX_FLOWS) {
      return this.reset(ends, 0, expected);
    }
    const old = this.flows.get(key);
    if (old !== undefined) this.remove(old);
    const flow: Flow = {
      ...{ id: ++this.ids, key, ends, expected, next: (initialSequence() + 1) >>> 0 },
      ...{ state: "connecting", startedAt: now, activeAt: now, drainUntil: undefined },
    };
    this.flows.set(key, flow);
    this.byId.set(flow.id, flow);
    streams.connect(flow.id);
  }

  private tooManySyns(agent: number, now: Millis): boolean {
    const window = this.synWindows.get(agent);
    if (window === undefined || now >= window.start + SYN_WINDOW_MS) {
      this.synWindows.set(agent, { start: now, count: 1 });
      return false;
    }
    window.count++;
    return window.count > SYNS_PER_WINDOW;
  }

  /** Payload of the segment with the FIN is acknowledged, and thrown away. */
  private finished(flow: Flow, expected: number, now: Millis): void {
    flow.expected = expected;
    this.send(flow, TCP_ACK, flow.next);
    this.options.streams.shutdown(flow.id);
    flow.drainUntil = now + DRAIN_MS;
  }

  /** Whatever its number: what comes twice is written twice. */
  private data(flow: Flow, sequence: number, payload: Uint8Array, now: Millis): void {
    flow.activeAt = now;
    if (flow.state === "connecting" || flow.drainUntil !== undefined || payload.length === 0) return;
    const taken = this.options.streams.write(flow.id, payload);
    if (taken === 0) return;
    flow.expected = (sequence + taken) >>> 0;
    this.send(flow, TCP_ACK, flow.next);
  }

  private end(flow: Flow): void {
    this.send(flow, TCP_FIN | TCP_ACK, flow.next);
    this.remove(flow);
  }

  private remove(flow: Flow): void {
    this.flows.delete(flow.key);
    this.byId.delete(flow.id);
    this.options.streams.close(flow.id);
  }

  private send({ ends, expected }: Flow, flags: number, sequence: number, payload?: Uint8Array): void {
    const numbers = { sequence, acknowledgement: expected, flags, window: WINDOW };
    this.options.send(encodeTcp({ ...headerOf(ends), ...numbers, ...(payload === undefined ? {} : { payload }) }));
  }

  private reset(ends: Ends, sequence: number, acknowledgement: number): void {
    const numbers = { sequence, acknowledgement, flags: TCP_RST | TCP_ACK, window: 0 };
    this.options.send(encodeTcp({ ...headerOf(ends), ...numbers }));
  }
}

function headerOf({ agent, agentPort, service, servicePort }: Ends) {
  return { source: service, sourcePort: servicePort, destination: agent, destinationPort: agentPort };
}

function dueAt({ state, startedAt, drainUntil, activeAt }: Flow): Millis {
  if (state === "connecting") return startedAt + CONNECT_MS;
  return drainUntil ?? activeAt + IDLE_MS;
}

const WINDOW = 65_535;
const READ_BYTES = 1310;
const MAX_FLOWS = 256;
const SYNS_PER_WINDOW = 10;
const SYN_WINDOW_MS = 1000;
const CONNECT_MS = 5000;
const DRAIN_MS = 5000;
const IDLE_MS = 120_000;
