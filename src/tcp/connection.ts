// One TCP connection (RFC 9293): packets of the peer and bytes of the application in, packets and bytes out. It has no
// clock and no socket: after any call, ask poll() for events and transmit() for packets until there are none, then
// deadline() for when to call handleTimeout().
import { earlier, type Millis } from "../core/machine.ts";
import { Challenges } from "./challenges.ts";
import { type ConnectionOptions, type ConnectionSettings, DEFAULT_LIMITS } from "./connection-options.ts";
import { PendingEvents, type TcpEvent } from "./events.ts";
import { Handshake } from "./handshake.ts";
import { KeepaliveTimer } from "./keepalive-timer.ts";
import { Output } from "./output.ts";
import { PagePool } from "./page-pool.ts";
import { Receiver } from "./receiver.ts";
import { Segment } from "./segment.ts";
import type { Ownership } from "./send-buffer.ts";
import type { SendSpace } from "./send-space.ts";
import { Sender } from "./sender.ts";
import { toPosition, toWire } from "./sequence.ts";
import { AFTER_CLOSE, AFTER_FIN_ACKNOWLEDGED, AFTER_PEER_CLOSED, type TcpState } from "./states.ts";
import { newTcpStats, type TcpStats } from "./stats.ts";
import { TimeWait } from "./time-wait.ts";
import { Timestamps } from "./timestamps.ts";

export class Connection {
  private current: TcpState = "closed";
  private readonly settings: ConnectionSettings;
  private readonly stats: TcpStats;
  private readonly sender: Sender;
  private readonly space: SendSpace;
  private readonly receiver: Receiver;
  private readonly handshake: Handshake;
  private readonly timestamps: Timestamps;
  private readonly keepalive: KeepaliveTimer;
  private readonly timeWait: TimeWait;
  private readonly output: Output;
  private readonly events = new PendingEvents();
  private readonly challenges: Challenges;
  private mss: number;
  private wantsRoom = false;

  constructor(options: ConnectionOptions) {
    const { stats = newTcpStats(), pages = new PagePool(0) } = options;
    this.stats = stats;
    this.settings = { ...DEFAULT_LIMITS, ...options, stats, pages };
    this.challenges = new Challenges(this.stats);
    this.mss = options.mss;
    this.sender = new Sender(this.settings);
    this.space = this.sender.space;
    this.receiver = new Receiver(this.settings);
    this.handshake = new Handshake(this.settings);
    this.timestamps = new Timestamps(options.timestampOffset);
    this.keepalive = new KeepaliveTimer(this.settings.keepalive);
    this.timeWait = new TimeWait(this.settings.timeWaitMs);
    const { sender, receiver, handshake, timestamps, keepalive } = this;
    this.output = new Output(this.settings, { sender, receiver, handshake, timestamps, keepalive });
  }

  get state(): TcpState {
    return this.current;
  }

  /** Bytes that were received in order and not consumed. They can be read after the end, too, unless it was a reset. */
  get readable(): number {
    return this.receiver.buffer.readable;
  }

  /** Bytes that write() would take. */
  get writable(): number {
    return this.mayWrite ? this.space.buffer.room : 0;
  }

  /** Bytes that were written and that the peer has not acknowledged. */
  get unacknowledged(): number {
    return this.space.buffer.length;
  }

  /** Active open. */
  connect(): void {
    this.current = "syn-sent";
  }

  /** Passive open: takes the SYN and says nothing until accept(), or abort(), which refuses. No timer runs meanwhile. */
  hold(bytes: Uint8Array, offset: number, now: Millis): void {
    INCOMING.read(bytes, offset);
    this.learnSyn(INCOMING, now);
    this.current = "held";
  }

  /** What the held SYN asked for stands: answer it. */
  accept(): void {
    if (this.current === "held") this.current = "syn-received";
  }

