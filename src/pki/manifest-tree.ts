// YAML or JSON text -> documents with line numbers. The text may be anything: size, number of documents, structure,
// depth and aliases are bounded before they cost anything, and messages never quote the text.
import {
  type Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
} from "yaml";
import type { FindingId } from "./finding-catalogue.ts";
import { KUBECTL_TAGS } from "./manifest-yaml.ts";

export type Tree =
  | { readonly kind: "scalar"; readonly line: number | undefined; readonly value: unknown }
  | { readonly kind: "list"; readonly line: number | undefined; readonly items: readonly Tree[] }
  | { readonly kind: "map"; readonly line: number | undefined; readonly entries: ReadonlyMap<string, TreeEntry> };

export interface TreeEntry {
  /** Of the key. */
  readonly line: number | undefined;
  readonly value: Tree;
}

export interface TreeFault {
  readonly id: FindingId;
  readonly line: number;
  readonly detail: string;
}

export interface ParsedManifest {
  readonly documents: readonly Tree[];
  readonly faults: readonly TreeFault[];
}

export const MAX_MANIFEST_BYTES = 10 * 1024 * 1024;
export const MAX_DOCUMENTS = 5000;

export function parseManifest(text: string): ParsedManifest {
  if (text.length > MAX_MANIFEST_BYTES) return refused("is larger than 10 MB");
  if (text.includes("\0") || text.includes("\ufffd")) return refused("is not UTF-8 text", "bad-manifest");
  if (structureOf(text) > MAX_STRUCTURE) return refused("holds more lists, maps and lines than any manifest");
  const parts = splitDocuments(text);
  if (parts.length > MAX_DOCUMENTS) return refused(`holds more than ${MAX_DOCUMENTS} documents`);
  const documents: Tree[] = [];
  const faults: TreeFault[] = [];
  for (const part of parts) {
    try {
      parsePart(part, documents, faults);
    } catch (error) {
      // Beside refusals: nesting that exhausts the stack, and whatever else the library does not expect.
      const known = error instanceof Refusal;
      const line = known ? (error.line ?? part.line) : part.line;
      faults.push({ id: known ? error.id : "bad-manifest", line, detail: known ? error.message : "cannot be parsed" });
    }
  }
  return { documents, faults };
}

/** What a JSON parser made, such as the answer of kubectl: without lines. */
export function treeOf(value: unknown, depth = 0): Tree {
  if (depth > MAX_DEPTH) throw new Refusal("too-large", undefined, "is nested too deeply");
  if (Array.isArray(value)) {
    return { kind: "list", line: undefined, items: value.map((item) => treeOf(item, depth + 1)) };
  }
  if (typeof value !== "object" || value === null) return { kind: "scalar", line: undefined, value };
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, { line: undefined, value: treeOf(inner, depth + 1) }] as const,
  );
  return { kind: "map", line: undefined, entries: new Map(entries) };
}

/** What is at the end of these keys. */
export function at(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  let found = tree;
  for (const key of path) found = found?.kind === "map" ? found.entries.get(key)?.value : undefined;
  return found;
}

export function textAt(tree: Tree | undefined, ...path: readonly string[]): string | undefined {
  const found = at(tree, ...path);
  return found?.kind === "scalar" && typeof found.value === "string" ? found.value : undefined;
}

export function itemsAt(tree: Tree | undefined, ...path: readonly string[]): readonly Tree[] {
  const found = at(tree, ...path);
  return found?.kind === "list" ? found.items : [];
}

interface Part {
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

function parsePart({ text, line }: Part, documents: Tree[], faults: TreeFault[]): void {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { ...READING, lineCounter: lines });
  const lineOf = (offset: number) => line + Math.max(lines.linePos(offset).line, 1) - 1;
  if (!Array.isArray(parsed)) return;
  for (const document of parsed as readonly Document.Parsed[]) {
    const { errors } = document;
    const broken = errors.find(({ code }) => code !== "DUPLICATE_KEY");
    if (broken !== undefined) {
      faults.push({
        id: "bad-manifest",
        line: lineOf(broken.pos[0]),
        detail: `is not valid YAML (${words(broken.code)})`,
      });
      continue;
    }
    for (const { pos } of errors) {
      faults.push({ id: "duplicate-key", line: lineOf(pos[0]), detail: "gives the same key twice" });
    }
    const content = document.contents as Node | null;
    if (content !== null) documents.push(new TreeBuilder(document, lineOf).build(content, 0));
  }
}

class Refusal extends Error {
  readonly id: FindingId;
  readonly line: number | undefined;

