// The kinds of values that options take: how a text is read, how a file may write it, what to say when it is wrong.
import { isIP } from "node:net";
import type { ZodType, z as zod } from "zod";

type Zod = typeof zod;

export interface Kind<T> {
  /** Stands for the value in help: "PORT". A switch has none. */
  readonly placeholder?: string;
  /** The value of a flag that is given without one. */
  readonly bare?: string;
  /** Completes "… must be": "a port from 0 to 65535". */
  readonly expected: string;
  /** The value, or undefined when the text is not one. */
  parse(text: string): T | undefined;
  /** Shape of the value in a file; the library is passed in because only a command that has a file loads it. */
  schema(z: Zod): ZodType;
  /** Reads what the schema let through; without it, the text of the value is parsed. */
  fromFile?(value: unknown): T | undefined;
  /** The text of a value, where String() does not give it. */
  show?(value: T): string;
  /** Each use of the flag adds a value; T is a list. */
  readonly repeatable?: true;
  /** What a shell may offer for the value. */
  readonly completes?: "files" | "directories" | readonly string[];
}

export const text: Kind<string> = {
  placeholder: "TEXT",
  expected: "a text that is not empty",
  parse: (value) => (value === "" ? undefined : value),
  schema: (z) => z.string(),
};

export const file: Kind<string> = {
  ...text,
  placeholder: "FILE",
  expected: "the path of a file",
  completes: "files",
};

export const directory: Kind<string> = {
  ...file,
  placeholder: "DIR",
  expected: "the path of a directory",
  completes: "directories",
};

/** A name or an address, without a port. */
export const host: Kind<string> = {
  ...text,
  placeholder: "HOST",
  expected: "a host name or an address",
  parse: parseHost,
};

export const ip: Kind<string> = {
  ...text,
  placeholder: "IP",
  expected: "an IPv4 or IPv6 address",
  parse: (value) => (isIP(unbracket(value)) === 0 ? undefined : unbracket(value)),
};

export const ipv4: Kind<string> = {
  ...text,
  placeholder: "IPV4",
  expected: "an IPv4 address",
  parse: (value) => (isIP(value) === 4 ? value : undefined),
};

/** A port to listen on; 0 lets the system choose. */
export const port: Kind<number> = { ...count(0, 65535), placeholder: "PORT", expected: "a port from 0 to 65535" };

export const toggle: Kind<boolean> = {
  expected: "true or false",
  parse: (value) => (TRUE.has(value) ? true : FALSE.has(value) ? false : undefined),
  schema: (z) => z.boolean(),
};

/** A whole number within bounds. */
export function count(least: number, most: number): Kind<number> {
  return {
    placeholder: "N",
    expected: `a whole number from ${least} to ${most}`,
    parse: (value) => {
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= least && number <= most ? number : undefined;
    },
    schema: (z) => z.number().meta({ type: "integer", minimum: least, maximum: most }),
  };
}

/** A length of time; a bare number is in seconds, the value in milliseconds. */
export const duration: Kind<number> = {
  placeholder: "TIME",
  expected: "a length of time such as 500ms, 30s, 5m or 12h",
  parse: (value) => {
    const match = /^(\d{1,9})(ms|s|m|h|d|)$/.exec(value);
    return match === null ? undefined : Number(match[1]) * (UNIT_MILLIS[match[2] as keyof typeof UNIT_MILLIS] ?? 0);
  },
  show: (value) => {
    const unit = (["d", "h", "m", "s"] as const).find((each) => value % UNIT_MILLIS[each] === 0) ?? "ms";
    return `${value / UNIT_MILLIS[unit]}${unit}`;
  },
  schema: (z) => z.union([z.string().meta({ pattern: "^\\d{1,9}(ms|s|m|h|d|)$" }), z.number().meta({ minimum: 0 })]),
};