  /**
   * An inner packet of this flow that checkIpv4 and checkTcp accepted. Its payload is copied, the packet is the
   * caller's again.
   */
  receive(bytes: Uint8Array, offset: number, now: Millis): void {
    const segment = INCOMING;
    segment.read(bytes, offset);
    this.stats.segmentsReceived += 1;
    if (this.current === "closed") return;
    if (this.current === "held") this.receiveHeld(segment);
    else if (this.current === "syn-sent") this.receiveInSynSent(segment, now);
    else this.receiveSynchronized(segment, bytes, now);
  }

  /** Returns how many bytes it took; "writable" comes when that were not all and there is room again. */
  write(bytes: Uint8Array, ownership: Ownership, now: Millis): number {
    if (!this.mayWrite) return 0;
    const taken = this.sender.write(bytes, ownership, now);
    this.wantsRoom = taken < bytes.length;
    return taken;
  }

  /**
   * What was received behind the first `skip` bytes that are not consumed, as far as it lies together: empty when
   * there is none. The view stays valid until its bytes are consumed.
   */
  read(skip = 0): Uint8Array {
    return this.receiver.buffer.view(skip);
  }

  /** So many of the bytes that were read have really been taken: the peer may send as many more. */
  consumed(count: number): void {
    this.receiver.consumed(count, this.mss);
  }

  /** No more will be written. What was written still arrives; reading goes on until the peer closes, too. */
  close(now: Millis): void {
    const next = AFTER_CLOSE[this.current];
    if (next === undefined) return;
    this.sender.finish(now);
    this.current = next;
  }

  /** Ends at once: the peer gets a reset, the owner no event. */
  abort(): void {
    if (this.current === "held") this.output.reset(0, true);
    else if (this.current !== "closed" && this.current !== "syn-sent" && this.current !== "time-wait") {
      this.output.reset(toWire(this.space.nxt, this.settings.initialSequence), true);
    }
    this.receiver.buffer.clear();
    this.stop();
  }

  /** The path carries larger or smaller packets from now on. */
  setMss(mss: number): void {
    this.mss = mss;
    this.sender.setMss(this.segmentSize);
  }

  /** The path works again after an interruption that the owner knows about. */
  pathRestored(now: Millis): void {
    this.sender.pathRestored(now);
  }

  /**
   * Whether this packet begins a new connection that may take the place of this one, which only remembers its end
   * (RFC 6191, RFC 1122 section 4.2.2.13).
   */
  mayBeReplacedBy(bytes: Uint8Array, offset = 0): boolean {
    if (this.current !== "time-wait" && this.current !== "closed") return false;
    const segment = INCOMING;
    segment.read(bytes, offset);
    if (!segment.isSyn || segment.isAck || segment.isRst) return false;
    if (this.current === "closed" || this.timestamps.isNewer(segment.options)) return true;
    return this.positionOf(segment) > this.receiver.next;
  }

  /** Writes the next packet at `offset` and returns its length; 0 when there is none to send. */
  transmit(out: Uint8Array, offset: number, now: Millis): number {
    if (this.current === "closed" || this.current === "held") return this.output.transmitReset(out, offset);
    return this.output.transmit(out, offset, this.mss, this.current !== "syn-sent", now);
  }

  poll(): TcpEvent | undefined {
    return this.events.shift();
  }

  deadline(): Millis | undefined {
    const ours = earlier(this.sender.deadline, this.giveUpAt);
    return earlier(earlier(ours, this.receiver.acks.at), earlier(this.timeWait.at, this.keepalive.at));
  }

  handleTimeout(now: Millis): void {
    if (this.current === "closed" || this.current === "held") return;
    if (this.timeWait.isOver(now)) return this.end("closed");
    const { giveUpAt } = this;
    const idle = giveUpAt === undefined;
    if ((giveUpAt !== undefined && now >= giveUpAt) || this.keepalive.handleTimeout(now, idle)) return this.giveUp();
    this.receiver.acks.handleTimeout(now);
    this.sender.handleTimeout(now);
  }

  private get mayWrite(): boolean {
    return this.space.finAt === undefined && this.current !== "closed" && this.current !== "time-wait";
  }

  private get giveUpAt(): Millis | undefined {
    if (!this.sender.waiting) return undefined;
    const limit = this.space.una === 0 ? this.settings.handshakeTimeoutMs : this.settings.userTimeoutMs;
    return this.sender.lastProgress + limit;
  }

