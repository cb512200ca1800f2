// Our agent without a TUN device, for simulations, and one local program that connects to its first listener: keeps what
// the program reads, and writes for it whenever the agent reads.
import { Agent, type AgentOutput } from "../../src/agent/agent.ts";
import { LocalFlows } from "../../src/agent/local-flows.ts";
import type { Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import type { StreamCommand, StreamEvent } from "../../src/tunnel/stream.ts";
import { concatenated } from "./plain-tcp.ts";

export interface RootlessAgentOptions {
  readonly service: { readonly id: string; readonly virtualIp: number };
  readonly port: number;
  readonly random: () => number;
}

export class RootlessAgentHost {
  readonly agent: Agent;
  /** The agent has said that the other side will write no more. */
  ended = false;
  closed: "reset" | "graceful" | undefined;
  private readonly received: Uint8Array[] = [];
  /** For the agent, once it has been polled to the end. */
  private readonly events: StreamEvent[] = [];
  private readonly unread: Uint8Array[] = [];
  private finishing = false;
  private reading = false;
  private now: Millis = 0;

  constructor({ service, port, random }: RootlessAgentOptions) {
    const listeners = [{ type: "forward", service: service.id, port }] as const;
    const local = new LocalFlows({ services: [service], listeners, random, hash: sum });
    this.agent = new Agent({ services: [service], random, room: () => ROOM, local });
  }

  /** What the program has read. */
  get bytes(): Uint8Array {
    return concatenated(this.received);
  }

  open(now: Millis): void {
    this.agent.handle({ type: "local-accepted", listener: 0, stream: STREAM, host: "127.0.0.1" }, now);
  }

  write(bytes: Uint8Array, now: Millis): void {
    this.unread.push(bytes);
    this.say(now);
  }

  /** The program writes no more. */
  finish(now: Millis): void {
    this.finishing = true;
    this.say(now);
  }

  /** The program is gone. */
  breakOff(now: Millis): void {
    this.agent.handle({ type: "stream-broken", stream: STREAM }, now);
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    this.now = now;
    this.agent.handle(input, now);
  }

  poll(): PeerCommand | Dial | Notice | Fatal | undefined {
    for (;;) {
      const output = this.agent.poll();
      const event = output === undefined ? this.events.shift() : undefined;
      if (event !== undefined) this.agent.handle(event, this.now);
      else if (output === undefined || !isLocal(output)) return output;
      else if ("stream" in output) this.perform(output);
    }
  }

  deadline(): Millis | undefined {
    return this.agent.deadline();
  }

  private perform(command: StreamCommand): void {
    switch (command.type) {
      case "stream-write":
        this.received.push(command.bytes.slice());
        this.events.push({ type: "stream-taken", stream: STREAM, count: command.bytes.length });
        break;
      case "stream-end":
        this.ended = true;
        break;
      case "stream-pause":
        this.reading = false;
        break;
      case "stream-resume":
        this.reading = true;
        this.say(this.now);
        break;
      case "stream-close":
        this.closed = command.reset ? "reset" : "graceful";
        break;
      case "stream-open":
        throw new Error("an agent opens no streams");
    }
  }

  /** As much as the agent reads. */
  private say(now: Millis): void {
    this.now = now;
    if (!this.reading) return;
    for (const bytes of this.unread.splice(0)) this.events.push({ type: "stream-data", stream: STREAM, bytes });
    if (this.finishing) this.events.push({ type: "stream-ended", stream: STREAM });
    this.finishing = false;
  }
}

/** Keyed hashes keep strangers from guessing; there are none here. */
function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => Math.imul(total ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

function isLocal(output: AgentOutput): output is Exclude<AgentOutput, PeerCommand | Dial | Notice | Fatal> {
  return "stream" in output || "socket" in output || output.type === "tun-write" || output.type === "tun-mtu";
}

const STREAM = -1;
const ROOM = 64;
