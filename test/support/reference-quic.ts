// Real QUIC as the reference's clients use it, for their models: quiche without our endpoint around it, with their
// settings. The agent's are the library's own: connection ids of 16 bytes, packets of 1200, and any size taken.
import { type NativeConfig, type NativeConnection, quiche } from "../../src/quic/native.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import type { Dial, DialEvent, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import { ALPN } from "../../src/wire/tunnel.ts";
import { pem } from "./endpoint-hosts.ts";
import { type TestCredential, testPki } from "./pki.ts";
import { RELAY_ADDRESS } from "./simulated-relay.ts";

/** A model of one of the reference's clients. */
export interface ReferenceMachine {
  handle(event: PeerEvent | DialEvent | { readonly type: "timeout" }, now: number): void;
  poll(): PeerCommand | Dial | undefined;
  deadline(): number | undefined;
}

export interface ReferenceQuicOptions {
  readonly role: "agent" | "connector";
  readonly relayPort: number;
  readonly credential: TestCredential;
  readonly machine: ReferenceMachine;
}

export class ReferenceQuic implements Disposable {
  /** What quiche takes for one datagram. */
  largestDatagram = 0;
  readonly #options: ReferenceQuicOptions;
  readonly #config: NativeConfig;
  readonly #packet = new Uint8Array(1500);
  readonly #datagram = new Uint8Array(1350);
  #socket: Bun.udp.Socket<"buffer"> | undefined;
  #connection: NativeConnection | undefined;
  #established = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static async open(options: ReferenceQuicOptions): Promise<ReferenceQuic> {
    const { ca } = await testPki();
    const reference = new ReferenceQuic(options, pem(ca.certPem));
    const data = (_socket: unknown, packet: Buffer) => reference.#received(packet);
    reference.#socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data } });
    reference.wake();
    return reference;
  }

  private constructor(options: ReferenceQuicOptions, ca: Uint8Array) {
    this.#options = options;
    const { certPem, keyPem } = options.credential;
    const config = quiche.Config.withBoringSslCtx(true, false, ca, [pem(keyPem)], [pem(certPem)]);
    config.setApplicationProtos([ALPN]);
    config.setMaxIdleTimeout(30_000);
    config.setInitialMaxData(10_000_000);
    config.setInitialMaxStreamDataBidiLocal(1_000_000);
    config.setInitialMaxStreamDataBidiRemote(1_000_000);
    config.setInitialMaxStreamsBidi(100);
    config.setInitialMaxStreamsUni(100);
    config.enableDgram(true, 1000, 1000);
    if (options.role === "connector") {
      config.setMaxRecvUdpPayloadSize(1350);
      config.setMaxSendUdpPayloadSize(1350);
    } else config.setDisableActiveMigration(true);
    this.#config = config;
  }

  /** After something was done to the machine directly: carries out what it wants, and whatever is due. */
  readonly wake = (): void => {
    clearTimeout(this.#timer);
    if (this.#socket === undefined) return;
    const now = monotonicClock.now();
    if ((this.#options.machine.deadline() ?? Number.POSITIVE_INFINITY) <= now) this.#tell({ type: "timeout" });
    if (this.#connection?.timeout() === 0) this.#connection.onTimeout();
    this.#perform();
    this.#send();
    const machineWait = (this.#options.machine.deadline() ?? now + 1000) - now;
    const wait = Math.min(machineWait, this.#connection?.timeout() ?? 1000);
    this.#timer = setTimeout(this.wake, Math.max(1, wait));
  };

  /** Goes without a word, as the reference does. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #tell(event: Parameters<ReferenceMachine["handle"]>[0]): void {
    this.#options.machine.handle(event, monotonicClock.now());
    this.#perform();
  }

  #perform(): void {
    const { machine } = this.#options;
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.type === "dial") this.#dial();
      else if (output.type === "ping") this.#connection?.sendAckEliciting();
      else if (output.type === "send") this.#offer(output.bytes);
    }
  }

  #dial(): void {
    const scid = crypto.getRandomValues(new Uint8Array(this.#options.role === "agent" ? 16 : 20));
    const name = this.#options.role === "agent" ? "ztna-server" : null;
    this.#established = false;
    this.#connection = quiche.Connection.connect(name, scid, this.#local, this.#relay, this.#config);
  }

  /** Too large, or no room: lost, as there. */
  #offer(bytes: Uint8Array): void {
    try {
      this.#connection?.dgramSend(bytes);
    } catch {
      return;
    }
  }

  #received(packet: Buffer): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      connection.recv(packet, { from: this.#relay, to: this.#local });
    } catch {
      return;
    }
    if (!this.#established && connection.isEstablished()) {
      this.#established = true;
      this.largestDatagram = connection.dgramMaxWritableLen() ?? 0;
      const about = { identity: { kind: "anonymous" }, address: RELAY_ADDRESS } as const;
      this.#tell({ type: "connected", peer: PEER, ...about, maxDatagram: this.largestDatagram });
    }
    while (connection.dgramRecvQueueLen() > 0) {
      const length = connection.dgramRecv(this.#datagram);
      if (length === null) break;
      this.#tell({ type: "datagram", peer: PEER, bytes: this.#datagram.subarray(0, length) });
    }
    this.wake();
  }

  #send(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    for (let written = connection.send(this.#packet); written !== null; written = connection.send(this.#packet)) {
      this.#socket!.send(this.#packet.slice(0, written[0]), this.#relay.port, this.#relay.host);
    }
    if (!connection.isClosed() && !connection.isDraining()) return;
    this.#connection = undefined;
    const how = { by: "timeout", layer: "transport", code: 0, reason: "" } as const;
    this.#tell({ type: "disconnected", peer: PEER, ...how });
  }

  get #local() {
    return { host: "127.0.0.1", port: this.#socket!.port };
  }

  get #relay() {
    return { host: "127.0.0.1", port: this.#options.relayPort };
  }
}

const PEER = 1;