  constructor(id: FindingId, line: number | undefined, message: string) {
    super(message);
    this.id = id;
    this.line = line;
  }
}

/** Aliases are followed at most a hundred times in a document: a few lines of them can stand for gigabytes. */
class TreeBuilder {
  private aliases = 0;
  private nodes = 0;
  private readonly document: Document.Parsed;
  private readonly lineOf: (offset: number) => number;

  constructor(document: Document.Parsed, lineOf: (offset: number) => number) {
    this.document = document;
    this.lineOf = lineOf;
  }

  build(node: unknown, depth: number): Tree {
    if (depth > MAX_DEPTH || ++this.nodes > MAX_STRUCTURE) {
      throw new Refusal("too-large", this.lineIn(node), "is nested too deeply or goes on for too long");
    }
    if (isAlias(node)) {
      if (++this.aliases > MAX_ALIASES) throw new Refusal("too-large", this.lineIn(node), "has too many aliases");
      const target = node.resolve(this.document);
      if (target === undefined) {
        throw new Refusal("bad-manifest", this.lineIn(node), "refers to an anchor that is not there");
      }
      return this.build(target, depth + 1);
    }
    const line = this.lineIn(node);
    if (isMap(node)) return { kind: "map", line, entries: this.entriesOf(node.items, depth) };
    if (isSeq(node)) return { kind: "list", line, items: node.items.map((item) => this.build(item, depth + 1)) };
    return { kind: "scalar", line, value: isScalar(node) ? node.value : null };
  }

  private entriesOf(
    pairs: readonly { readonly key: unknown; readonly value: unknown }[],
    depth: number,
  ): ReadonlyMap<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? String(key.value) : "";
      const built = this.build(value, depth + 1);
      if (name === "<<" && built.kind === "map") {
        for (const [merged, entry] of built.entries) if (!entries.has(merged)) entries.set(merged, entry);
      } else entries.set(name, { line: this.lineIn(key), value: built });
    }
    return entries;
  }

  private lineIn(node: unknown): number | undefined {
    const range = (node as { readonly range?: readonly number[] | null } | null)?.range;
    return range?.[0] === undefined ? undefined : this.lineOf(range[0]);
  }
}

/** At every document marker, which YAML allows nowhere else, or at the end of each JSON value. */
function splitDocuments(text: string): readonly Part[] {
  if (/^\s*[[{]/.test(text)) return splitJson(text);
  const parts: Part[] = [];
  let pending = "";
  let line = 1;
  let start = 1;
  for (const piece of text.split(/^(?=---(?:\s|$))/m)) {
    if (pending === "") start = line;
    pending += piece;
    line += newlines(piece);
    if (parts.length > MAX_DOCUMENTS) break;
    // Directives belong to the document that follows them.
    if (/^(?:\s*(?:[%#].*)?(?:\n|$))*$/.test(pending) && pending.length < MAX_PREAMBLE) continue;
    parts.push({ text: pending, line: start });
    pending = "";
  }
  return parts;
}

function splitJson(text: string): readonly Part[] {
  const parts: Part[] = [];
  let [start, depth, line, startLine] = [0, 0, 1, 1];
  let quoted = false;
  for (let index = 0; index < text.length && parts.length <= MAX_DOCUMENTS; index++) {
    const character = text[index];
    if (character === "\n") line++;
    if (quoted) {
      if (character === "\\") index++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      if (--depth > 0) continue;
      parts.push({ text: text.slice(start, index + 1), line: startLine });
      [start, startLine, depth] = [index + 1, line, 0];
    }
  }
  if (
    text
      .slice(start)
      .replace(/^(?:[\s,]|---)+$/, "")
      .trim() !== ""
  ) {
    parts.push({ text: text.slice(start), line: startLine });
  }
  return parts;
}

function structureOf(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) count++;
  }
  return count;
}

function newlines(text: string): number {
  let count = 0;
  for (let found = text.indexOf("\n"); found >= 0; found = text.indexOf("\n", found + 1)) count++;
  return count;
}

function refused(detail: string, id: FindingId = "too-large"): ParsedManifest {
  return { documents: [], faults: [{ id, line: 1, detail }] };
}

/** BAD_INDENT -> "bad indent" */
function words(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}

const READING: DocumentOptions & ParseOptions & SchemaOptions = {
  prettyErrors: false,
  logLevel: "silent",
  customTags: (known) => [...KUBECTL_TAGS, ...known],
};
const MAX_STRUCTURE = 400_000;
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;
const MAX_PREAMBLE = 10_000;
