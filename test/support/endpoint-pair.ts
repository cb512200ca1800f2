// Endpoints in memory on the real quiche: packets move when the test says so, and can be watched, changed or lost.
import { randomFillSync } from "node:crypto";
import { DEFAULT_ADMISSION } from "../../src/quic/admission.ts";
import { MAX_DELAY_MS } from "../../src/quic/delayed-acks.ts";
import { Endpoint, type EndpointOptions } from "../../src/quic/endpoint.ts";
import type { PacketBatch } from "../../src/quic/packet-batch.ts";
import { MAX_UDP_PAYLOAD } from "../../src/quic/settings.ts";
import type { PeerEvent } from "../../src/tunnel/peer.ts";
import { parseIpv4, type SocketAddress } from "../../src/wire/address.ts";

export interface Packet {
  readonly bytes: Uint8Array;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
}

/** An address of a simulated host, interned as a socket would. */
export function address(host: string, port: number, localHost: string, localPort: number): SocketAddress {
  const key = `${host} ${port} ${localHost} ${localPort}`;
  const known = interned.get(key);
  if (known !== undefined) return known;
  const ipv4 = parseIpv4(host);
  const local = { socket: 0, host: localHost, port: localPort };
  const made: SocketAddress = { host, port, family: ipv4 === undefined ? 6 : 4, ipv4, local };
  interned.set(key, made);
  return made;
}

const interned = new Map<string, SocketAddress>();

/** One endpoint at one address. */
export class Host {
  readonly endpoint: Endpoint;
  readonly events: PeerEvent[] = [];
  readonly host: string;
  /** What others see: a NAT in front of the host changes it, and the host does not notice. */
  port: number;
  readonly #ownPort: number;

  constructor(host: string, port: number, options: Partial<EndpointOptions>) {
    this.host = host;
    this.port = port;
    this.#ownPort = port;
    this.endpoint = new Endpoint({ ...DEFAULTS, ...options }, performance.now());
  }

  /** The other host as this one sees it. */
  sees(other: { readonly host: string; readonly port: number }): SocketAddress {
    return address(other.host, other.port, this.host, this.#ownPort);
  }

  receive(bytes: Uint8Array, from: { readonly host: string; readonly port: number }): void {
    this.endpoint.receive(bytes.slice(), this.sees(from), performance.now());
    this.collect();
  }

  /** Copies the events out, as their bytes are borrowed. */
  collect(): void {
    for (let event = this.endpoint.poll(); event !== undefined; event = this.endpoint.poll()) {
      this.events.push(event.type === "datagram" ? { ...event, bytes: event.bytes.slice() } : event);
    }
  }

  /** What it wants to send now, acknowledgements that it could delay among it. */
  transmit(): Packet[] {
    this.endpoint.handleTimeout(performance.now() + MAX_DELAY_MS);
    const batch = this.batch();
    this.endpoint.transmit(batch, performance.now());
    this.collect();
    return batch.packets.map(({ bytes, to }) => ({ bytes, to, from: to }));
  }

  batch(): CollectingBatch {
    return new CollectingBatch();
  }

  take<T extends PeerEvent["type"]>(type: T): Extract<PeerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<PeerEvent, { type: T }> => event.type === type);
  }
}

/** Carries packets both ways until both are silent. `via` may return undefined to lose a packet. */
export function exchange(
  a: Host,
  b: Host,
  via: (bytes: Uint8Array, from: Host) => Uint8Array | undefined = same,
): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const moved = carry(a, b, via) + carry(b, a, via);
    if (moved === 0) return;
  }
  throw new Error("the two endpoints never fall silent");
}

/** Carries what one of them wants to send now; returns how many packets that was. */
export function carry(
  from: Host,
  to: Host,
  via: (bytes: Uint8Array, from: Host) => Uint8Array | undefined = same,
): number {
  const packets = from.transmit();
  for (const { bytes } of packets) {
    const arriving = via(bytes, from);
    if (arriving !== undefined) to.receive(arriving, from);
  }
  return packets.length;
}

/** Waits in real time, as quiche reads its own clock, until `until` holds; timers are honoured. */
export async function run(hosts: readonly Host[], until: () => boolean, limitMs = 20_000): Promise<void> {
  const [a, b] = hosts;
  const end = performance.now() + limitMs;
  while (!until()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms`);
    if (a !== undefined && b !== undefined) exchange(a, b);
    if (until()) return;
    const now = performance.now();
    const due = Math.min(...hosts.map(({ endpoint }) => endpoint.deadline() ?? now + 50));
    await new Promise((resolve) => setTimeout(resolve, Math.min(50, Math.max(1, due - now))));
    for (const { endpoint } of hosts) endpoint.handleTimeout(performance.now());
    for (const host of hosts) host.collect();
  }
}

class CollectingBatch implements PacketBatch {
  readonly packets: { bytes: Uint8Array; to: SocketAddress }[] = [];
  readonly full = false;
  #next = new Uint8Array(MAX_UDP_PAYLOAD);

  next(): Uint8Array {
    this.#next = new Uint8Array(MAX_UDP_PAYLOAD);
    return this.#next;
  }

  commit(length: number, to: SocketAddress): void {
    this.packets.push({ bytes: this.#next.subarray(0, length), to });
  }
}

function same(bytes: Uint8Array): Uint8Array {
  return bytes;
}

const DEFAULTS: EndpointOptions = {
  secret: new TextEncoder().encode("the secret of a test relay"),
  rotationMs: 300_000,
  random: (bytes) => randomFillSync(bytes),
  wallNow: () => Date.now(),
};

/** What a relay in a test uses unless it says otherwise. */
export const SERVER_DEFAULTS = {
  clientAuth: "required" as const,
  retry: { lifetimeMs: 30_000, replayLimit: 1000 },
  retriesPerSecond: 10_000,
  admission: DEFAULT_ADMISSION,
};

const MAX_ROUNDS = 200;
