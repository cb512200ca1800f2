// Just enough of a TypeScript reader for the architecture rules: code without comments and literals, and its imports.

export interface SourceImport {
  readonly specifier: string;
  /** A type import vanishes when compiled but still couples two folders. */
  readonly kind: "value" | "type" | "dynamic" | "require" | "export";
}

/** The source with every comment, string text and regular expression blanked; offsets and line breaks stay. */
export function codeOf(source: string): string {
  const masked = source.split("");
  const blank = (start: number, end: number) => {
    for (let i = start; i < end; i += 1) if (masked[i] !== "\n") masked[i] = " ";
  };
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  while (at < source.length) {
    const char = source[at] as string;
    let end = at + 1;
    if (source.startsWith("//", at)) {
      end = endOfLine(source, at);
      blank(at, end);
    } else if (source.startsWith("/*", at)) {
      const close = source.indexOf("*/", at + 2);
      end = close < 0 ? source.length : close + 2;
      blank(at, end);
    } else if (char === '"' || char === "'") {
      end = endOfString(source, at);
      blank(at + 1, end - 1);
    } else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const text = templateText(source, at + 1);
      blank(at + 1, text.end);
      end = text.end + (text.opensExpression ? 2 : 1);
      if (text.opensExpression) templates.push(depth);
    } else if (char === "/") {
      end = endOfRegex(source, masked, at) ?? end;
      blank(at + 1, end - 1);
    } else if (char === "{") {
      depth += 1;
    } else if (char === "}") {
      depth -= 1;
    }
    at = end;
  }
  return masked.join("");
}

/** Every module that the source names, type imports included. */
export function importsOf(source: string): SourceImport[] {
  const code = codeOf(source);
  const found: SourceImport[] = [];
  for (const [pattern, kind] of IMPORT_FORMS) {
    for (const match of code.matchAll(pattern)) {
      const open = match.index + match[0].length - 1;
      const specifier = source.slice(open + 1, endOfString(source, open) - 1);
      found.push({ specifier, kind: match[1]?.startsWith("type") ? "type" : kind });
    }
  }
  return found;
}

const IMPORT_FORMS: readonly (readonly [RegExp, SourceImport["kind"]])[] = [
  [/\bimport\s+(type\s)?[\w\s{},*$]*?\bfrom\s*["']/g, "value"],
  [/\bimport\s*["']/g, "value"],
  [/\bexport\s+(type\s)?(?:\*(?:\s*as\s+\w+)?|\{[\w\s,]*\})\s*from\s*["']/g, "export"],
  [/\bimport\s*\(\s*["'`]/g, "dynamic"],
  [/\brequire\s*\(\s*["'`]/g, "require"],
];

function endOfLine(source: string, from: number): number {
  const end = source.indexOf("\n", from);
  return end < 0 ? source.length : end;
}

function endOfString(source: string, open: number): number {
  const quote = source[open];
  for (let i = open + 1; i < source.length; i += 1) {
    if (source[i] === "\\") i += 1;
    else if (source[i] === quote) return i + 1;
  }
  return source.length;
}

function templateText(source: string, from: number): { end: number; opensExpression: boolean } {
  for (let i = from; i < source.length; i += 1) {
    if (source[i] === "\\") i += 1;
    else if (source[i] === "`") return { end: i, opensExpression: false };
    else if (source.startsWith("${", i)) return { end: i, opensExpression: true };
  }
  return { end: source.length, opensExpression: false };
}

/** Where the regular expression that may begin here ends; undefined when this slash divides. */
function endOfRegex(source: string, masked: readonly string[], slash: number): number | undefined {
  const before = masked
    .slice(Math.max(0, slash - 80), slash)
    .join("")
    .trimEnd();
  const mayBegin = before === "" || /[(,=:[!&|?{};+\-*%~^<>]$/.test(before) || REGEX_AFTER_WORD.test(before);
  if (!mayBegin) return undefined;
  let inClass = false;
  for (let i = slash + 1; i < endOfLine(source, slash); i += 1) {
    if (source[i] === "\\") i += 1;
    else if (source[i] === "[") inClass = true;
    else if (source[i] === "]") inClass = false;
    else if (source[i] === "/" && !inClass) return i + 1;
  }
  return undefined;
}

const REGEX_AFTER_WORD = /\b(?:return|typeof|case|in|of|do|else|void|delete|instanceof|new|throw|await|yield)$/;