export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    placeholder: words.join("|"),
    expected: `one of ${words.join(", ")}`,
    parse: (value) => words.find((word) => word === value),
    schema: (z) => z.string().meta({ enum: [...words] }),
    completes: words,
  };
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** HOST:PORT, or HOST alone where there is a default port. IPv6 addresses are bracketed when a port follows. */
export function hostPort(defaultPort?: number): Kind<HostPort> {
  return {
    placeholder: defaultPort === undefined ? "HOST:PORT" : "HOST[:PORT]",
    expected:
      defaultPort === undefined ? "HOST:PORT, the port from 1 to 65535" : "HOST or HOST:PORT, the port from 1 to 65535",
    parse: (value) => parseHostPort(value, defaultPort),
    schema: (z) => z.string(),
    show: hostPortText,
  };
}

/** A host with a port that may be left out. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number | undefined;
}

/** Where to listen; unlike a host to reach it may have port 0. */
export const listenAddress: Kind<ListenAddress> = {
  schema: (z) => z.string(),
  placeholder: "ADDRESS[:PORT]",
  expected: "an address, or ADDRESS:PORT, IPv6 in brackets before a port",
  parse: (value) => {
    const match = isIP(value) === 6 ? null : /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(value);
    const name = parseHost(match?.[1] ?? value);
    const number = match === null ? undefined : Number(match[2]);
    return name === undefined || (number ?? 0) > 65535 ? undefined : { host: name, port: number };
  },
  show: ({ host: name, port: number }) => (number === undefined ? name : hostPortText({ host: name, port: number })),
};

/** Where a backend is; without a port, the destination's port is kept. */
export const backendAddress: Kind<ListenAddress> = {
  ...listenAddress,
  placeholder: "HOST[:PORT]",
  expected: "HOST or HOST:PORT, the port from 1 to 65535",
  parse: (value) => {
    const address = listenAddress.parse(value);
    return address?.port === 0 ? undefined : address;
  },
};

/** HOST:PORT as it is written, IPv6 addresses in brackets. */
export function hostPortText({ host: name, port: number }: HostPort): string {
  return `${name.includes(":") ? `[${name}]` : name}:${number}`;
}

/** The flag repeated, a comma-separated variable, or a list in the file. */
export function list<T>(element: Kind<T>): Kind<readonly T[]> {
  return {
    ...(element.placeholder === undefined ? {} : { placeholder: element.placeholder }),
    ...(element.completes === undefined ? {} : { completes: element.completes }),
    expected: element.expected,
    parse: (value) => parseAll(element, value.split(",")),
    schema: (z) => z.union([element.schema(z), z.array(element.schema(z))]),
    fromFile: (value) => parseAll(element, (Array.isArray(value) ? value : [value]).map(String)),
    show: (values) => values.map((value) => element.show?.(value) ?? String(value)).join(","),
    repeatable: true,
  };
}

function parseAll<T>(element: Kind<T>, texts: readonly string[]): readonly T[] | undefined {
  const values: T[] = [];
  for (const one of texts) {
    const value = element.parse(one);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values.length === 0 ? undefined : values;
}

function parseHostPort(value: string, defaultPort: number | undefined): HostPort | undefined {
  if (isIP(value) === 6) return defaultPort === undefined ? undefined : { host: value, port: defaultPort };
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(value);
  const name = match?.[1] === undefined ? undefined : parseHost(match[1]);
  const number = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (name === undefined || number === undefined || number < 1 || number > 65535) return undefined;
  return { host: name, port: number };
}

/** Digits and dots alone must be an address: "300.1.1.1" is a mistake, not a name. */
function parseHost(value: string): string | undefined {
  const bare = unbracket(value);
  if (isIP(bare) !== 0) return bare;
  return bare === value && NAME.test(value) && !/^[\d.]+$/.test(value) ? value : undefined;
}

function unbracket(value: string): string {
  return value.startsWith("[") && value.endsWith("]") && value.includes(":") ? value.slice(1, -1) : value;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
const TRUE: ReadonlySet<string> = new Set(["true", "1"]);
const FALSE: ReadonlySet<string> = new Set(["false", "0"]);
const UNIT_MILLIS = { ms: 1, "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
