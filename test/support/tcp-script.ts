// TCP conversations as scripts: one real connection, and a peer that is a list of segments in words, such as
// "PA 1:101 ack 1 win 65535". Flags are S F R P A, numbers count from each side's SYN, options follow: "mss 1200", "ws 7",
// "sackok", "sack 201-301,401-501", "ts 5/7". Every packet that leaves is checked, and no timer may be due twice at once.
import { expect } from "bun:test";
import { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionOptions } from "../../src/tcp/connection-options.ts";
import { newTcpStats } from "../../src/tcp/stats.ts";
import { checkIpv4 } from "../../src/wire/ipv4.ts";
import * as tcp from "../../src/wire/tcp.ts";
import { readTcpOptions, TcpOptions, tcpOptionsLength, writeTcpOptions } from "../../src/wire/tcp-options.ts";

export const FLOW = { source: 0x0a640002, sourcePort: 80, destination: 0x64400001, destinationPort: 50_000 };
/** Both wrap soon, so that every script crosses the end of the sequence numbers. */
export const OURS = 0xffff_ffc0;
export const THEIRS = 0xffff_ff00;
export const RTT_MS = 20;

export class TcpScript {
  readonly connection: Connection;
  readonly stats = newTcpStats();
  now = 1_000.25;
  private written = 0;
  private readonly mss: number;

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.mss = options.mss ?? 1_000;
    this.connection = new Connection({
      ...{ flow: FLOW, mss: this.mss, initialSequence: OURS, timestampOffset: 0, timestamps: false, stats: this.stats },
      ...options,
    });
  }

  /** A connection that the peer opened, RTT_MS away; `syn` and `window` are the peer's. */
  static established(options: Partial<ConnectionOptions> = {}, syn = "mss 1000 sackok", window = 65_535): TcpScript {
    const script = new TcpScript(options);
    script.connection.hold(segment(`S 0 win ${window} ${syn}`), 0, script.now);
    script.connection.accept();
    expect(script.out()).toHaveLength(1);
    const stamp = options.timestamps && /ts (\d+)/.exec(syn);
    script.pass(RTT_MS).in(`A 1 ack 1 win ${window}${stamp ? ` ts ${stamp[1]}/1000` : ""}`);
    expect(script.events()).toEqual(["established"]);
    return script;
  }

  in(...segments: string[]): this {
    for (const text of segments) this.connection.receive(segment(text), 0, this.now);
    return this;
  }

  /** Everything that leaves now. */
  out(): string[] {
    const packets: string[] = [];
    const buffer = new Uint8Array(4_096).fill(0xa5);
    for (;;) {
      const length = this.connection.transmit(buffer, 3, this.now);
      if (length === 0) return packets;
      packets.push(describe(buffer.slice(3, 3 + length), this.mss));
      if (packets.length > 10_000) throw new Error("it never stops sending");
    }
  }

  events(): string[] {
    const events: string[] = [];
    for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll()) events.push(event);
    return events;
  }

  /** Writes so many bytes of our stream; returns how many were taken. */
  write(length: number): number {
    const taken = this.connection.write(streamBytes(this.written + 1, length), "lent", this.now);
    this.written += taken;
    return taken;
  }

  /** Reads and consumes everything, and checks that it is the peer's stream. Returns how much it was. */
  read(from: number): number {
    let position = from;
    for (let view = this.connection.read(); view.length > 0; view = this.connection.read()) {
      expect(view).toEqual(streamBytes(position, view.length));
      position += view.length;
      this.connection.consumed(view.length);
    }
    return position - from;
  }

  close(): this {
    this.connection.close(this.now);
    return this;
  }

  /** Time passes; timers that become due fire on time. */
  pass(ms: number): this {
    const until = this.now + ms;
    for (let at = this.connection.deadline(); at !== undefined && at <= until; at = this.connection.deadline()) {
      this.now = Math.max(at, this.now);
      this.connection.handleTimeout(this.now);
      const next = this.connection.deadline();
      if (next !== undefined) expect(next).toBeGreaterThan(this.now);
    }
    this.now = until;
    return this;
  }

  /** Lets time pass to the next deadline, and says how long that was. */
  passToDeadline(): number {
    const at = this.connection.deadline();
    if (at === undefined) throw new Error("there is no deadline");
    const ms = at - this.now;
    this.pass(ms);
    return ms;
  }

  /** In whole milliseconds from now. */
  get deadlineIn(): number | undefined {
    const at = this.connection.deadline();
    return at === undefined ? undefined : Math.round(at - this.now);
  }
}

