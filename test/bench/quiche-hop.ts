// The in-memory hop: what quiche alone needs to take a datagram from one connection and send it on another. The yard
// stick for the relay: everything above it is sockets, the event loop and our own code.
import { randomFillSync } from "node:crypto";
import { type NativeConnection, quiche } from "../../src/quic/native.ts";
import { clientConfig, MAX_UDP_PAYLOAD, serverConfig } from "../../src/quic/settings.ts";
import type { BenchPki } from "./bench-pki.ts";

/** Microseconds of CPU per datagram of `bytes`, over `count` of them in bursts of 16. */
export function measureHop(pki: BenchPki, bytes: number, count: number): number {
  const agent = new Link(pki, 1);
  const connector = new Link(pki, 2);
  const payload = new Uint8Array(bytes);
  const datagram = new Uint8Array(65_536);
  let spent = 0;
  let arrived = 0;
  for (let sent = 0; sent < count; sent += BURST) {
    for (let i = 0; i < BURST; i++) agent.client.dgramSend(payload);
    const incoming = agent.fromClient();
    const start = performance.now();
    for (const packet of incoming) agent.server.recv(packet, agent.toServer);
    while (agent.server.isReadable()) {
      const length = agent.server.dgramRecv(datagram);
      if (length === null) break;
      connector.server.dgramSend(datagram.subarray(0, length));
    }
    const outgoing = connector.fromServer();
    const acknowledged = agent.fromServer();
    spent += performance.now() - start;
    for (const packet of acknowledged) agent.client.recv(packet, agent.toClient);
    for (const packet of outgoing) connector.client.recv(packet, connector.toClient);
    while (connector.client.dgramRecv(datagram) !== null) arrived++;
    const acknowledgements = connector.fromClient();
    const again = performance.now();
    for (const packet of acknowledgements) connector.server.recv(packet, connector.toServer);
    spent += performance.now() - again;
  }
  if (arrived < count * 0.99) throw new Error(`only ${arrived} of ${count} datagrams arrived in memory`);
  return (spent * 1000) / arrived;
}

/** Milliseconds for one handshake with client certificates, both ends together, in memory. */
export function measureHandshakes(pki: BenchPki, count: number): number {
  const start = performance.now();
  for (let i = 0; i < count; i++) new Link(pki, i & 0xff);
  return (performance.now() - start) / count;
}

/** Two ends of one established connection. */
class Link {
  readonly client: NativeConnection;
  readonly server: NativeConnection;
  readonly toServer;
  readonly toClient;

  readonly #clientOut = ring();
  readonly #serverOut = ring();

  constructor(pki: BenchPki, host: number) {
    const from = { host: `198.51.100.${host}`, port: 1000 };
    const to = { host: "192.0.2.1", port: 4433 };
    this.toServer = { from, to };
    this.toClient = { from: to, to: from };
    const settings = { clientAuth: "required", tls: pki.server } as const;
    const client = clientConfig({ verifyPeer: true, tls: pki.agent });
    this.client = quiche.Connection.connect(null, id(), from, to, client);
    this.server = quiche.Connection.accept(id(), null, to, from, serverConfig(settings));
    for (let round = 0; round < 8; round++) {
      for (const packet of this.fromClient()) this.server.recv(packet, this.toServer);
      for (const packet of this.fromServer()) this.client.recv(packet, this.toClient);
    }
    if (!this.server.isEstablished()) throw new Error("the handshake in memory failed");
  }

  /** What each end wants to send now; valid until the next call for the same end. */
  fromClient(): Uint8Array[] {
    return drain(this.client, this.#clientOut);
  }

  fromServer(): Uint8Array[] {
    return drain(this.server, this.#serverOut);
  }
}

function drain(connection: NativeConnection, out: readonly Uint8Array[]): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (const buffer of out) {
    const sent = connection.send(buffer);
    if (sent === null) break;
    packets.push(buffer.subarray(0, sent[0]));
  }
  return packets;
}

function ring(): Uint8Array[] {
  return Array.from({ length: 4 * BURST }, () => new Uint8Array(MAX_UDP_PAYLOAD));
}

function id(): Uint8Array {
  return randomFillSync(new Uint8Array(20));
}

const BURST = 16;