  /** Bytes for one segment with no options but timestamps. */
  private get segmentSize(): number {
    return Math.min(this.mss, this.handshake.peerMss) - (this.timestamps.agreed ? TIMESTAMPS_LENGTH : 0);
  }

  private positionOf(segment: Segment): number {
    return toPosition(segment.sequence, this.receiver.initial, this.receiver.next);
  }

  private receiveHeld(segment: Segment): void {
    if (segment.isRst && this.positionOf(segment) === this.receiver.next) this.resetByPeer();
  }

  /** RFC 9293 section 3.10.7.3. */
  private receiveInSynSent(segment: Segment, now: Millis): void {
    const position = toPosition(segment.acknowledgement, this.settings.initialSequence, this.space.una);
    const acknowledges = segment.isAck && position > 0 && position <= this.space.nxt;
    if (segment.isAck && !acknowledges) {
      this.stats.unacceptable += 1;
      if (!segment.isRst) this.output.reset(segment.acknowledgement, false);
      return;
    }
    if (segment.isRst) {
      if (acknowledges) this.resetByPeer();
      return;
    }
    if (!segment.isSyn) return;
    this.learnSyn(segment, now);
    if (acknowledges) {
      // The reference's connector answers so, and acknowledges payload beside a FIN without delivering it.
      this.space.finAlone = this.handshake.peerIsPlain;
      this.acknowledge(segment, position, 0, now);
      this.receiver.acks.now();
      this.establish(now);
      return;
    }
    this.current = "syn-received"; // both opened at the same time
    this.sender.repeatSyn();
  }

  private learnSyn(segment: Segment, now: Millis): void {
    this.receiver.initial = segment.sequence;
    this.handshake.learn(segment.options);
    this.space.peer.shift = this.handshake.peerShift;
    this.receiver.selective = this.handshake.selective;
    this.receiver.window.shift = this.handshake.scaling ? this.handshake.shift : 0;
    this.timestamps.agreed = this.handshake.timestamps;
    if (this.timestamps.agreed) this.timestamps.note(segment.options, now);
  }

  private establish(now: Millis): void {
    const { handshake, space } = this;
    this.sender.begin(this.segmentSize, handshake.selective);
    this.keepalive.heard(now);
    this.current = space.finAt === undefined ? "established" : "fin-wait-1";
    this.events.add("established");
  }

  /** RFC 9293 section 3.10.7.4, with the checks of RFC 5961 and RFC 7323. */
  private receiveSynchronized(segment: Segment, bytes: Uint8Array, now: Millis): void {
    let position = this.positionOf(segment);
    if (this.current === "syn-received" && segment.isSyn && position === 0) {
      if (!segment.isAck) return this.challenges.allow(now) ? this.sender.repeatSyn() : undefined;
      segment.isSyn = false; // both opened at the same time, and this is the answer to ours
      position = 1;
    }
    if (segment.isRst) return this.receiveReset(position, now);
    if (this.timestamps.agreed && !this.timestamps.accepts(segment.options, now)) {
      this.stats.outdated += 1;
      if (segment.options.hasTimestamps && segment.length > 0) this.refuse(segment, position, now);
      return;
    }
    if (!this.receiver.accepts(position, segment.length)) return this.refuse(segment, position, now);
    if (segment.isSyn) return this.challenge(now);
    if (!segment.isAck || !this.acceptAcknowledgement(segment, position, now)) return;
    this.keepalive.heard(now);
    if (this.timestamps.agreed && position <= this.receiver.ackSent) this.timestamps.note(segment.options, now);
    if (segment.payloadLength > 0 || segment.isFin) this.takeStream(segment, position, bytes, now);
  }

  /** Of nothing that is new: the peer may not have heard our acknowledgement, or somebody guesses. */
  private refuse(segment: Segment, position: number, now: Millis): void {
    this.stats.unacceptable += 1;
    if (segment.isFin) this.timeWait.repeated(now);
    if (segment.payloadLength > 0 && this.receiver.isRecent(position))
      this.receiver.duplicate(position, segment.payloadLength);
    else this.challenge(now);
  }

