// The loop between role, endpoint and real loopback sockets.
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import type { Machine, Millis, Timeout } from "../../../src/core/machine.ts";
import { Outbox } from "../../../src/core/outbox.ts";
import { Endpoint, type EndpointOptions } from "../../../src/quic/endpoint.ts";
import { monotonicClock } from "../../../src/runtime/clock.ts";
import { Driver } from "../../../src/runtime/driver.ts";
import { NativeMemory } from "../../../src/runtime/native-memory.ts";
import { openUdpSockets } from "../../../src/runtime/udp-bun.ts";
import type { UdpSocket } from "../../../src/runtime/udp-socket.ts";
import type { PeerCommand, PeerEvent, PeerId } from "../../../src/tunnel/peer.ts";
import { pem } from "../../support/endpoint-hosts.ts";
import { SERVER_DEFAULTS } from "../../support/endpoint-pair.ts";
import { type TestCredential, type TestPki, testPki } from "../../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

const open: { stop(): void }[] = [];
afterEach(() => {
  for (const node of open.splice(0)) node.stop();
});

type Question = { readonly type: "ask"; readonly peer: PeerId; readonly bytes: Uint8Array };
type Said = { readonly type: "said"; readonly text: string };

/** Echoes what it gets (`echo`), or sends what it is asked to and says what comes back. */
class Talker implements Machine<PeerEvent | Question, PeerCommand | Said> {
  readonly #echo: boolean;
  readonly #outbox = new Outbox<PeerCommand | Said>();
  /** The machine contract: polled until empty before the next input. */
  violations = 0;
  wakeAt: Millis | undefined;

  constructor(echo: boolean) {
    this.#echo = echo;
  }

  handle(input: PeerEvent | Question | Timeout, _now: Millis): void {
    if (this.#outbox.length > 0) this.violations++;
    if (input.type === "timeout") {
      this.wakeAt = undefined;
      this.#outbox.push({ type: "said", text: "timeout" });
    }
    if (input.type === "connected") this.#outbox.push({ type: "said", text: "connected" });
    if (input.type === "ask") this.#outbox.push({ type: "send", peer: input.peer, bytes: input.bytes });
    if (input.type !== "datagram") return;
    const bytes = input.bytes.slice();
    this.#outbox.push(
      this.#echo ? { type: "send", peer: input.peer, bytes } : { type: "said", text: new TextDecoder().decode(bytes) },
    );
  }

  poll(): PeerCommand | Said | undefined {
    return this.#outbox.shift();
  }

  deadline(): Millis | undefined {
    return this.wakeAt;
  }
}

/** A driver on a loopback socket, and a promise for what its role says next. */
class Node {
  readonly talker: Talker;
  readonly endpoint: Endpoint;
  readonly driver: Driver<Question, Said>;
  readonly said: string[] = [];
  collections = 0;
  socket: UdpSocket | undefined;
  onSaid: (text: string) => void = () => {};
  #waiting: (() => void) | undefined;

  constructor(echo: boolean, options: Pick<EndpointOptions, "server" | "client">) {
    this.talker = new Talker(echo);
    const random = (bytes: Uint8Array) => randomFillSync(bytes);
    const secret = randomFillSync(new Uint8Array(32));
    const rest = { secret, rotationMs: 300_000, random, wallNow: () => Date.now() };
    this.endpoint = new Endpoint({ ...options, ...rest }, monotonicClock.now());
    this.driver = new Driver<Question, Said>({
      role: this.talker,
      endpoint: this.endpoint,
      clock: monotonicClock,
      memory: new NativeMemory(() => {
        this.collections++;
      }),
      perform: ({ text }) => {
        this.said.push(text);
        this.onSaid(text);
        this.#waiting?.();
      },
    });
    open.push(this);
  }

  async open(): Promise<void> {
    this.socket = await openUdpSockets([{ host: "127.0.0.1", port: 0 }], this.driver);
    this.driver.attach(this.socket);
  }

