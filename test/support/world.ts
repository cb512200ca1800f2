// A relay and its clients as machines on a seeded network in virtual time. Of QUIC there is what roles can tell:
// handshakes, unreliable datagrams, pings that are repeated until answered, closes, resets, idle timeouts.
import { type Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Anonymous, Identity } from "../../src/identity/identity.ts";
import { DEFAULT_RELAY_OPTIONS, type RelayOptions } from "../../src/relay/options.ts";
import { Relay } from "../../src/relay/relay.ts";
import type { DialEvent, Notice, PeerCommand, PeerEvent, PeerId } from "../../src/tunnel/peer.ts";
import { type LinkConditions, Network } from "./network.ts";
import { certificate, socketAddress } from "./relay-world.ts";
import {
  type Client,
  type ClientMachine,
  type Close,
  type Connection,
  copyFrame,
  type Frame,
  isAlive,
  type Side,
} from "./world-frames.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly conditions?: Partial<LinkConditions>;
  /** Whether a restarted relay resets connections that it does not know. */
  readonly resets?: boolean;
  readonly relay?: Partial<RelayOptions>;
}

export class World {
  now: Millis = 0;
  relay: Relay;
  readonly network: Network<Frame>;
  readonly notices: { readonly at: Millis; readonly from: string; readonly notice: Notice }[] = [];
  private readonly options: WorldOptions;
  private readonly clients = new Map<string, Client>();
  private readonly connections = new Map<PeerId, Connection>();
  private readonly schedule: { readonly at: Millis; readonly action: () => void }[] = [];
  private relayLife = 1;
  private relayUp = true;
  private peers = 0;
  private ports = 40_000;

  constructor(options: WorldOptions) {
    this.options = options;
    this.network = new Network({ seed: options.seed, copy: copyFrame, conditions: options.conditions ?? {} });
    this.relay = this.newRelay();
  }

  /** Its identity is made from its name, so that a restarted client is the same one. */
  add<M extends ClientMachine>(
    name: string,
    machine: M,
    identity: Identity | Anonymous = certificate(name),
    maxDatagram = { client: MAX_DATAGRAM, relay: MAX_DATAGRAM },
  ): M {
    this.clients.set(name, { name, identity, machine, port: ++this.ports, maxDatagram });
    return machine;
  }

  /** Its connections stay where they are, and nothing answers. */
  kill(name: string): void {
    this.clients.get(name)!.machine = undefined;
  }

  restart<M extends ClientMachine>(name: string, machine: M): M {
    const client = this.clients.get(name)!;
    client.machine = machine;
    client.port = ++this.ports;
    return machine;
  }

  killRelay(): void {
    this.relayUp = false;
    this.relayLife += 1;
  }

  startRelay(): void {
    this.relayUp = true;
    this.relay = this.newRelay();
  }

  at(time: Millis, action: () => void): void {
    const index = this.schedule.findLastIndex((entry) => entry.at <= time);
    this.schedule.splice(index + 1, 0, { at: time, action });
  }

  /** After something was done to a client directly. */
  pump(name: string): void {
    const client = this.clients.get(name)!;
    if (client.machine !== undefined) this.drainClient(client, client.machine);
  }

  runUntil(end: Millis): void {
    for (;;) {
      const next = this.nextTime();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.runDue();
    }
    this.now = end;
  }

  private nextTime(): Millis {
    let next = Math.min(this.schedule[0]?.at ?? NEVER, this.network.next() ?? NEVER);
    if (this.relayUp) next = Math.min(next, this.relay.deadline() ?? NEVER);
    for (const { machine } of this.clients.values()) next = Math.min(next, machine?.deadline() ?? NEVER);
    return next;
  }

  private runDue(): void {
    while (this.schedule[0] !== undefined && this.schedule[0].at <= this.now) this.schedule.shift()!.action();
    for (let arrival = this.network.receive(this.now); arrival; arrival = this.network.receive(this.now)) {
      this.arrive(arrival.link.endsWith(">relay") ? "relay" : "client", arrival.message);
    }
    if (this.relayUp && (this.relay.deadline() ?? NEVER) <= this.now) this.toRelay(TIMEOUT);
    for (const client of this.clients.values()) {
      if ((client.machine?.deadline() ?? NEVER) <= this.now) this.toClient(client, client.machine!, TIMEOUT);
    }
  }

  private toRelay(input: PeerEvent | typeof TIMEOUT): void {
    this.relay.handle(input, this.now);
    for (let output = this.relay.poll(); output !== undefined; output = this.relay.poll()) {
      if (output.type === "notice") this.notices.push({ at: this.now, from: "relay", notice: output });
      else this.command("relay", output);
    }
  }

  private toClient(client: Client, machine: ClientMachine, input: PeerEvent | DialEvent | typeof TIMEOUT): void {
    if (client.machine !== machine) return; // of a process that was killed
    machine.handle(input, this.now);
    this.drainClient(client, machine);
  }

