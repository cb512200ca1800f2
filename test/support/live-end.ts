// A client of a running relay that stays: an uplink on a real socket in the test's own process, which reconnects as the
// product's roles do. What it carries is its owner's business.
import type { Millis, Timeout } from "../../src/core/machine.ts";
import type { Role } from "../../src/identity/grant.ts";
import { Endpoint } from "../../src/quic/endpoint.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { Driver } from "../../src/runtime/driver.ts";
import { openUdp } from "../../src/runtime/open-udp.ts";
import { RelayDialler } from "../../src/runtime/relay-dialler.ts";
import { Resolver } from "../../src/runtime/resolver.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerEvent } from "../../src/tunnel/peer.ts";
import { Uplink } from "../../src/tunnel/uplink.ts";
import { pem } from "./endpoint-hosts.ts";
import { type TestCredential, testPki } from "./pki.ts";

export interface LiveEndOptions {
  readonly role: Role;
  readonly services: readonly string[];
  readonly credential: TestCredential;
  readonly relay: { readonly host?: string; readonly port: number };
  /** Where sockets are made; default: here. Called once, and nothing in it waits. */
  readonly enter?: <T>(body: () => T) => T;
  /** An inner packet, borrowed. What is returned is sent back. */
  readonly received: (inner: Uint8Array, now: Millis) => Uint8Array | undefined;
}

interface Waiter {
  readonly matches: (event: LiveEvent) => boolean;
  readonly resolve: (event: LiveEvent) => void;
  readonly reject: (error: Error) => void;
}

/** What became of its connections and registrations, and when. */
export interface LiveEvent {
  readonly at: Millis;
  readonly event: Notice | Extract<PeerEvent, { type: "disconnected" }>;
}

type Input = DialEvent | { readonly type: "outgoing"; readonly bytes: Uint8Array };

export class LiveEnd implements Disposable {
  readonly events: LiveEvent[] = [];
  readonly uplink: Uplink;
  readonly #options: LiveEndOptions;
  readonly #driver: Driver<Input, Dial | Notice | Fatal>;
  readonly #endpoint: Endpoint;
  readonly #waiters = new Set<Waiter>();
  #socket: UdpSocket | undefined;
  #dialler: RelayDialler | undefined;

  /** Resolves when every service is registered. */
  static async open(options: LiveEndOptions): Promise<LiveEnd> {
    const { ca } = await testPki();
    const end = new LiveEnd(options, ca);
    const { enter = (body) => body() } = options;
    const opening = enter(() => openUdp([{ host: "0.0.0.0", port: 0 }], end.#driver, { io: "portable" }));
    const registered = Promise.all(options.services.map((service) => end.registered(service)));
    end.#attach((await opening).socket);
    try {
      await registered;
    } catch (error) {
      end[Symbol.dispose]();
      throw error;
    }
    return end;
  }

  private constructor(options: LiveEndOptions, ca: TestCredential) {
    this.#options = options;
    const { role, services, credential } = options;
    let dials = 0;
    this.uplink = new Uplink({ role, services, nextDial: () => ++dials, random: Math.random });
    const tls = { ca: pem(ca.certPem), certChain: pem(credential.certPem), key: pem(credential.keyPem) };
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const random = (bytes: Uint8Array) => void crypto.getRandomValues(bytes);
    const environment = { secret, random, rotationMs: 300_000, wallNow: () => Date.now() };
    this.#endpoint = new Endpoint({ client: { verifyPeer: true, tls }, ...environment }, monotonicClock.now());
    this.#driver = new Driver<Input, Dial | Notice | Fatal>({
      role: {
        handle: (input, now) => this.#handle(input, now),
        poll: () => this.uplink.poll(),
        deadline: () => this.uplink.deadline(),
      },
      endpoint: this.#endpoint,
      clock: monotonicClock,
      perform: (output) => this.#perform(output),
    });
  }

  send(bytes: Uint8Array): void {
    this.#driver.feed({ type: "outgoing", bytes });
  }

  /** The next registration of this service, or the first one not before `since`. */
  registered(service: string, since = monotonicClock.now(), timeoutMs = WAIT_MS): Promise<LiveEvent> {
    return this.event(
      ({ at, event }) =>
        at >= since && event.type === "notice" && event.event === "registered" && event.fields.service === service,
      timeoutMs,
    );
  }

  /** The first event that matches, also among those that came before. */
  event(matches: (event: LiveEvent) => boolean, timeoutMs = WAIT_MS): Promise<LiveEvent> {
    const known = this.events.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    const { promise, resolve, reject } = Promise.withResolvers<LiveEvent>();
    const waiter: Waiter = { matches, resolve, reject };
    const timer = setTimeout(() => {
      reject(new Error(`no such event within ${timeoutMs} ms; there were ${JSON.stringify(this.events)}`));
    }, timeoutMs);
    this.#waiters.add(waiter);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  /** Goes without a word, as a killed process does. */
  [Symbol.dispose](): void {
    this.#driver.stop();
    this.#socket?.close();
  }

  #attach(socket: UdpSocket): void {
    this.#socket = socket;
    const { host = "127.0.0.1", port } = this.#options.relay;
    const { now } = monotonicClock;
    const resolver = new Resolver({ freshMs: 0, now });
    const feed = (event: DialEvent) => this.#driver.feed(event);
    const names = ["ztna-server"];
    this.#dialler = new RelayDialler({ host, port, resolver, endpoint: this.#endpoint, socket, names, now, feed });
    this.#driver.attach(socket);
  }

  #handle(input: PeerEvent | Input | Timeout, now: Millis): void {
    if (input.type === "outgoing") this.uplink.send(input.bytes, now);
    else if (input.type === "datagram") this.#receive(input.peer, input.bytes, now);
    else {
      if (input.type === "disconnected") this.#happened(input, now);
      this.uplink.handle(input, now);
    }
  }

  #receive(peer: number, bytes: Uint8Array, now: Millis): void {
    if (peer !== this.uplink.peer) return;
    const inner = this.uplink.receive(bytes, now);
    const answer = inner && this.#options.received(inner, now);
    if (answer !== undefined) this.uplink.send(answer, now);
  }

  #perform(output: Dial | Notice | Fatal): void {
    if (output.type === "dial") void this.#dialler?.perform(output);
    else if (output.type === "notice") this.#happened(output, monotonicClock.now());
    else for (const { reject } of this.#waiters) reject(new Error(output.sentence));
  }

  #happened(event: LiveEvent["event"], at: Millis): void {
    const happened = { at, event };
    this.events.push(happened);
    for (const waiter of [...this.#waiters]) if (waiter.matches(happened)) waiter.resolve(happened);
  }
}

const WAIT_MS = 20_000;
