// Carries out a client role's wish to reach its relay: resolves the name anew and starts a handshake. A relay with
// several addresses is tried at each in turn.
import type { Millis } from "../core/machine.ts";
import type { Dial, DialEvent, PeerId } from "../tunnel/peer.ts";
import type { SocketAddress } from "../wire/address.ts";
import type { Resolver } from "./resolver.ts";

export interface RelayDiallerOptions {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  readonly resolver: Pick<Resolver, "resolve">;
  readonly endpoint: { connect(to: SocketAddress, expected: readonly string[], now: Millis): PeerId };
  readonly socket: { remote(host: string, port: number): SocketAddress };
  /** Any of these must be in the relay's certificate. */
  readonly names: readonly string[];
  readonly now: () => Millis;
  readonly feed: (event: DialEvent) => void;
}

export class RelayDialler {
  readonly #options: RelayDiallerOptions;
  #turn = 0;

  constructor(options: RelayDiallerOptions) {
    this.#options = options;
  }

  /** Answers with one event. Never rejects. */
  async perform({ dial }: Dial): Promise<void> {
    const { host, resolver, feed } = this.#options;
    let addresses: readonly string[];
    try {
      addresses = await resolver.resolve(host);
    } catch (error) {
      feed({ type: "unresolved", dial, detail: `${host}: ${messageOf(error)}` });
      return;
    }
    feed(this.#connect(dial, addresses));
  }

  /** At the first address, beginning with the one whose turn it is, that a local socket reaches. */
  #connect(dial: number, addresses: readonly string[]): DialEvent {
    const { endpoint, socket, host, port, names, now } = this.#options;
    const first = this.#turn++;
    let detail = "no address";
    for (let step = 0; step < addresses.length; step++) {
      const address = addresses[(first + step) % addresses.length] ?? host;
      try {
        const peer = endpoint.connect(socket.remote(address, port), names, now());
        return { type: "dialing", dial, peer };
      } catch (error) {
        detail = messageOf(error);
      }
    }
    return { type: "unresolved", dial, detail };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
