// An agent whose programs speak TCP through a running relay and connector: connections of ours on a real uplink in the
// test's own process.
import type { Millis } from "../../src/core/machine.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import type { ConnectionOptions } from "../../src/tcp/connection-options.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import { checkIpv4, ipv4Protocol, PROTOCOL_TCP } from "../../src/wire/ipv4.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { AgentTcp } from "./agent-tcp.ts";
import { LiveEnd, type LiveEndOptions } from "./live-end.ts";

export interface LiveTcpOptions extends Pick<LiveEndOptions, "credential" | "relay"> {
  readonly service: string;
  /** The service's virtual address. */
  readonly address: string;
  readonly source?: string;
}

export class LiveTcp implements Disposable {
  readonly #options: LiveTcpOptions;
  readonly #programs: AgentTcp[] = [];
  #waiters: (() => void)[] = [];
  #end: LiveEnd | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  #port = 20_000 + Math.floor(Math.random() * 20_000);

  /** Resolves when it is registered. */
  static async open(options: LiveTcpOptions): Promise<LiveTcp> {
    const agent = new LiveTcp(options);
    const { credential, relay, service } = options;
    const received = (inner: Uint8Array, now: Millis) => agent.#received(inner, now);
    agent.#end = await LiveEnd.open({ role: "agent", services: [service], credential, relay, received });
    return agent;
  }

  private constructor(options: LiveTcpOptions) {
    this.#options = options;
  }

  get end(): LiveEnd {
    return this.#end!;
  }

  /** A program dials; the SYN leaves with the next turn of the loop. */
  dial(port: number, options: Partial<ConnectionOptions> = {}): AgentTcp {
    const { service, address, source = "100.64.0.1" } = this.#options;
    const flow = {
      source: parseIpv4(source)!,
      sourcePort: this.#port++,
      destination: parseIpv4(address)!,
      destinationPort: port,
    };
    const mss = this.end.uplink.maxDatagram - 2 - service.length - 40;
    const program = new AgentTcp(flow, monotonicClock.now(), { mss, ...options });
    this.#programs.push(program);
    this.wake();
    return program;
  }

  /** Something was done to a connection. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Resolves once the condition holds, looked at whenever something came. */
  async until(holds: () => boolean, what: string, timeoutMs = 20_000): Promise<Millis> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
    try {
      while (!holds()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiters.push(resolve);
        await Promise.race([promise, late.promise]);
      }
      return monotonicClock.now();
    } finally {
      clearTimeout(timer);
      late.promise.catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#end?.[Symbol.dispose]();
  }

  #received(inner: Uint8Array, now: Millis): undefined {
    if (checkIpv4(inner) !== undefined || ipv4Protocol(inner) !== PROTOCOL_TCP) return;
    this.#programs.find((program) => program.owns(inner))?.receive(inner, now);
    this.wake();
  }

  #flush(): void {
    this.#scheduled = false;
    const now = monotonicClock.now();
    let due = Number.POSITIVE_INFINITY;
    for (const program of this.#programs) {
      if ((program.connection.deadline() ?? due) <= now) program.timeout(now);
      for (const packet of program.packets(now)) this.end.send(encodeRouted(this.#options.service, packet));
      due = Math.min(due, program.connection.deadline() ?? due);
    }
    clearTimeout(this.#timer);
    if (due < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.wake(), Math.max(0, Math.ceil(due - now)));
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
