// The certificates that a running relay presents. They are only read: nothing is verified, so that they can be shown
// also when nobody could trust them; and no certificate of ours is needed, because the relay shows its own first.
import type { Machine, Millis } from "../core/machine.ts";
import { CredentialFault } from "../pki/credential-fault.ts";
import { certificateOf, type StoredCertificate, whatIs } from "../pki/key-material.ts";
import type { Endpoint } from "../quic/endpoint.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { Driver } from "../runtime/driver.ts";
import { Resolver } from "../runtime/resolver.ts";
import type { PeerEvent, PeerId } from "../tunnel/peer.ts";
import { openDiallingEndpoint, openDiallingSocket, sayGoodbye } from "./dialling.ts";
import { CommandError, UnreachableError } from "./errors.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";

/**
 * Leaf first. All addresses of the name are asked at once, the first answer counts. Throws UnreachableError when none
 * comes in time, CommandError when something answers that is no relay.
 */
export async function presentedBy(server: HostPort, limitMs: number): Promise<readonly StoredCertificate[]> {
  const shown = await handshake(server, limitMs);
  const name = hostPortText(server);
  if (shown.length === 0) throw new CredentialFault("no-certificate", name, "presents no certificate");
  return shown.map((der) => {
    const certificate = certificateOf(der);
    if (certificate !== undefined) return certificate;
    throw new CredentialFault("bad-certificate", name, `presents ${whatIs(der)}`);
  });
}

async function addressesOf(host: string, timeoutMs: number): Promise<readonly string[]> {
  try {
    return (await new Resolver({ freshMs: 0, now: monotonicClock.now, timeoutMs }).resolve(host)).slice(
      0,
      MAX_ADDRESSES,
    );
  } catch (error) {
    throw new UnreachableError(`${host} has no address: ${messageOf(error)}`);
  }
}

async function handshake(server: HostPort, limitMs: number): Promise<readonly Uint8Array[]> {
  const until = monotonicClock.now() + limitMs;
  const addresses = await addressesOf(server.host, limitMs);
  const endpoint = openDiallingEndpoint({ tls: {}, verifyPeer: false });
  const reader = new ChainReader(endpoint, hostPortText(server), until);
  const driver = new Driver<never, never>({ role: reader, endpoint, clock: monotonicClock, perform: () => {} });
  const socket = await openDiallingSocket(driver);
  try {
    for (const address of addresses) {
      try {
        reader.expect(endpoint.connect(socket.remote(address, server.port), [], monotonicClock.now()));
      } catch (error) {
        reader.fail(new UnreachableError(`${hostPortText(server)} cannot be reached: ${messageOf(error)}`));
      }
    }
    driver.attach(socket);
    return await reader.shown;
  } finally {
    await sayGoodbye(endpoint, driver, GOODBYE_MS);
    socket.close();
  }
}

class ChainReader implements Machine<PeerEvent, never> {
  readonly #result = Promise.withResolvers<readonly Uint8Array[]>();
  readonly #endpoint: Endpoint;
  readonly #server: string;
  readonly #until: Millis;
  readonly #dialled = new Set<PeerId>();
  #failure: CommandError | undefined;
  #settled = false;

  constructor(endpoint: Endpoint, server: string, until: Millis) {
    this.#endpoint = endpoint;
    this.#server = server;
    this.#until = until;
  }

  get shown(): Promise<readonly Uint8Array[]> {
    if (this.#dialled.size === 0) this.#giveUp();
    return this.#result.promise;
  }

  expect(peer: PeerId): void {
    this.#dialled.add(peer);
  }

  /** What is told when nothing better comes. */
  fail(failure: CommandError): void {
    this.#failure ??= failure;
  }

  handle(input: PeerEvent | { readonly type: "timeout" }, now: Millis): void {
    if (input.type === "timeout") {
      if (now >= this.#until) this.#giveUp();
      return;
    }
    if (input.type === "connected") {
      this.#settled = true;
      this.#result.resolve(this.#endpoint.certificatesOf(input.peer).map((der) => der.slice()));
    } else if (input.type === "dial-failed") {
      if (input.reason !== "unreachable") this.fail(this.#refusal(input.reason, input.detail));
      this.#dialled.delete(input.peer);
      if (this.#dialled.size === 0) this.#giveUp();
    }
  }

  poll(): undefined {
    return undefined;
  }

  deadline(): Millis | undefined {
    return this.#settled ? undefined : this.#until;
  }

  #giveUp(): void {
    this.#settled = true;
    this.#result.reject(this.#failure ?? new UnreachableError(`${this.#server} does not answer; ${ADVICE}`));
  }

  #refusal(reason: string, detail: string): CommandError {
    if (reason === "alpn") return new CommandError(`${this.#server} speaks QUIC, but is no relay: ${detail}`);
    return new CommandError(`${this.#server} refuses the handshake: ${detail}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const ADVICE = "ztna doctor --server tells whether UDP gets there";
const MAX_ADDRESSES = 4;
const GOODBYE_MS = 500;
