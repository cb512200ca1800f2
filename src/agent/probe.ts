// One run of the test client over one connection, without a second attempt: handshake, registration, one activity,
// collecting answers, goodbye. What came of it is a report; whether that is good is for verdict.ts.
import type { Machine, Millis, Timeout } from "../core/machine.ts";
import { Outbox } from "../core/outbox.ts";
import type { DialEvent, PeerCommand, PeerEvent, PeerId } from "../tunnel/peer.ts";
import { encodeRouted } from "../wire/tunnel.ts";
import { type Activity, CONNECTION_GONE, type ProbeLine } from "./activity.ts";
import { InteractiveActivity } from "./interactive-activity.ts";
import { largestPayload, tooLarge } from "./payload.ts";
import type { Closed, HandshakeResult, ProbeEvent, ProbeOutput, ProbeReport } from "./probe-output.ts";
import type { ProbePlan } from "./probe-plan.ts";
import { isData, ProbeRegistration } from "./probe-registration.ts";
import { RttActivity } from "./rtt-activity.ts";
import { SeriesActivity } from "./series-activity.ts";

export interface ProbeOptions {
  readonly plan: ProbePlan;
  /** Which of several agents this is, from 0; also the number of its one dial. */
  readonly agent: number;
  /** The same for all agents of a run, different from run to run: 32 bits. */
  readonly run: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Datagrams that the connection would still take. */
  readonly room: (peer: PeerId) => number;
}

export type ProbeInput =
  | PeerEvent
  | DialEvent
  /** What was typed at a prompt; without text, the end of input. */
  | { readonly type: "line"; readonly text?: string }
  | { readonly type: "interrupt" };

/** Judging: whether a relay that completed the handshake then turns us away. */
type Phase = "dialing" | "judging" | "registering" | "acting" | "collecting" | "finished";

export class Probe implements Machine<ProbeInput, ProbeOutput> {
  private readonly options: ProbeOptions;
  private readonly plan: ProbePlan;
  private readonly out = new Outbox<ProbeOutput>();
  private readonly activity: Activity | undefined;
  private readonly registration: ProbeRegistration | undefined;
  /** Bytes that wrap each datagram for its service. */
  private readonly wrapping: number;
  private phase: Phase = "dialing";
  private phaseEnds: Millis | undefined;
  private dialledAt: Millis;
  private peer: PeerId | undefined;
  private maxDatagram = 0;
  private handshake: HandshakeResult | undefined;
  private closed: Closed | undefined;
  private sendFailure: string | undefined;
  private interrupted = false;
  private sent = 0;
  private answers = 0;

  constructor(options: ProbeOptions, now: Millis) {
    this.options = options;
    this.plan = options.plan;
    this.dialledAt = now;
    this.phaseEnds = now + ESTABLISHED_WITHIN_MS;
    const { routedTo, registration } = options.plan;
    this.registration = registration && new ProbeRegistration(registration);
    this.wrapping = routedTo === undefined ? 0 : encodeRouted(routedTo, NOTHING).length;
    this.activity = this.makeActivity();
    this.out.push({ type: "dial", dial: options.agent });
  }

  handle(input: ProbeInput | Timeout, now: Millis): void {
    if (this.phase === "finished") return this.afterEnd(input);
    if ("peer" in input && input.type !== "dialing" && input.peer !== this.peer) return;
    switch (input.type) {
      case "timeout":
        return this.advance(now);
      case "dialing":
        if (input.dial !== this.options.agent || this.peer !== undefined) return;
        this.peer = input.peer;
        this.dialledAt = now;
        return;
      case "unresolved":
        if (input.dial === this.options.agent) this.notEstablished({ reason: "unreachable", detail: input.detail });
        return;
      case "dial-failed":
        if (this.phase === "dialing") this.peer = undefined;
        return this.notEstablished(input);
      case "connected":
        return this.established(input.maxDatagram, now);
      case "datagram":
        return this.received(input.bytes, now);
      case "datagram-limit":
        this.maxDatagram = input.maxDatagram;
        return;
      case "disconnected":
        return this.disconnected(input, now);
      case "line":
        this.activity?.line(input.text, now);
        return this.follow(now);
      case "interrupt":
        this.interrupted = true;
        return this.finish();
      case "heard":
      case "moved":
      case "writable":
        return;
    }
  }

  poll(): ProbeOutput | undefined {
    return this.out.shift();
  }

  deadline(): Millis | undefined {
    return this.phase === "acting" ? this.activity?.deadline() : this.phaseEnds;
  }

  private advance(now: Millis): void {
    if (this.phase === "acting") {
      this.activity?.advance(now);
      return this.follow(now);
    }
    if (this.phaseEnds === undefined || now < this.phaseEnds) return;
    if (this.phase === "dialing") {
      const detail = `no connection within ${ESTABLISHED_WITHIN_MS / 1000} s`;
      this.notEstablished({ reason: "unreachable", detail });
    } else if (this.phase === "registering" && this.plan.registration?.expect === "any") {
      this.act(now);
    } else {
      this.finish();
    }
  }

  private established(maxDatagram: number, now: Millis): void {
    if (this.phase !== "dialing") return;
    const micros = Math.round((now - this.dialledAt) * 1000);
    this.handshake = { done: true, micros };
    this.maxDatagram = maxDatagram;
    this.emit({ type: "handshake", micros });
    this.emit({ type: "sizes", datagram: maxDatagram, payload: largestPayload(maxDatagram - this.wrapping) });
    if (this.plan.expectRejection) this.enter("judging", now + JUDGED_WITHIN_MS);
    else this.register(now);
  }