  async until(count: number): Promise<void> {
    while (this.said.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  stop(): void {
    this.driver.stop();
    this.socket?.close();
  }
}

function tls(credential: TestCredential) {
  return { ca: pem(pki.ca.certPem), certChain: pem(credential.certPem), key: pem(credential.keyPem) };
}

async function connected(): Promise<{ relay: Node; client: Node; peer: PeerId }> {
  const relay = new Node(true, { server: { ...SERVER_DEFAULTS, tls: tls(pki.server) } });
  const client = new Node(false, { client: { verifyPeer: true, tls: tls(pki.agent) } });
  await relay.open();
  await client.open();
  const to = client.socket!.remote("127.0.0.1", relay.socket!.local[0]!.port);
  const peer = client.endpoint.connect(to, ["ztna-server"], monotonicClock.now());
  client.driver.wake();
  await client.until(1);
  return { relay, client, peer };
}

describe("the driver", () => {
  test("carries datagrams between two roles over real sockets, in order", async () => {
    const { relay, client, peer } = await connected();
    const texts = Array.from({ length: 200 }, (_, i) => `number ${i}`);
    for (const text of texts) client.driver.feed({ type: "ask", peer, bytes: new TextEncoder().encode(text) });
    await client.until(1 + texts.length);
    expect(client.said.slice(1)).toEqual(texts);
    expect([relay.talker.violations, client.talker.violations]).toEqual([0, 0]);
  });

  test("keeps an input that comes while an output is carried out until the role has been polled", async () => {
    const { client, peer } = await connected();
    client.onSaid = (text) => {
      if (text.length >= 5) return;
      client.driver.feed({ type: "ask", peer, bytes: new TextEncoder().encode(`${text}+`) });
      client.driver.feed({ type: "ask", peer, bytes: new TextEncoder().encode(`${text}-----`) });
    };
    client.driver.feed({ type: "ask", peer, bytes: new TextEncoder().encode("a") });
    await client.until(1 + 9);
    expect(client.talker.violations).toBe(0);
    expect(client.said).toContain("a++++");
    expect(client.said).toContain("a+++-----");
  });

  test("loses one input to a bug of what carries outputs out, and handles the next", async () => {
    const { client, peer } = await connected();
    client.onSaid = (text) => {
      if (text === "timeout") throw new Error("a bug");
    };
    client.talker.wakeAt = monotonicClock.now();
    expect(() => client.driver.flush()).toThrow("a bug");
    const answered = new Promise<string>((resolve) => {
      client.onSaid = resolve;
    });
    const { datagramsSent } = client.endpoint.stats;
    client.driver.feed({ type: "ask", peer, bytes: new TextEncoder().encode("still there?") });
    expect(client.endpoint.stats.datagramsSent).toBe(datagramsSent + 1); // at once, not with the next that happens
    expect(await answered).toBe("still there?");
  });

  test("gives the role its timeout when that is due", async () => {
    const { client } = await connected();
    const asked = monotonicClock.now();
    client.talker.wakeAt = asked + 30;
    client.driver.wake();
    await client.until(2);
    expect(client.said[1]).toBe("timeout");
    expect(monotonicClock.now()).toBeGreaterThanOrEqual(asked + 30);
  });

  test("has the memory of connections that are gone collected, once for many", async () => {
    const { relay } = await connected();
    relay.driver.flush();
    expect(relay.collections).toBe(0);
    relay.endpoint.stats.connectionsGone += 2000;
    for (let i = 0; i < 10; i++) relay.driver.flush();
    expect(relay.collections).toBe(1);
  });

  test("handles nothing after it was stopped", async () => {
    const { relay, client, peer } = await connected();
    relay.driver.stop();
    const handled = relay.endpoint.stats.receivedPackets;
    client.driver.feed({ type: "ask", peer, bytes: new Uint8Array(10) });
    client.talker.wakeAt = monotonicClock.now() + 50;
    client.driver.wake();
    await client.until(2);
    expect(relay.endpoint.stats.receivedPackets).toBe(handled);
  });
});
