// Streams carry no meaning here: what a peer sends on one is discarded and counted, and reaches nobody.
import { beforeAll, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { type NativeConnection, quiche } from "../../src/quic/native.ts";
import { clientConfig, MAX_UDP_PAYLOAD } from "../../src/quic/settings.ts";
import { pem, relayHost } from "../support/endpoint-hosts.ts";
import type { Host } from "../support/endpoint-pair.ts";
import { type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

/** A client on quiche alone: ours sends no streams. */
class StreamClient {
  readonly native: NativeConnection;
  readonly #relay: Host;
  readonly #buffer = new Uint8Array(MAX_UDP_PAYLOAD);
  readonly #from = { host: "198.51.100.9", port: 5000 };

  constructor(relay: Host) {
    const { certPem, keyPem } = pki.agent;
    const tls = { ca: pem(pki.ca.certPem), certChain: pem(certPem), key: pem(keyPem) };
    const config = clientConfig({ verifyPeer: true, tls });
    const scid = randomFillSync(new Uint8Array(20));
    this.#relay = relay;
    this.native = quiche.Connection.connect(null, scid, this.#from, { host: relay.host, port: relay.port }, config);
    this.exchange();
  }

  exchange(): void {
    const to = { host: this.#relay.host, port: this.#relay.port };
    for (let moved = 1; moved > 0; ) {
      moved = 0;
      for (let sent = this.native.send(this.#buffer); sent !== null; sent = this.native.send(this.#buffer)) {
        this.#relay.receive(this.#buffer.subarray(0, sent[0]), this.#from);
        moved++;
      }
      for (const { bytes } of this.#relay.transmit()) {
        this.native.recv(bytes, { from: to, to: this.#from });
        moved++;
      }
    }
  }

  /** As much as its windows allow, again and again, until all is gone. */
  send(stream: number, bytes: Uint8Array): void {
    let refused = 0;
    for (let sent = 0; sent < bytes.length; this.exchange()) {
      const taken = this.native.streamSend(stream, bytes.subarray(sent), false) ?? 0;
      sent += taken;
      refused = taken > 0 ? 0 : refused + 1;
      if (refused > 1) throw new Error(`the relay reads no further than ${sent}`);
    }
  }
}

test("what a peer sends on streams is discarded as it comes, counted, and reaches no role", () => {
  const relay = relayHost(pki);
  const client = new StreamClient(relay);
  const { stats } = relay.endpoint;
  // More than the window of a stream: unread it would stop, and be held.
  const offer = new Uint8Array(1_500_000);
  for (const stream of [0, 4]) client.send(stream, offer);
  expect(stats.streamBytesDiscarded).toBe(2 * offer.length);
  client.native.streamShutdown(4, 1, 7);
  client.exchange();
  client.send(8, new Uint8Array(10));
  expect(stats.streamBytesDiscarded).toBe(2 * offer.length + 10);
  expect(relay.events.map(({ type }) => type)).toEqual(["connected"]);
  expect(stats.datagramsReceived).toBe(0);
});
