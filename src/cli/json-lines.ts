// Where things stand in a JSON text: the line of every key and element, of a key given twice, and of the first mistake.
// JSON.parse says none of that.

export interface JsonLines {
  /** The line of a key or an element, counted from 1. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
  /** The first place that is not JSON. */
  readonly mistake: { readonly line: number; readonly column: number } | undefined;
  /** The first key that its object already has. */
  readonly repeated: { readonly key: string; readonly line: number } | undefined;
}

export function jsonLines(text: string): JsonLines {
  const scan = new Scan(text);
  const wellFormed = scan.value([]) && scan.token() === "";
  return {
    lineOf: (path) => scan.lines.get(keyOf(path)),
    mistake: wellFormed ? undefined : scan.place(),
    repeated: scan.repeated,
  };
}

class Scan {
  readonly lines = new Map<string, number>();
  repeated: { readonly key: string; readonly line: number } | undefined;
  readonly #text: string;
  /** Behind the last token. */
  #at = 0;
  /** Where the last token began. */
  #start = 0;
  #countedTo = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token; empty at the end of the text, undefined where there is none. */
  token(): string | undefined {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#start = SPACE.lastIndex;
    if (this.#start === this.#text.length) return "";
    TOKEN.lastIndex = this.#start;
    const found = TOKEN.exec(this.#text)?.[0];
    if (found !== undefined) this.#at = TOKEN.lastIndex;
    return found;
  }

  /** Reads one value; false when there is none. */
  value(path: readonly PropertyKey[]): boolean {
    const token = this.token();
    if (token === undefined || token === "" || path.length > MAX_DEPTH) return false;
    if (path.length > 0 && !this.lines.has(keyOf(path))) this.lines.set(keyOf(path), this.place().line);
    if (token === "{") return this.#members(path);
    if (token === "[") return this.#elements(path);
    return !PUNCTUATION.has(token) && (token[0] !== '"' || unquoted(token) !== undefined);
  }

  place(): { readonly line: number; readonly column: number } {
    for (; this.#countedTo < this.#start; this.#countedTo++) {
      if (this.#text[this.#countedTo] === "\n") this.#line++;
    }
    return { line: this.#line, column: this.#start - this.#text.lastIndexOf("\n", this.#start - 1) };
  }

  #members(path: readonly PropertyKey[]): boolean {
    const known = new Set<string>();
    for (let token = this.token(); ; token = this.token()) {
      if (token === "}" && known.size === 0) return true;
      if (token?.[0] !== '"') return false;
      const key = unquoted(token);
      if (key === undefined) return false;
      const { line } = this.place();
      if (known.has(key)) this.repeated ??= { key, line };
      known.add(key);
      const inner = [...path, key];
      this.lines.set(keyOf(inner), line);
      if (this.token() !== ":" || !this.value(inner)) return false;
      const next = this.token();
      if (next === "}") return true;
      if (next !== ",") return false;
    }
  }

  #elements(path: readonly PropertyKey[]): boolean {
    const before = this.#at;
    if (this.token() === "]") return true;
    this.#at = before;
    for (let index = 0; ; index++) {
      if (!this.value([...path, index])) return false;
      const next = this.token();
      if (next === "]") return true;
      if (next !== ",") return false;
    }
  }
}

function keyOf(path: readonly PropertyKey[]): string {
  return path.map(String).join("\0");
}

function unquoted(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}

const SPACE = /[ \t\r\n]*/y;
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\n]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;
const PUNCTUATION: ReadonlySet<string> = new Set(["{", "}", "[", "]", ",", ":"]);
/** Deeper than any file of ours, and shallow enough for the stack. */
const MAX_DEPTH = 200;