  private register(now: Millis): void {
    const plan = this.plan.registration;
    if (this.registration === undefined || plan === undefined) return this.act(now);
    const { expect, answerMs } = plan;
    this.command({ type: "send", bytes: this.registration.request() });
    this.enter("registering", now + (expect === "any" ? ANSWERS_SHOWN_MS : Math.max(answerMs, ANSWERS_SHOWN_MS)));
  }

  private received(bytes: Uint8Array, now: Millis): void {
    // Whom the relay has turned away it sends nothing: it has judged.
    if (this.phase === "judging") return this.finish();
    const isShown = this.phase !== "acting" || this.activity?.showsReceived !== false;
    if (isShown) this.emit({ type: "received", bytes });
    this.registration?.received(bytes);
    if (isData(bytes)) {
      this.answers += 1;
      this.activity?.received(bytes, now);
    }
    // Goes on at once when the answer that is waited for is there, gives up at once when another is.
    const expectation = this.phase === "registering" ? this.registration?.expectation() : "open";
    if (expectation === "met") this.act(now);
    else if (expectation === "disappointed") this.finish();
    else this.follow(now);
  }

  private disconnected(closed: Closed, now: Millis): void {
    const { by, layer, code, reason } = closed;
    this.closed = { by, layer, code, reason };
    this.emit({ type: "closed", closed: this.closed });
    if (this.phase === "acting") {
      this.activity?.closed(now);
      this.follow(now);
    } else if (this.phase === "registering" && this.plan.registration?.expect === "any") {
      this.act(now);
    } else {
      this.finish();
    }
  }

  private act(now: Millis): void {
    this.enter("acting", undefined);
    if (this.closed !== undefined) this.activity?.closed(now);
    this.activity?.advance(now);
    this.follow(now);
  }

  /** To the next phase when the activity has come to its end. */
  private follow(now: Millis): void {
    if (this.phase !== "acting") return;
    const state = this.activity?.state() ?? "done";
    if (state === "running") return;
    if (state !== "done") this.sendFailure = state.failure;
    const { rtt } = this.activity?.result() ?? {};
    if (rtt !== undefined && state === "done") this.emit({ type: "rtt", rtt });
    const isOver = state !== "done" || this.closed !== undefined || this.plan.collectMs === 0;
    if (isOver) this.finish();
    else this.enter("collecting", now + this.plan.collectMs);
  }

  private notEstablished({ reason, detail, code }: Omit<FailedHandshake, "done">): void {
    if (this.phase !== "dialing") return;
    this.handshake = { done: false, reason, detail, ...(code === undefined ? {} : { code }) };
    this.finish();
  }

  /** Says goodbye, so that the relay forgets us at once. Nothing follows. */
  private finish(): void {
    this.enter("finished", undefined);
    if (this.closed === undefined) this.command(GOODBYE);
    this.emit({ type: "finished", report: this.report() });
  }

  /** A name that was still being resolved when the run ended. */
  private afterEnd(input: ProbeInput | Timeout): void {
    if (input.type !== "dialing" || input.dial !== this.options.agent || this.peer !== undefined) return;
    this.peer = input.peer;
    this.command(GOODBYE);
  }

  private report(): ProbeReport {
    const { handshake, closed, sendFailure, sent, answers, interrupted } = this;
    return {
      ...(handshake === undefined ? {} : { handshake }),
      registration: this.registration?.result ?? { type: "none" },
      ...(closed === undefined ? {} : { closed }),
      ...(sendFailure === undefined ? {} : { sendFailure }),
      sent,
      answers,
      wantsAnswers: this.activity?.wantsAnswers ?? false,
      ...this.activity?.result(),
      interrupted,
    };
  }

  private makeActivity(): Activity | undefined {
    const { agent, run, random } = this.options;
    const { activity } = this.plan;
    switch (activity.type) {
      case "collect":
        return undefined;
      case "interactive":
        return new InteractiveActivity(this.line());
      case "rtt":
        return new RttActivity(activity, this.line(), random);
      case "series":
        return new SeriesActivity(activity, { run, agent }, this.line(), random);
    }
  }

  private line(): ProbeLine {
    const largest = () => this.maxDatagram - this.wrapping;
    return {
      largest,
      room: () => (this.peer === undefined || this.closed !== undefined ? 0 : this.options.room(this.peer)),
      emit: (event) => this.emit(event),
      send: (datagram) => {
        if (this.closed !== undefined) return CONNECTION_GONE;
        const fault = tooLarge(datagram.length, largest());
        if (fault !== undefined) return fault;
        const { routedTo } = this.plan;
        this.command({ type: "send", bytes: routedTo === undefined ? datagram : encodeRouted(routedTo, datagram) });
        this.sent += 1;
        return undefined;
      },
    };
  }

  private enter(phase: Phase, ends: Millis | undefined): void {
    this.phase = phase;
    this.phaseEnds = ends;
  }

  private command(command: WithoutPeer<PeerCommand>): void {
    if (this.peer !== undefined) this.out.push({ ...command, peer: this.peer });
  }

  private emit(event: ProbeEvent): void {
    this.out.push({ type: "probe", agent: this.options.agent, event });
  }
}

type FailedHandshake = Extract<HandshakeResult, { done: false }>;
type WithoutPeer<Command> = Command extends PeerCommand ? Omit<Command, "peer"> : never;

const NOTHING = new Uint8Array();
const GOODBYE = { type: "close", layer: "application", code: 0, reason: "done" } as const;

/** The reference client's limits, kept for scripts that rely on them. */
const ESTABLISHED_WITHIN_MS = 5000;
const ANSWERS_SHOWN_MS = 200;
/** A TLS 1.3 client is through before the server judges its certificate: relays close within a second if they do. */
const JUDGED_WITHIN_MS = 1000;
