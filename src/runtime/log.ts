// One line per notice on standard error: text for people or JSON for machines, UTC milliseconds, never payloads.
// Repeats of one event are rate-limited and counted, so that no flood of events becomes a flood of lines.
import type { Millis } from "../core/machine.ts";
import { RateLimiter } from "../core/rate-limiter.ts";
import type { LogLevel, Notice } from "../tunnel/peer.ts";

export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly now: () => Millis;
  /** Present when a person watches: dresses the level of a text line. */
  readonly paint?: (level: LogLevel, text: string) => string;
}

export type LogFields = Notice["fields"];

export class Log {
  readonly #options: LogOptions;
  readonly #limiter = new RateLimiter<string>({
    perSecond: LINES_PER_SECOND,
    burst: LINES_AT_ONCE,
    maxKeys: MAX_EVENTS,
  });
  /** Lines held back, by event, until the next one of that event is let through. */
  readonly #suppressed = new Map<string, number>();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  notice({ level, event, fields }: Notice): void {
    this.line(level, event, fields);
  }

  line(level: LogLevel, event: string, fields: LogFields = {}): void {
    const { now } = this.#options;
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#options.level)) return;
    const held = this.#suppressed.get(event) ?? 0;
    if (!this.#limiter.allow(event, now())) {
      if (held > 0 || this.#suppressed.size < MAX_EVENTS) this.#suppressed.set(event, held + 1);
      return;
    }
    this.#suppressed.delete(event);
    this.#write(level, event, held > 0 ? { ...fields, suppressed: held } : fields);
  }

  /** A line that is part of the command's contract: as it is, whatever the level. */
  plain(text: string): void {
    this.#options.write(`${text}\n`);
  }

  /** Says how many lines were held back and not yet mentioned. */
  close(): void {
    for (const [event, suppressed] of this.#suppressed)
      this.#write("info", "suppressed", { repeated: event, suppressed });
    this.#suppressed.clear();
  }

  #write(level: LogLevel, event: string, fields: LogFields): void {
    const time = new Date(this.#options.wallNow()).toISOString();
    const format = this.#options.format === "json" ? jsonLine : textLine;
    this.#options.write(`${format(time, level, event, fields, this.#options.paint)}\n`);
  }
}

function jsonLine(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const own = Object.entries(fields).map(([name, value]) => [
    RESERVED.has(name) ? `field_${name}` : name,
    typeof value === "string" ? value.slice(0, MAX_VALUE) : value,
  ]);
  return JSON.stringify({ time, level, event, ...Object.fromEntries(own) });
}

function textLine(time: string, level: LogLevel, event: string, fields: LogFields, paint: LogOptions["paint"]): string {
  const padded = level.padEnd(LEVEL_WIDTH);
  const values = Object.entries(fields).map(([name, value]) => `${name}=${textValue(value)}`);
  return [time, paint === undefined ? padded : paint(level, padded), event, ...values].join(" ");
}

/** Quoted where need be: names that peers chose must not forge a line, a field or a terminal's escape sequence. */
export function textValue(value: string | number): string {
  if (typeof value === "number") return String(value);
  const short = value.slice(0, MAX_VALUE);
  return PLAIN.test(short) ? short : printable(JSON.stringify(short));
}

/** One line without control characters, and without those that turn the writing direction. */
export function printable(line: string): string {
  return line.replace(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return [...character].map((one) => `\\u{${one.codePointAt(0)?.toString(16)}}`).join("");
}

export const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const LEVEL_WIDTH = 5;
const LINES_PER_SECOND = 5;
const LINES_AT_ONCE = 50;
/** Events are constants of our code: this is a bound for mistakes. */
const MAX_EVENTS = 512;
const MAX_VALUE = 512;
const RESERVED: ReadonlySet<string> = new Set(["time", "level", "event"]);
const PLAIN = /^[\w./:@*+,-]+$/;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
