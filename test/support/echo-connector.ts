// A connector for simulations, together with its backends: each answers what it gets, with its own name before it.

import type { BackendCommand, BackendId } from "../../src/connector/backend.ts";
import { Connector, type ConnectorOptions, type ConnectorOutput } from "../../src/connector/connector.ts";
import type { Millis, TIMEOUT } from "../../src/core/machine.ts";
import type { DialEvent, PeerEvent } from "../../src/tunnel/peer.ts";
import { testHash } from "./test-hash.ts";

interface Answer {
  readonly at: Millis;
  readonly backend: BackendId;
  readonly bytes: Uint8Array;
}

export class EchoConnector {
  readonly connector: Connector;
  /** What reached a backend. */
  readonly requests: { readonly at: Millis; readonly backend: string; readonly payload: string }[] = [];
  private readonly open = new Map<BackendId, string>();
  private readonly answers: Answer[] = [];
  private now: Millis = 0;

  constructor(options: Omit<ConnectorOptions, "hash">) {
    this.connector = new Connector({ hash: testHash, ...options });
  }

  handle(input: PeerEvent | DialEvent | typeof TIMEOUT, now: Millis): void {
    this.now = now;
    const due = input.type === "timeout" && this.answers[0] !== undefined && this.answers[0].at <= now;
    if (!due) {
      this.connector.handle(input, now);
      return;
    }
    const { backend, bytes } = this.answers.shift()!;
    this.connector.handle({ type: "udp-data", backend, bytes }, now);
  }

  poll(): Exclude<ConnectorOutput, BackendCommand> | undefined {
    for (let output = this.connector.poll(); output !== undefined; output = this.connector.poll()) {
      if (!isBackendCommand(output)) return output;
      this.perform(output);
    }
    return undefined;
  }

  deadline(): Millis | undefined {
    const next = this.connector.deadline();
    const answer = this.answers[0]?.at;
    return next === undefined || (answer !== undefined && answer < next) ? answer : next;
  }

  private perform(command: BackendCommand): void {
    if (command.type === "udp-open") this.open.set(command.backend, `${command.host}:${command.port}`);
    else if (command.type === "udp-close") this.open.delete(command.backend);
    else if (command.type === "udp-send") this.echo(command.backend, command.bytes);
  }

  private echo(backend: BackendId, bytes: Uint8Array): void {
    const name = this.open.get(backend);
    if (name === undefined) throw new Error(`backend ${backend} is not open`);
    const payload = new TextDecoder().decode(bytes);
    this.requests.push({ at: this.now, backend: name, payload });
    this.answers.push({ at: this.now + BACKEND_MS, backend, bytes: new TextEncoder().encode(`${name} ${payload}`) });
  }
}

function isBackendCommand(output: ConnectorOutput): output is BackendCommand {
  return output.type.startsWith("udp-") || output.type.startsWith("stream-");
}

const BACKEND_MS = 0.5;
