// A flood of nonsense at the port of a running relay: it serves on, its memory stays, its books balance.
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { openUdp } from "../../src/runtime/open-udp.ts";
import type { UdpSocket } from "../../src/runtime/udp-socket.ts";
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
    const attack = await Attack.open(relay.port);
    await attack.send(PACKETS / 10);
    const early = residentKib(pid);
    await attack.send(PACKETS - PACKETS / 10);
    const late = residentKib(pid);
    attack.close();

    const received = await relay.total("ztna_packets_received_total");
    const lost = await relay.total("ztna_dropped_total", 'hop="socket"');
    expect(received).toBeGreaterThan(PACKETS / 10);
    expect(received + lost).toBeLessThanOrEqual(PACKETS);
    await expectBalance(relay);
    expect(late).toBeLessThan(early * 1.5 + 30_000);
    expect(await relay.total("ztna_half_open_connections")).toBe(0);
    await expectServing(relay);
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

/** A handshake with a certificate completes. */
async function expectServing(relay: Daemon): Promise<void> {
  const client = clientHost(await testPki());
  const { endpoint } = client;
  let socket: UdpSocket;
  await new Promise<void>((resolve, reject) => {
    const flush = () => {
      const now = performance.now();
      // What is lost behind the flood has to be sent again.
      if ((endpoint.deadline() ?? now + 1) <= now) endpoint.handleTimeout(now);
      endpoint.transmit(socket.batch, now);
      socket.flush();
      for (let event = endpoint.poll(); event !== undefined; event = endpoint.poll()) {
        if (event.type === "connected") resolve();
        else reject(new Error(JSON.stringify(event)));
      }
      return endpoint.deadline();
    };
    const receive = (packet: Uint8Array, from: Parameters<typeof endpoint.receive>[1]) =>
      endpoint.receive(packet, from, performance.now());
    openUdp([{ host: "127.0.0.1", port: 0 }], { receive, flush }, { io: "portable" }).then((opened) => {
      socket = opened.socket;
      endpoint.connect(socket.remote("127.0.0.1", relay.port), ["ztna-server"], performance.now());
      socket.wake();
    }, reject);
  });
  socket!.close();
}

/** Sends as fast as the kernel takes it, from one socket, in bursts that leave the event loop its turns. */
class Attack {
  readonly #socket: UdpSocket;
  readonly #port: number;
  readonly #genuine: Uint8Array;

  private constructor(socket: UdpSocket, port: number, genuine: Uint8Array) {
    this.#socket = socket;
    this.#port = port;
    this.#genuine = genuine;
  }

  static async open(port: number): Promise<Attack> {
    const ignore = { receive: () => {}, flush: () => undefined };
    const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], ignore, { io: "portable" });
    const client = clientHost(await testPki());
    client.endpoint.connect(client.sees({ host: "192.0.2.1", port }), [], performance.now());
    return new Attack(socket, port, client.transmit()[0]!.bytes.slice());
  }

  async send(count: number): Promise<void> {
    const to = this.#socket.remote("127.0.0.1", this.#port);
    for (let sent = 0; sent < count; ) {
      while (!this.#socket.batch.full && sent < count) {
        this.#socket.batch.commit(this.#write(this.#socket.batch.next(), sent++), to);
      }
      this.#socket.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** In turn: noise, noise that looks like a packet, and a genuine first packet with a few bytes changed. */
  #write(into: Uint8Array, i: number): number {
    if (i % 3 === 0) {
      into.set(this.#genuine);
      for (let change = 0; change < 3; change++) into[random(this.#genuine.length)] = random(256);
      return this.#genuine.length;
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
