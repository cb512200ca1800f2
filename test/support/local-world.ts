// Local flows of an agent between programs and a far end, in virtual time: programs are streams whose kernel buffer the
// test sets, the far end is a stack of our own that answers for every service, and the way between can be cut.
import type { LocalCommand } from "../../src/agent/local.ts";
import { LocalFlows, type LocalFlowsOptions } from "../../src/agent/local-flows.ts";
import { earlier, type Millis } from "../../src/core/machine.ts";
import type { Notice } from "../../src/tunnel/peer.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_TCP } from "../../src/wire/ipv4.ts";
import { type Far, type FarBehaviour, FarEnd, joinBytes } from "./local-far-end.ts";
import { Random } from "./random.ts";

export const WEB = { id: "web", virtualIp: 0x0a64_0001 };
export const DNS = { id: "dns", virtualIp: 0x0a64_0002 };
/** Listeners of the world: web's port 80, dns's port 53, SOCKS5. */
export const LISTENERS = [
  { type: "forward", service: "web", port: 80 },
  { type: "forward", service: "dns", port: 53 },
  { type: "socks5" },
] as const;
export const SOCKS = 2;

/** A local program's connection as the shell sees it. */
export class Program {
  readonly stream: number;
  received: Uint8Array[] = [];
  /** Bytes that its kernel still takes. */
  room = Number.POSITIVE_INFINITY;
  reading = false;
  ended = false;
  closed: "reset" | "graceful" | undefined;

  constructor(stream: number) {
    this.stream = stream;
  }

  get bytes(): Uint8Array {
    return joinBytes(this.received);
  }

  get text(): string {
    return new TextDecoder("latin1").decode(this.bytes);
  }
}

export class LocalWorld {
  now: Millis = 1000;
  readonly flows: LocalFlows;
  readonly notices: Notice[] = [];
  readonly datagrams: Extract<LocalCommand, { type: "local-datagram" }>[] = [];
  readonly sockets: Extract<LocalCommand, { type: "local-udp-open" | "local-udp-close" }>[] = [];
  /** Inner packets that are not TCP, and TCP while the far end is "silent". */
  readonly packets: { readonly service: string; readonly bytes: Uint8Array }[] = [];
  /** While false nothing gets through. */
  connected = true;
  /** Whether the next packet, in either direction, is lost. */
  loses: () => boolean = () => false;
  readonly farEnd = new FarEnd((packet) => {
    if (this.connected && !this.loses()) this.flows.receive(packet, this.now);
  });
  private readonly programs = new Map<number, Program>();
  private streams = 0;
  private readonly out = new Uint8Array(2048);

