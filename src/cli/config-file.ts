// A command's file: JSON, or YAML by extension, checked against the same declarations as its flags.
import { readFileSync } from "node:fs";
import { type ZodType, z } from "zod";
import { ConfigurationError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { fileKeys, type KeyStyle, type Option, type OptionTable } from "./options.ts";

export interface FileValue {
  /** The key as the operator wrote it. */
  readonly key: string;
  readonly value: unknown;
}

export type FileValues = ReadonlyMap<string, FileValue>;

/** The options that the file gives, by name. Throws a ConfigurationError that names the file and the key. */
export async function readConfigFile(path: string, table: OptionTable, style: KeyStyle): Promise<FileValues> {
  const content = await readChecked(path, schemaOf(table, style));
  const values = new Map<string, FileValue>();
  for (const [name, option] of Object.entries(table)) {
    const given = fileKeys(name, option, style).filter((key) => valueAt(content, key) !== undefined);
    const [key, second] = given;
    if (second !== undefined)
      throw new ConfigurationError(`${path}: ${key} and ${second} are one option; give only one`);
    if (key !== undefined) values.set(name, { key, value: parsed(path, key, option, valueAt(content, key)) });
  }
  return values;
}

/** The content of a file, without comments and as the schema lets it through. Throws a ConfigurationError likewise. */
export async function readChecked<T>(path: string, schema: ZodType<T>): Promise<T> {
  const content = withoutComments(await readDocument(path));
  const checked = schema.safeParse(content);
  if (checked.success) return checked.data;
  throw new ConfigurationError(`${path}: ${describe(checked.error.issues, schema, content)}`);
}

async function readDocument(path: string): Promise<unknown> {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`cannot read the configuration file ${path}: ${reasonOf(error)}`);
  }
  try {
    return /\.ya?ml$/i.test(path) ? await parseYaml(content) : JSON.parse(content);
  } catch (error) {
    throw new ConfigurationError(`${path}: ${reasonOf(error)}`);
  }
}

/** Aliases are limited: a few lines of them can stand for gigabytes. */
async function parseYaml(content: string): Promise<unknown> {
  const { parse } = await import("yaml");
  return parse(content, { maxAliasCount: 100, prettyErrors: true });
}

function parsed(path: string, key: string, { kind }: Option<unknown>, value: unknown): unknown {
  const result = kind.fromFile === undefined ? kind.parse(String(value)) : kind.fromFile(value);
  if (result !== undefined) return result;
  throw new ConfigurationError(`${path}: ${key} is ${JSON.stringify(value)}, but must be ${kind.expected}`);
}

interface Branch {
  [key: string]: ZodType | Branch;
}

function schemaOf(table: OptionTable, style: KeyStyle): ZodType {
  const root: Branch = {};
  for (const [name, option] of Object.entries(table)) {
    for (const key of fileKeys(name, option, style)) place(root, key.split("."), option.kind.schema(z));
  }
  return strict(root);
}

function place(branch: Branch, [first = "", ...rest]: readonly string[], leaf: ZodType): void {
  if (rest.length === 0) {
    branch[first] = leaf.optional();
    return;
  }
  const inner = branch[first];
  const next = inner === undefined || inner instanceof z.ZodType ? {} : inner;
  branch[first] = next;
  place(next, rest, leaf);
}

function strict(branch: Branch): ZodType {
  const shape = Object.entries(branch).map(([key, inner]) => [
    key,
    inner instanceof z.ZodType ? inner : strict(inner).optional(),
  ]);
  return z.strictObject(Object.fromEntries(shape));
}

/** The first problem, as one sentence. */
function describe(issues: readonly z.core.$ZodIssue[], schema: ZodType, content: unknown): string {
  const issue = deepest(issues);
  if (issue === undefined) return "is not a valid configuration";
  const where = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const [unknown = ""] = issue.keys;
    const known = nearest(unknown, keysAt(schema, issue.path));
    return `unknown key "${where === "" ? unknown : `${where}.${unknown}`}"; did you mean "${known}"?`;
  }
  if (where === "") return "must hold one object";
  if (issue.code === "custom") return `${where} ${issue.message}`;
  if (issue.code === "invalid_type" && valueAt(content, where) === undefined) return `${where} is missing`;
  return `${where}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

/** A union reports the problems of each branch; the one that came furthest says most. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [issue] = issues;
  if (issue?.code !== "invalid_union") return issue;
  const inner = issue.errors.flat().filter(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
  const found = deepest(inner);
  return found === undefined ? issue : { ...found, path: [...issue.path, ...found.path] };
}

function keysAt(schema: ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema;
  for (const step of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) at = at.unwrap();
    if (at instanceof z.ZodUnion) at = at.options.find((choice) => choice instanceof z.ZodArray);
    if (step === undefined) break;
    at = at instanceof z.ZodObject ? at.shape[String(step)] : at instanceof z.ZodArray ? at.element : undefined;
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function valueAt(content: unknown, key: string): unknown {
  let at: unknown = content;
  for (const part of key.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return at;
}

/** Keys that begin with _comment are for people. */
function withoutComments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutComments);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !key.startsWith("_comment"));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutComments(inner)]));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, " ") : String(error);
}
