// Our connector for simulations, with a TCP server behind it: what the server reads is kept, and answered as the test
// wants.
import { Connector, type ConnectorOutput } from "../../src/connector/connector.ts";
import type { ServiceEntry } from "../../src/connector/services.ts";
import type { Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { Dial, DialEvent, Fatal, Notice, PeerCommand, PeerEvent } from "../../src/tunnel/peer.ts";
import type { StreamCommand, StreamEvent, StreamId } from "../../src/tunnel/stream.ts";
import { concatenated } from "./plain-tcp.ts";
import type { ServerAnswer } from "./reference-connector-host.ts";
import { testHash } from "./test-hash.ts";

/** To what a connection has brought so far, whenever that grew. */
export type Answering = (read: Uint8Array) => ServerAnswer | undefined;

export class TcpConnectorHost {
  readonly connector: Connector;
  /** What each connection has brought, in the order of their opening. */
  readonly connections: { readonly stream: StreamId; readonly parts: Uint8Array[] }[] = [];
  private readonly answering: Answering;
  /** For the connector, once it has been polled to the end. */
  private readonly events: StreamEvent[] = [];
  private now: Millis = 0;

  constructor(service: ServiceEntry, random: () => number, answering: Answering = () => undefined) {
    this.connector = new Connector({ services: [service], random, hash: testHash });
    this.answering = answering;
  }

  readBy(connection: number): Uint8Array {
    return concatenated(this.connections[connection]?.parts ?? []);
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    this.now = now;
    this.connector.handle(input, now);
  }

  poll(): PeerCommand | Dial | Notice | Fatal | undefined {
    for (;;) {
      const output = this.connector.poll();
      const event = output === undefined ? this.events.shift() : undefined;
      if (event !== undefined) this.connector.handle(event, this.now);
      else if (output === undefined || isForPeers(output)) return output;
      else if ("stream" in output) this.perform(output);
    }
  }

  deadline(): Millis | undefined {
    return this.connector.deadline();
  }

  private perform(command: StreamCommand): void {
    const { stream } = command;
    if (command.type === "stream-open") {
      this.connections.push({ stream, parts: [] });
      this.events.push({ type: "stream-opened", stream });
    } else if (command.type === "stream-write") {
      this.events.push({ type: "stream-taken", stream, count: command.bytes.length });
      this.read(stream, command.bytes.slice());
    }
  }

  private read(stream: StreamId, bytes: Uint8Array): void {
    const { parts } = this.connections.find((connection) => connection.stream === stream)!;
    parts.push(bytes);
    const answer = this.answering(concatenated(parts));
    if (answer === undefined) return;
    this.events.push({ type: "stream-data", stream, bytes: answer.bytes.slice() });
    if (answer.close) this.events.push({ type: "stream-ended", stream });
  }
}

function isForPeers(output: ConnectorOutput): output is PeerCommand | Dial | Notice | Fatal {
  return !("stream" in output) && !("backend" in output);
}