  /** RFC 5961: only the very next sequence number resets; one within the window makes us ask the peer. */
  private receiveReset(position: number, now: Millis): void {
    const { next, window } = this.receiver;
    if (position === next) {
      if (this.current !== "time-wait") this.resetByPeer(); // RFC 1337
    } else if (position > next && position < window.edge) this.challenge(now);
    else this.stats.unacceptable += 1;
  }

  private challenge(now: Millis): void {
    if (this.challenges.allow(now)) this.receiver.acks.now();
  }

  /** Returns whether the segment's bytes may be looked at. */
  private acceptAcknowledgement(segment: Segment, sequence: number, now: Millis): boolean {
    const { space } = this;
    const position = toPosition(segment.acknowledgement, this.settings.initialSequence, space.una);
    const opening = this.current === "syn-received";
    const oldest = opening ? 1 : space.una - space.peer.largest;
    if (position < oldest || position > space.nxt) {
      this.stats.unacceptable += 1;
      if (opening) this.output.reset(segment.acknowledgement, false);
      else this.challenge(now);
      return false;
    }
    this.acknowledge(segment, position, sequence, now);
    if (opening) this.establish(now);
    if (space.finAcknowledged) this.proceed(AFTER_FIN_ACKNOWLEDGED[this.current], now);
    return this.current !== "closed";
  }

  private acknowledge(segment: Segment, position: number, sequence: number, now: Millis): void {
    const echoedRtt = this.timestamps.roundTrip(segment.options, now);
    this.sender.acknowledge(position, sequence, segment, echoedRtt, now);
    const { room, limit } = this.space.buffer;
    if (!this.wantsRoom || room * WORTH_WAKING < limit) return;
    this.wantsRoom = false;
    this.events.add("writable");
  }

  /** A step of both ends' farewell. */
  private proceed(next: TcpState | undefined, now: Millis): void {
    if (next === "closed") return this.end("closed");
    this.current = next ?? this.current;
    if (next !== "time-wait") return;
    this.timeWait.begin(now);
    this.sender.stop();
    this.keepalive.stop();
  }

  private takeStream(segment: Segment, position: number, bytes: Uint8Array, now: Millis): void {
    const { receiver } = this;
    if (receiver.finished) return;
    const before = receiver.buffer.next;
    receiver.take(position, bytes, segment.payloadStart, segment.payloadEnd, segment.isFin, now);
    if (receiver.buffer.next > before) {
      this.events.add("readable");
      receiver.arrived(receiver.buffer.next - before, this.timestamps.roundTrip(segment.options, now), now);
    }
    if (!receiver.finished) return;
    this.events.add("remote-closed");
    this.proceed(AFTER_PEER_CLOSED[this.current], now);
  }

  private resetByPeer(): void {
    this.stats.resetsReceived += 1;
    if (this.lacksOnlyFin) return this.end("closed");
    this.receiver.buffer.clear();
    this.end("reset");
  }

  /** Both sides have sent everything, and the peer has everything but our FIN: if it is gone, nothing is lost. */
  private get lacksOnlyFin(): boolean {
    return this.receiver.finished && this.space.una === this.space.finAt;
  }

  /** The peer does not answer any more. */
  private giveUp(): void {
    if (this.lacksOnlyFin) return this.end("closed");
    if (this.current !== "syn-sent") this.output.reset(toWire(this.space.nxt, this.settings.initialSequence), true);
    this.receiver.buffer.clear();
    this.end("timed-out");
  }

  private end(event: "closed" | "reset" | "timed-out"): void {
    this.stop();
    this.events.add(event);
  }

  private stop(): void {
    this.current = "closed";
    this.sender.stop();
    this.receiver.acks.stop();
    this.keepalive.stop();
    this.timeWait.at = undefined;
  }
}

/** One for all connections: nothing of it outlasts a call. */
const INCOMING = new Segment();

const TIMESTAMPS_LENGTH = 12;
/** A writer is woken for a quarter of the buffer. */
const WORTH_WAKING = 4;
