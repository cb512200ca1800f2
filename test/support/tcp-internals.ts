// What a connection keeps to itself, for tests that hold its memory to bounds or forge numbers that only it knows.
import type { Connection } from "../../src/tcp/connection.ts";
import type { ConnectionSettings } from "../../src/tcp/connection-options.ts";
import type { Receiver } from "../../src/tcp/receiver.ts";
import type { Scoreboard } from "../../src/tcp/scoreboard.ts";
import type { SendSpace } from "../../src/tcp/send-space.ts";

interface Internals {
  readonly receiver: Receiver;
  readonly space: SendSpace;
  readonly settings: ConnectionSettings;
  readonly sender: { readonly recovery: { readonly flight: Scoreboard } };
}

export function internalsOf(connection: Connection): Internals {
  return connection as unknown as Internals;
}
