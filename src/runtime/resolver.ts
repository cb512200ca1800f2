// Names -> addresses, with a bounded cache. A name server that is down must not take down what already works: the last
// good answer stays in use until there is a new one.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Millis } from "../core/machine.ts";

export interface ResolverOptions {
  /** How long an answer is used without asking again. */
  readonly freshMs: Millis;
  readonly now: () => Millis;
  readonly timeoutMs?: Millis;
  /** Asks the system; replaced in tests. */
  readonly query?: (host: string) => Promise<readonly string[]>;
}

interface Entry {
  /** Never empty. */
  readonly addresses: readonly string[];
  readonly at: Millis;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #known = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<readonly string[]>>();

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** At least one address, in the order of preference. Rejects when there is none and never was. */
  async resolve(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    const known = this.#known.get(host);
    if (known !== undefined && this.#options.now() - known.at < this.#options.freshMs) return known.addresses;
    try {
      return await this.#ask(host);
    } catch (error) {
      if (known === undefined) throw error;
      return known.addresses;
    }
  }

  get size(): number {
    return this.#known.size;
  }

  /** One question at a time for each name. */
  #ask(host: string): Promise<readonly string[]> {
    const asking = this.#asking.get(host);
    if (asking !== undefined) return asking;
    if (this.#asking.size >= MAX_ASKING) return Promise.reject(new Error("too many names are being resolved"));
    const answer = this.#query(host).finally(() => this.#asking.delete(host));
    this.#asking.set(host, answer);
    return answer;
  }

  async #query(host: string): Promise<readonly string[]> {
    const { query = querySystem, timeoutMs = TIMEOUT_MS, now } = this.#options;
    const addresses = await within(query(host), timeoutMs);
    if (addresses.length === 0) throw new Error("the name has no address");
    this.#known.delete(host);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(host, { addresses: addresses.slice(0, MAX_ADDRESSES), at: now() });
    return addresses;
  }
}

async function querySystem(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}

function within<T>(work: Promise<T>, timeoutMs: Millis): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const TIMEOUT_MS = 4000;
const MAX_KNOWN = 256;
const MAX_ASKING = 64;
const MAX_ADDRESSES = 16;