  private drainClient(client: Client, machine: ClientMachine): void {
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.type === "notice") this.notices.push({ at: this.now, from: client.name, notice: output });
      else if (output.type === "dial") this.dial(client, machine, output.dial);
      else if (output.type !== "fatal") this.command("client", output);
    }
  }

  private dial(client: Client, machine: ClientMachine, dial: number): void {
    const id = ++this.peers;
    const connection: Connection = {
      ...{ id, client, machine, relayLife: undefined },
      open: { client: false, relay: false },
      pinged: { client: false, relay: false },
      heardAt: { client: this.now, relay: this.now },
    };
    this.connections.set(id, connection);
    this.at(this.now, () => {
      this.toClient(client, machine, { type: "dialing", dial, peer: id });
      this.repeat("client", { type: "initial", connection }, () => connection.open.client || !this.knows(connection));
    });
  }

  private command(side: Side, command: PeerCommand): void {
    const connection = this.connections.get(command.peer);
    if (connection === undefined) return;
    if (command.type === "close") {
      connection.open[side] = false;
      this.send(side, { type: "close", connection, close: command });
      if (side === "client") this.connections.delete(command.peer);
    } else if (!connection.open[side]) {
      return;
    } else if (command.type === "send") {
      if (command.bytes.length > connection.client.maxDatagram[side]) {
        throw new Error(`${connection.client.name}: the ${side} sends a datagram of ${command.bytes.length} bytes`);
      }
      this.send(side, { type: "datagram", connection, bytes: command.bytes });
    } else if (!connection.pinged[side]) {
      connection.pinged[side] = true;
      this.repeat(side, { type: "ping", connection }, () => !connection.pinged[side] || !connection.open[side]);
    }
  }

  private send(from: Side, frame: Frame): void {
    const { name } = frame.connection.client;
    this.network.send(from === "client" ? `${name}>relay` : `relay>${name}`, frame, this.now);
  }

  /** As QUIC repeats what is not acknowledged: ever more slowly, until it is settled. */
  private repeat(from: Side, frame: Frame, isSettled: () => boolean, wait: Millis = PROBE_MS): void {
    if (isSettled()) return;
    if (from === "relay" ? this.relayKnows(frame.connection) : isAlive(frame.connection)) this.send(from, frame);
    this.at(this.now + wait, () => this.repeat(from, frame, isSettled, Math.min(wait * 2, 8 * PROBE_MS)));
  }

  private arrive(side: Side, frame: Frame): void {
    const { connection } = frame;
    if (side === "relay") this.arriveAtRelay(connection, frame);
    else if (this.knows(connection) && isAlive(connection)) this.arriveAtClient(connection, frame);
  }

  private arriveAtRelay(connection: Connection, frame: Frame): void {
    if (!this.relayUp) return;
    if (frame.type === "initial" && connection.relayLife === undefined) connection.relayLife = this.relayLife;
    if (!this.relayKnows(connection)) {
      const isLong = frame.type === "initial" || frame.type === "finished";
      if (this.options.resets !== false && !isLong) this.send("relay", { type: "reset", connection });
      return;
    }
    if (frame.type === "initial") this.send("relay", { type: "handshake", connection });
    else if (frame.type === "finished") this.accept(connection);
    else if (connection.open.relay) this.takeFrame("relay", connection, frame);
    else if (frame.type === "close") connection.relayLife = CLOSED;
  }

  private arriveAtClient(connection: Connection, frame: Frame): void {
    if (frame.type === "handshake") {
      if (connection.open.client) return;
      connection.open.client = true;
      this.watchIdle("client", connection);
      this.repeat("client", { type: "finished", connection }, () => connection.open.relay || !connection.open.client);
      this.toClient(connection.client, connection.machine, this.connected("client", connection));
    } else if (connection.open.client) this.takeFrame("client", connection, frame);
  }

  private accept(connection: Connection): void {
    if (connection.open.relay) return;
    connection.open.relay = true;
    this.watchIdle("relay", connection);
    this.toRelay(this.connected("relay", connection));
  }

  private takeFrame(side: Side, connection: Connection, frame: Frame): void {
    connection.heardAt[side] = this.now;
    const peer = connection.id;
    if (connection.pinged[side]) {
      connection.pinged[side] = false;
      this.tell(side, connection, { type: "heard", peer });
    }
    if (frame.type === "datagram") this.tell(side, connection, { type: "datagram", peer, bytes: frame.bytes });
    else if (frame.type === "ping") this.send(side, { type: "pong", connection });
    else if (frame.type === "close") this.drop(side, connection, "peer", frame.close);
    else if (frame.type === "reset") this.drop(side, connection, "reset");
  }

  private drop(side: Side, connection: Connection, by: "peer" | "reset" | "timeout", close: Close = NO_CLOSE): void {
    connection.open[side] = false;
    const { layer, code, reason } = close;
    this.tell(side, connection, { type: "disconnected", peer: connection.id, by, layer, code, reason });
  }

  private watchIdle(side: Side, connection: Connection): void {
    connection.heardAt[side] = this.now;
    const check = () => {
      if (!connection.open[side] || (side === "relay" && !this.relayKnows(connection))) return;
      const due = connection.heardAt[side] + IDLE_MS;
      if (this.now >= due) this.drop(side, connection, "timeout");
      else this.at(due, check);
    };
    this.at(this.now + IDLE_MS, check);
  }

  private tell(side: Side, connection: Connection, event: PeerEvent): void {
    if (side === "relay") this.toRelay(event);
    else this.toClient(connection.client, connection.machine, event);
  }

  private connected(side: Side, { id, client }: Connection): PeerEvent {
    const address = socketAddress("198.51.100.1", client.port);
    const maxDatagram = client.maxDatagram[side];
    return { type: "connected", peer: id, identity: client.identity, address, maxDatagram };
  }

  private knows(connection: Connection): boolean {
    return this.connections.get(connection.id) === connection;
  }

  private relayKnows({ relayLife }: Connection): boolean {
    return this.relayUp && relayLife === this.relayLife;
  }

  private newRelay(): Relay {
    return new Relay({ ...DEFAULT_RELAY_OPTIONS, ...this.options.relay });
  }
}

/** Of 1350-byte packets to ends with connection ids of 20 bytes. */
const MAX_DATAGRAM = 1306;
const NEVER = Number.POSITIVE_INFINITY;
/** No life of a relay: its client closed it during the handshake. */
const CLOSED = 0;
const PROBE_MS = 250;
const IDLE_MS = 30_000;
const NO_CLOSE: Close = { layer: "transport", code: 0, reason: "" };
