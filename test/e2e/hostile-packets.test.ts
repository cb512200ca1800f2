// A flood of nonsense at the port of a running relay: it serves on, its memory stays, its books balance.
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { SendBatch } from "../../src/runtime/send-batch.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";
import type { SocketAddress } from "../../src/wire/address.ts";
import { encodeRegistration } from "../../src/wire/tunnel.ts";
import { type Daemon, startRelay } from "../support/daemons.ts";
import { clientHost } from "../support/endpoint-hosts.ts";
import { testPki } from "../support/pki.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const PACKETS = 1_000_000;

describe("a relay that is sent a million random and mutated packets", () => {
  test("goes on serving, keeps its memory and counts every one that reached it", async () => {
    await using directory = temporaryDirectory();
    await using relay = await startRelay({ cwd: directory.path, flags: ["--max-retries-per-second", "1000"] });
    const { pid } = relay.process;
    const attack = await Attack.open(relay.port, await handshake(relay));
    const received = () => relay.total("ztna_packets_received_total");
    await attack.sendUntil(async () => (await received()) >= PACKETS / 10);
    const early = residentKib(pid);
    await attack.sendUntil(async () => (await received()) >= PACKETS);
    const late = residentKib(pid);
    attack.close();

    await expectBalance(relay);
    expect(late).toBeLessThan(early * 1.5 + 30_000);
    expect(await relay.total("ztna_half_open_connections")).toBe(0);
    expect((await handshake(relay)).length).toBeGreaterThan(3);
    await expectBalance(relay);
  }, 400_000);
});

async function expectBalance(relay: Daemon): Promise<void> {
  const { values } = await relay.metrics();
  let dropped = 0;
  for (const [name, value] of values) if (name.startsWith('ztna_dropped_total{hop="packet"')) dropped += value;
  const received = values.get("ztna_packets_received_total");
  expect(received).toBe((values.get("ztna_packets_accepted_total") ?? Number.NaN) + dropped);
}

/** Completes a handshake and sends a datagram; every packet that this took, of all kinds, in order. */
async function handshake(relay: Daemon): Promise<Uint8Array[]> {
  const { endpoint } = clientHost(await testPki());
  const sent: Uint8Array[] = [];
  let socket: UdpSocket;
  await new Promise<void>((resolve, reject) => {
    const flush = () => {
      const now = performance.now();
      // What is lost behind the flood has to be sent again.
      if ((endpoint.deadline() ?? now + 1) <= now) endpoint.handleTimeout(now);
      endpoint.transmit(socket.batch, now);
      for (const { bytes } of (socket.batch as SendBatch).packets) sent.push(bytes.slice());
      socket.flush();
      for (let event = endpoint.poll(); event !== undefined; event = endpoint.poll()) {
        if (event.type === "dial-failed") reject(new Error(event.detail));
        else if (event.type === "datagram") resolve();
        else if (event.type === "connected") {
          endpoint.perform({ type: "send", peer: event.peer, bytes: encodeRegistration("agent", "web") });
          socket.wake();
        }
      }
      return endpoint.deadline();
    };
    const receive = (packet: Uint8Array, from: SocketAddress) => endpoint.receive(packet, from, performance.now());
    openUdp([{ host: "127.0.0.1", port: 0 }], { receive, flush }, { io: "portable" }).then((opened) => {
      socket = opened.socket;
      endpoint.connect(socket.remote("127.0.0.1", relay.port), ["ztna-server"], performance.now());
      socket.wake();
    }, reject);
  });
  socket!.close();
  return sent;
}

/** Sends as fast as the kernel takes it, from one socket, in bursts that leave the event loop its turns. */
class Attack {
  readonly #socket: UdpSocket;
  readonly #port: number;
  /** What a client with a certificate sent: first packets with and without a token, its handshake, its datagrams. */
  readonly #genuine: readonly Uint8Array[];
  #sent = 0;

  private constructor(socket: UdpSocket, port: number, genuine: readonly Uint8Array[]) {
    this.#socket = socket;
    this.#port = port;
    this.#genuine = genuine;
  }

  static async open(port: number, genuine: readonly Uint8Array[]): Promise<Attack> {
    const ignore = { receive: () => {}, flush: () => undefined };
    const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], ignore, { io: "portable" });
    return new Attack(socket, port, genuine);
  }

  /** What the kernel drops on the way does not count, so it is the relay's own count that ends it. */
  async sendUntil(done: () => Promise<boolean>): Promise<void> {
    const to = this.#socket.remote("127.0.0.1", this.#port);
    for (let round = 1; round % ROUNDS_PER_LOOK !== 0 || !(await done()); round++) {
      while (!this.#socket.batch.full) {
        this.#socket.batch.commit(this.#write(this.#socket.batch.next(), this.#sent++), to);
      }
      this.#socket.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** In turn: noise, noise that looks like a packet, and a genuine packet with a few bytes changed. */
  #write(into: Uint8Array, i: number): number {
    if (i % 3 === 0) {
      const genuine = this.#genuine[random(this.#genuine.length)]!;
      into.set(genuine);
      for (let change = 0; change < 3; change++) into[random(genuine.length)] = random(256);
      return genuine.length;
    }
    const length = 1 + random(1300);
    into.set(NOISE.subarray(random(NOISE.length - length)).subarray(0, length));
    if (i % 3 === 1) into.set(LONG_HEADER.subarray(0, Math.min(LONG_HEADER.length, length)));
    return length;
  }

  close(): void {
    this.#socket.close();
  }
}

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

const NOISE = randomFillSync(new Uint8Array(65_536));
const LONG_HEADER = Uint8Array.of(0xc3, 0, 0, 0, 1, 8);
/** Between looks at the relay's counters. */
const ROUNDS_PER_LOOK = 64;