  constructor(options: Partial<LocalFlowsOptions> = {}) {
    const random = new Random(7);
    this.flows = new LocalFlows({
      services: [WEB, DNS],
      listeners: LISTENERS,
      random: () => random.next(),
      hash: (bytes) => bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5),
      ...options,
    });
    this.flows.setLimit(() => 1300);
    for (const { id } of [WEB, DNS]) this.flows.registration(id, "registered", undefined, this.now);
  }

  register(id: string, state: "registered" | "denied" | "unavailable", reason?: string): void {
    this.flows.registration(id, state, reason, this.now);
    this.settle();
  }

  /** Connections that the far end has. */
  get fars(): readonly Far[] {
    return this.farEnd.fars;
  }

  get stack(): FarEnd["stack"] {
    return this.farEnd.stack;
  }

  /** What the far end does with connections from now on. */
  behave(far: FarBehaviour): void {
    this.farEnd.behaviour = far;
  }

  accept(listener: number, host = "127.0.0.1"): Program {
    const program = new Program(++this.streams);
    this.programs.set(program.stream, program);
    this.flows.handle({ type: "local-accepted", listener, stream: program.stream, host }, this.now);
    this.settle();
    return program;
  }

  say(program: Program, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
    this.flows.handle({ type: "stream-data", stream: program.stream, bytes }, this.now);
    this.settle();
    bytes.fill(0xa5);
  }

  end(program: Program): void {
    this.flows.handle({ type: "stream-ended", stream: program.stream }, this.now);
    this.settle();
  }

  breakOff(program: Program): void {
    this.flows.handle({ type: "stream-broken", stream: program.stream }, this.now);
    this.settle();
  }

  /** Its kernel takes so many more bytes. */
  drain(program: Program, room: number): void {
    program.room = room;
    this.flows.handle({ type: "stream-writable", stream: program.stream }, this.now);
    this.settle();
  }

  datagram(socket: number, from: { readonly host: string; readonly port: number }, bytes: Uint8Array): void {
    this.flows.handle({ type: "local-datagram", socket, from, bytes }, this.now);
    this.settle();
  }

  deliver(packet: Uint8Array): boolean {
    const known = this.flows.receive(packet, this.now);
    this.settle();
    return known;
  }

  /** Lets things happen for so long, or until nothing is left to happen. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (let step = 0; ; step++) {
      if (step > MAX_STEPS) throw new Error(`no end after ${MAX_STEPS} steps at ${this.now}`);
      this.settle();
      const next = earlier(this.flows.deadline(), this.stack.deadline());
      if (next === undefined || next > end) break;
      this.now = Math.max(this.now, next);
      if ((this.flows.deadline() ?? end) <= this.now) this.flows.timeout(this.now);
      this.stack.timeout(this.now);
    }
    this.now = end;
  }

  /** Everything that is due without any time passing. */
  settle(): void {
    for (let busy = true; busy; ) {
      busy = this.perform();
      if ((this.flows.deadline() ?? Number.POSITIVE_INFINITY) <= this.now) {
        this.flows.timeout(this.now);
        busy = true;
      }
      busy = this.toFar() || busy;
      busy = this.farEnd.run(this.now) || busy;
    }
  }

  private perform(): boolean {
    let busy = false;
    for (let output = this.flows.poll(); output !== undefined; output = this.flows.poll()) {
      busy = true;
      this.carryOut(output);
    }
    return busy;
  }

  private carryOut(output: LocalCommand | Notice): void {
    if (output.type === "notice") this.notices.push(output);
    else if (output.type === "local-datagram") this.datagrams.push({ ...output, bytes: output.bytes.slice() });
    else if (output.type === "local-udp-open" || output.type === "local-udp-close") this.sockets.push(output);
    else this.stream(output);
  }

  private stream(command: Extract<LocalCommand, { stream: number }>): void {
    const program = this.programs.get(command.stream);
    if (program === undefined || program.closed !== undefined) throw new Error(`${command.type} for a dead stream`);
    switch (command.type) {
      case "stream-write": {
        if (program.ended) throw new Error("written after its end");
        const count = Math.min(program.room, command.bytes.length);
        program.room -= count;
        if (count > 0) program.received.push(command.bytes.slice(0, count));
        this.flows.handle({ type: "stream-taken", stream: command.stream, count }, this.now);
        break;
      }
      case "stream-end":
        program.ended = true;
        break;
      case "stream-pause":
        program.reading = false;
        break;
      case "stream-resume":
        program.reading = true;
        break;
      case "stream-close":
        program.closed = command.reset ? "reset" : "graceful";
        break;
      case "stream-open":
        throw new Error("nobody opens streams here");
    }
  }

  private toFar(): boolean {
    let busy = false;
    for (;;) {
      const length = this.flows.transmit(this.out, 5, this.now);
      if (length === 0) return busy;
      busy = true;
      const packet = this.out.slice(5, 5 + length);
      if (checkIpv4(packet) !== undefined) throw new Error("damaged packet");
      if (this.connected && !this.loses()) this.arrive(packet);
    }
  }

  private arrive(packet: Uint8Array): void {
    const isTcp = ipv4Protocol(packet) === PROTOCOL_TCP;
    if (isTcp && this.farEnd.behaviour !== "silent") this.farEnd.receive(packet, this.now);
    else this.packets.push({ service: this.flows.service, bytes: packet });
  }
}

const MAX_STEPS = 200_000;
