// The model of the reference's connector with a server behind it, for simulations: what the server reads is kept, and a
// request ends with a newline and is answered in reads of a size that the test chooses.
import { earlier, type Millis } from "../../src/core/machine.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { concatenated } from "./plain-tcp.ts";
import { ReferenceConnector } from "./reference-connector.ts";

export interface ServerAnswer {
  readonly bytes: Uint8Array;
  /** The server closes afterwards. */
  readonly close: boolean;
}

export interface ReferenceServer {
  /** "refuses" its connections, or takes them. */
  readonly refuses?: boolean;
  /** How many bytes one read of its socket brings. */
  readonly readBytes?: number;
  /** To what it has read so far, whenever that grew. */
  readonly answer?: (read: string) => ServerAnswer | undefined;
}

export class ReferenceConnectorHost {
  readonly connector: ReferenceConnector;
  /** What each connection of the server has read, and how many there were. */
  readonly read: Uint8Array[][] = [];
  readonly closed: number[] = [];
  private readonly server: ReferenceServer;
  private readonly due: { readonly at: Millis; readonly action: () => void }[] = [];
  private now: Millis = 0;

  constructor(service: string, random: () => number, server: ReferenceServer) {
    this.server = server;
    this.connector = new ReferenceConnector({
      service,
      initialSequence: () => Math.floor(random() * 2 ** 32),
      // The backend echoes what it gets.
      sendUdp: (payload) => {
        const answer = payload.slice();
        this.after(1, () => this.connector.udpAnswered(answer, BACKEND, this.now));
      },
      streams: {
        connect: (flow) => this.after(1, () => this.connect(flow)),
        write: (flow, bytes) => this.write(flow, bytes),
        shutdown: () => {},
        close: (flow) => void this.closed.push(flow),
      },
    });
  }

  readBy(flow: number): Uint8Array {
    return concatenated(this.read[flow] ?? []);
  }

  handle(event: PeerEvent | DialEvent | { readonly type: "timeout" }, now: Millis): void {
    this.now = now;
    while (this.due[0] !== undefined && this.due[0].at <= now) this.due.shift()!.action();
    this.connector.handle(event, now);
  }

  poll(): PeerCommand | Dial | undefined {
    return this.connector.poll();
  }

  deadline(): Millis | undefined {
    return earlier(this.connector.deadline(), this.due[0]?.at);
  }

  private connect(flow: number): void {
    if (this.server.refuses === true) return this.connector.tcp.refused(flow);
    this.read[flow] = [];
    this.connector.tcp.connected(flow);
  }

  private write(flow: number, bytes: Uint8Array): number {
    this.read[flow]!.push(bytes.slice());
    const answer = this.server.answer?.(Buffer.from(this.readBy(flow)).toString());
    if (answer === undefined) return bytes.length;
    const { readBytes = 1000 } = this.server;
    let wait = 1;
    for (let at = 0; at < answer.bytes.length; at += readBytes) {
      const block = answer.bytes.subarray(at, at + readBytes);
      this.after(wait++, () => this.connector.tcp.received(flow, block));
    }
    if (answer.close) this.after(wait, () => this.connector.tcp.ended(flow));
    return bytes.length;
  }

  private after(ms: Millis, action: () => void): void {
    const at = this.now + ms;
    const index = this.due.findLastIndex((entry) => entry.at <= at);
    this.due.splice(index + 1, 0, { at, action });
  }
}

const BACKEND = { address: 0x7f00_0001, port: 9999 };