/** Each position has its own byte, so that misplaced data is seen. */
export function streamBytes(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((position + i) * 31 + ((position + i) >> 8)) & 0xff);
}

/** A segment of the peer. */
export function segment(text: string): Uint8Array {
  const [flagText, range, ...rest] = text.split(" ") as [string, string, ...string[]];
  const flags = [...flagText].reduce((bits, letter) => bits | FLAG_BITS[letter]!, 0);
  const [start, end = start] = range.split(":").map(Number) as [number, number?];
  const words = new Map<string, string>();
  rest.forEach((word, i) => {
    if (/^[a-z]/.test(word)) words.set(word, rest[i + 1] ?? "");
  });
  const options = optionsOf(words);
  const bytes = new Uint8Array(tcpOptionsLength(options));
  writeTcpOptions(bytes, 0, options);
  const ack = words.get("ack");
  return tcp.encodeTcp({
    ...{ source: FLOW.destination, sourcePort: FLOW.destinationPort },
    ...{ destination: FLOW.source, destinationPort: FLOW.sourcePort },
    sequence: (THEIRS + start) >>> 0,
    acknowledgement: ack === undefined ? 0 : (OURS + Number(ack)) >>> 0,
    flags,
    window: Number(words.get("win") ?? 65_535),
    options: bytes,
    payload: streamBytes(start, end - start),
  });
}

function optionsOf(words: ReadonlyMap<string, string>): TcpOptions {
  const options = new TcpOptions();
  options.mss = Number(words.get("mss") ?? 0);
  options.windowScale = Number(words.get("ws") ?? -1);
  options.sackPermitted = words.has("sackok");
  for (const block of words.get("sack")?.split(",") ?? []) {
    const [left, right] = block.split("-").map((position) => (OURS + Number(position)) >>> 0) as [number, number];
    options.addSackBlock(left, right);
  }
  const timestamps = words.get("ts")?.split("/").map(Number);
  if (timestamps !== undefined) {
    options.hasTimestamps = true;
    [options.timestamp, options.timestampEcho] = timestamps as [number, number];
  }
  return options;
}

function describe(packet: Uint8Array, mss: number): string {
  expect(checkIpv4(packet)).toBeUndefined();
  expect(tcp.checkTcp(packet)).toBeUndefined();
  expect(packet.length).toBeLessThanOrEqual(mss + tcp.HEADERS_LENGTH);
  const flags = tcp.tcpFlags(packet);
  const letters = Object.entries(FLAG_BITS).filter(([, bit]) => (flags & bit) !== 0);
  const start = (tcp.tcpSequence(packet) - OURS) >>> 0;
  const payload = packet.subarray(tcp.tcpPayloadStart(packet));
  expect(payload).toEqual(streamBytes(start, payload.length));
  const parts = [
    letters.map(([letter]) => letter).join(""),
    payload.length === 0 ? start : `${start}:${start + payload.length}`,
  ];
  if ((flags & tcp.TCP_ACK) !== 0) parts.push("ack", (tcp.tcpAcknowledgement(packet) - THEIRS) >>> 0);
  parts.push("win", tcp.tcpWindow(packet));
  const options = new TcpOptions();
  readTcpOptions(packet, 0, options);
  if (options.mss > 0) parts.push("mss", options.mss);
  if (options.windowScale >= 0) parts.push("ws", options.windowScale);
  if (options.sackPermitted) parts.push("sackok");
  if (options.sackBlocks > 0) parts.push("sack", blocksOf(options));
  if (options.hasTimestamps) parts.push("ts", `${options.timestamp}/${options.timestampEcho}`);
  return parts.join(" ");
}

function blocksOf(options: TcpOptions): string {
  const at = (index: number) => (options.sackEdges[index]! - THEIRS) >>> 0;
  return Array.from({ length: options.sackBlocks }, (_, i) => `${at(i * 2)}-${at(i * 2 + 1)}`).join(",");
}

const FLAG_BITS: Record<string, number> = {
  ...{ S: tcp.TCP_SYN, F: tcp.TCP_FIN, R: tcp.TCP_RST, P: tcp.TCP_PSH, A: tcp.TCP_ACK },
};
