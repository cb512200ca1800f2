// `bun test/bench/congestion.ts`: what each congestion controller of quiche makes of a narrow path: how much arrives, how
// late, and the worst tenth of a second. Two connections in memory with a simulated link between them, in real time
// because quiche reads its own clock; all controllers run side by side, each on a link of its own.
import { randomFillSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Delays } from "../../src/core/delays.ts";
import { type NativeConnection, quiche } from "../../src/quic/native.ts";
import { clientConfig, DATAGRAMS_PER_TURN, MAX_UDP_PAYLOAD, serverConfig } from "../../src/quic/settings.ts";
import { type BenchPki, benchPki } from "./bench-pki.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "12" } } });
const SECONDS = Number(values.seconds);

interface Path {
  readonly name: string;
  readonly bytesPerMs: number;
  readonly oneWayMs: number;
  readonly bufferMs: number;
  readonly lostPart: number;
  /** Datagrams per millisecond of a steady sender; undefined: as much as goes. */
  readonly offered?: number;
}

const MEGABIT_PER_S = 125;
const PATHS: readonly Path[] = [
  { name: "20 Mbit/s, 40 ms, buffer 50 ms", bytesPerMs: 20 * MEGABIT_PER_S, oneWayMs: 20, bufferMs: 50, lostPart: 0 },
  { name: "the same, 1 % lost", bytesPerMs: 20 * MEGABIT_PER_S, oneWayMs: 20, bufferMs: 50, lostPart: 0.01 },
  { name: "the same, buffer 500 ms", bytesPerMs: 20 * MEGABIT_PER_S, oneWayMs: 20, bufferMs: 500, lostPart: 0 },
  {
    name: "the same, a quarter of it offered",
    bytesPerMs: 20 * MEGABIT_PER_S,
    oneWayMs: 20,
    bufferMs: 50,
    lostPart: 0,
    offered: 0.5,
  },
  { name: "100 Mbit/s, 10 ms, buffer 20 ms", bytesPerMs: 100 * MEGABIT_PER_S, oneWayMs: 5, bufferMs: 20, lostPart: 0 },
];
const CONTROLLERS = ["reno", "cubic", "bbr"];

/** One direction: a queue of bytes in front of a line with a delay. */
class Link {
  readonly #path: Path;
  readonly #underWay: { readonly bytes: Uint8Array; readonly at: number }[] = [];
  #freeAt = 0;

  constructor(path: Path) {
    this.#path = path;
  }

  put(bytes: Uint8Array, now: number): void {
    const { bytesPerMs, oneWayMs, bufferMs, lostPart } = this.#path;
    const start = Math.max(now, this.#freeAt);
    if (start - now > bufferMs || Math.random() < lostPart) return;
    this.#freeAt = start + bytes.length / bytesPerMs;
    this.#underWay.push({ bytes: bytes.slice(), at: this.#freeAt + oneWayMs });
  }

  *arrived(now: number): Iterable<Uint8Array> {
    while (this.#underWay.length > 0 && this.#underWay[0]!.at <= now) yield this.#underWay.shift()!.bytes;
  }
}

class Conversation {
  readonly #path: Path;
  readonly #client: NativeConnection;
  readonly #server: NativeConnection;
  readonly #there: Link;
  readonly #back: Link;
  readonly #delays = new Delays();
  readonly #perTenth: number[] = [];
  #offered = 0;
  #received = 0;
  #startedAt = 0;

  constructor(pki: BenchPki, path: Path, controller: string) {
    this.#path = path;
    const client = clientConfig({ verifyPeer: true, tls: pki.agent });
    client.setCcAlgorithmName(controller);
    this.#client = quiche.Connection.connect(null, id(), FROM, TO, client);
    this.#server = quiche.Connection.accept(
      id(),
      null,
      TO,
      FROM,
      serverConfig({ clientAuth: "required", tls: pki.server }),
    );
    this.#there = new Link(path);
    // Acknowledgements have a way of their own, without loss.
    this.#back = new Link({ ...path, lostPart: 0 });
  }

  turn(now: number): void {
    for (const packet of this.#there.arrived(now)) this.#server.recv(packet, { from: FROM, to: TO });
    for (const packet of this.#back.arrived(now)) this.#client.recv(packet, { from: TO, to: FROM });
    for (let length = this.#server.dgramRecv(BUFFER); length !== null; length = this.#server.dgramRecv(BUFFER)) {
      this.#received++;
      this.#delays.add(now - VIEW.getFloat64(0));
      const tenth = Math.floor((now - this.#startedAt) / 100);
      this.#perTenth[tenth] = (this.#perTenth[tenth] ?? 0) + 1;
    }
    if (this.#client.timeout() === 0) this.#client.onTimeout();
    if (this.#server.timeout() === 0) this.#server.onTimeout();
    if (this.#client.isEstablished()) this.#offer(now);
    for (let sent = this.#client.send(BUFFER); sent !== null; sent = this.#client.send(BUFFER)) {
      this.#there.put(BUFFER.subarray(0, sent[0]), now);
    }
    for (let sent = this.#server.send(BUFFER); sent !== null; sent = this.#server.send(BUFFER)) {
      this.#back.put(BUFFER.subarray(0, sent[0]), now);
    }
  }

  result(): string {
    const lost = (100 * (this.#offered - this.#received)) / this.#offered;
    const perSecond = (this.#received * 1000) / (performance.now() - this.#startedAt);
    const tenths = Array.from({ length: this.#perTenth.length - 1 }, (_, i) => this.#perTenth[i] ?? 0).slice(10);
    const part = ((perSecond * MAX_DATAGRAM) / 10 / this.#path.bytesPerMs).toFixed(0);
    const delay = (quantile: number) => (this.#delays.quantile(quantile) / 1000).toFixed(0);
    const worst = Math.min(...tenths) * 10;
    return `${perSecond.toFixed(0)} | ${part} % | ${lost.toFixed(1)} % | ${delay(0.5)} | ${delay(0.99)} | ${worst}`;
  }

  /** As a sender that can wait does, or steadily. */
  #offer(now: number): void {
    this.#startedAt ||= now;
    const { offered } = this.#path;
    const isFree = this.#client.dgramSendQueueLen() === 0;
    const bulk = isFree ? DATAGRAMS_PER_TURN : 0;
    const due = offered === undefined ? bulk : Math.floor((now - this.#startedAt) * offered) - this.#offered;
    new DataView(DATAGRAM.buffer).setFloat64(0, now);
    for (let i = 0; i < due; i++, this.#offered++) this.#client.dgramSend(DATAGRAM);
  }
}

function id(): Uint8Array {
  return randomFillSync(new Uint8Array(20));
}

const FROM = { host: "198.51.100.1", port: 1000 };
const TO = { host: "192.0.2.1", port: 4433 };
const MAX_DATAGRAM = 1200;
const DATAGRAM = new Uint8Array(MAX_DATAGRAM);
const BUFFER = new Uint8Array(MAX_UDP_PAYLOAD);
const VIEW = new DataView(BUFFER.buffer);

const pki = await benchPki();
console.log("| path | controller | datagrams/s | of the path | lost | p50, ms | p99, ms | worst 100 ms, datagrams/s |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
for (const path of PATHS) {
  const conversations = CONTROLLERS.map((controller) => new Conversation(pki, path, controller));
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; await sleep(1)) {
    for (const conversation of conversations) conversation.turn(performance.now());
  }
  for (const [i, conversation] of conversations.entries()) {
    console.log(`| ${path.name} | ${CONTROLLERS[i]} | ${conversation.result()} |`);
  }
}
