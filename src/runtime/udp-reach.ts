// Whether UDP reaches a QUIC server, and how large a packet may be on the way there. Nothing is fragmented.
import { encodeVersionProbe, versionAnswerId } from "../quic/version-probe.ts";
import { openLibc, setOption } from "./libc.ts";
import { SOL_IP, SOL_IPV6 } from "./receive-ring.ts";

export type UdpReach =
  | {
      readonly outcome: "answered";
      readonly rttMs: number;
      /** Of the sizes that were asked for, the largest one that got there, in bytes of UDP payload. */
      readonly largest: number;
    }
  /** The host says that nothing listens there. */
  | { readonly outcome: "refused" }
  | { readonly outcome: "silent" }
  /** The system does not even send. */
  | { readonly outcome: "unsendable"; readonly detail: string };

export interface ReachOptions {
  /** An IP literal. */
  readonly address: string;
  readonly port: number;
  /** Sizes to try beyond the smallest. */
  readonly sizes: readonly number[];
  readonly attempts?: number;
  readonly attemptMs?: number;
}

export async function udpReach(options: ReachOptions): Promise<UdpReach> {
  try {
    await using probe = await Probe.open(options);
    return await probe.run();
  } catch (error) {
    return { outcome: "unsendable", detail: error instanceof Error ? error.message : String(error) };
  }
}

class Probe implements AsyncDisposable {
  readonly #options: ReachOptions;
  readonly #sent = new Map<string, { readonly size: number; readonly at: number }>();
  #socket: Bun.udp.ConnectedSocket<"buffer"> | undefined;
  #largest = 0;
  #rttMs = Number.POSITIVE_INFINITY;
  #refused = false;
  #heard: () => void = () => {};

  private constructor(options: ReachOptions) {
    this.#options = options;
  }

  static async open(options: ReachOptions): Promise<Probe> {
    const probe = new Probe(options);
    const isIpv6 = options.address.includes(":");
    probe.#socket = await Bun.udpSocket({
      hostname: isIpv6 ? "::" : "0.0.0.0",
      connect: { hostname: options.address, port: options.port },
      socket: {
        data: (_socket, bytes) => probe.#receive(bytes),
        // On a connected socket: an ICMP error came back.
        error: () => {
          probe.#refused = true;
          probe.#heard();
        },
      },
    });
    probe.#forbidFragments(isIpv6);
    return probe;
  }

  async run(): Promise<UdpReach> {
    const { sizes, attempts = ATTEMPTS } = this.#options;
    for (let attempt = 0; attempt < attempts && this.#largest === 0 && !this.#refused; attempt++) {
      this.#send(SMALLEST);
      await this.#wait(() => this.#largest > 0 || this.#refused);
    }
    if (this.#largest === 0) return { outcome: this.#refused ? "refused" : "silent" };
    const most = Math.max(...sizes, SMALLEST);
    for (let attempt = 0; attempt < attempts && this.#largest < most; attempt++) {
      for (const size of sizes) if (size > this.#largest) this.#send(size);
      await this.#wait(() => this.#largest >= most);
    }
    return { outcome: "answered", rttMs: this.#rttMs, largest: this.#largest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket?.closed === false) this.#socket.close();
  }

  #send(size: number): void {
    const id = crypto.getRandomValues(new Uint8Array(ID_BYTES));
    this.#sent.set(Buffer.from(id).toString("hex"), { size, at: performance.now() });
    try {
      this.#socket?.send(encodeVersionProbe(id, size));
    } catch (error) {
      // Larger than the interface takes: an answer to the question, unless it is the smallest.
      if (size === SMALLEST) throw error;
    }
  }

  #receive(bytes: Uint8Array): void {
    const sent = this.#sent.get(versionAnswerId(bytes) ?? "");
    if (sent === undefined) return;
    this.#rttMs = Math.min(this.#rttMs, performance.now() - sent.at);
    this.#largest = Math.max(this.#largest, sent.size);
    this.#heard();
  }

  #wait(until: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.attemptMs ?? ATTEMPT_MS);
    this.#heard = () => {
      if (until()) resolve();
    };
    return promise.finally(() => clearTimeout(timer));
  }

  #forbidFragments(isIpv6: boolean): void {
    const socket: object | undefined = this.#socket;
    const fd = socket !== undefined && "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
    const libc = openLibc();
    if (libc === undefined || fd < 0) return;
    if (isIpv6) setOption(libc, fd, SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
    else setOption(libc, fd, SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
  }
}

/** RFC 9000, 14.1: what every path must carry. */
const SMALLEST = 1200;
const ID_BYTES = 8;
const ATTEMPTS = 3;
const ATTEMPT_MS = 700;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
/** Don't Fragment is set, and what is known of the path is ignored. */
const PMTUDISC_PROBE = 3;
