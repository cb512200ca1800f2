// A JSON or YAML file as it was read, together with the lines of what is in it.
import { readFileSync } from "node:fs";
import { ConfigurationError } from "./errors.ts";
import { jsonLines } from "./json-lines.ts";

export interface FileDocument {
  readonly format: "json" | "yaml";
  readonly content: unknown;
  /** The line of a key or an element, counted from 1; undefined for the whole. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/** YAML by extension, else JSON. Throws a ConfigurationError that names the file and, where it is known, the line. */
export async function readDocument(path: string): Promise<FileDocument> {
  const text = readText(path);
  return /\.ya?ml$/i.test(path) ? readYaml(path, text) : readJson(path, text);
}

function readText(path: string): string {
  try {
    // Editors on other systems begin a file with a mark that is no part of it.
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw new ConfigurationError(`cannot read the configuration file ${path}: ${reasonOf(error)}`);
  }
}

function readJson(path: string, text: string): FileDocument {
  const lines = jsonLines(text);
  try {
    const content: unknown = JSON.parse(text);
    const { repeated } = lines;
    if (repeated !== undefined)
      throw new ConfigurationError(`${path}:${repeated.line}: "${repeated.key}" is given twice; leave one of them`);
    return { format: "json", content, lineOf: (at) => lines.lineOf(at) };
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const { mistake } = lines;
    const where = mistake === undefined ? path : `${path}:${mistake.line}:${mistake.column}`;
    throw new ConfigurationError(`${where}: ${reasonOf(error)}`);
  }
}

/** Aliases are limited: a few lines of them can stand for gigabytes. */
async function readYaml(path: string, text: string): Promise<FileDocument> {
  const { LineCounter, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw new ConfigurationError(`${path}:${line === undefined ? "" : `${line}:`} ${reasonOf(error)}`);
  }
  try {
    const content: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const lineOf = (at: readonly PropertyKey[]) => {
      const offset = offsetOf(document, at);
      return offset === undefined ? undefined : counter.linePos(offset).line;
    };
    return { format: "yaml", content, lineOf };
  } catch (cause) {
    throw new ConfigurationError(`${path}: ${reasonOf(cause)}`);
  }
}

/** Of a key in a map, of an element in a list. */
function offsetOf(document: Parent, path: readonly PropertyKey[]): number | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const items: readonly unknown[] = isParent(parent) ? parent.items : [];
  for (const [index, item] of items.entries()) {
    const isPair = typeof item === "object" && item !== null && "key" in item;
    const node = isPair ? item.key : item;
    const matches = isPair ? isNode(node) && String(node.value) === String(last) : index === Number(last);
    if (matches && isNode(node)) return node.range?.[0];
  }
  return undefined;
}

/** As much of the library's document as is needed; its types come with it only when there is YAML. */
interface Parent {
  readonly contents: unknown;
  getIn(path: readonly PropertyKey[], keepNode: boolean): unknown;
}

function isParent(value: unknown): value is { readonly items: readonly unknown[] } {
  return typeof value === "object" && value !== null && "items" in value && Array.isArray(value.items);
}

function isNode(value: unknown): value is { readonly value?: unknown; readonly range?: readonly number[] | null } {
  return typeof value === "object" && value !== null && "range" in value;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, " ") : String(error);
}

const MAX_ALIASES = 100;
