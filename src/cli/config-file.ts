// A command's file: JSON, or YAML by extension, checked against the same declarations as its flags.
import { type ZodType, z } from "zod";
import { ConfigurationError } from "./errors.ts";
import { type FileDocument, readDocument } from "./file-document.ts";
import { schemaOf } from "./file-schema.ts";
import { nearest } from "./nearest.ts";
import { fileKeys, type KeyStyle, type Option, type OptionTable } from "./options.ts";

export interface FileValue {
  /** The key as the operator wrote it. */
  readonly key: string;
  readonly value: unknown;
  /** File, line and key for messages; `element` of a list, from 0. */
  place(element?: number): string;
}

export type FileValues = ReadonlyMap<string, FileValue>;

/** The options that the file gives, by name. Throws a ConfigurationError that names the file and the key. */
export async function readConfigFile(path: string, table: OptionTable, style: KeyStyle): Promise<FileValues> {
  const document = await readDocument(path);
  const content = checkedContent(path, document, schemaOf(table, style));
  const values = new Map<string, FileValue>();
  for (const [name, option] of Object.entries(table)) {
    const given = fileKeys(name, option, style).filter((key) => valueAt(content, key) !== undefined);
    const [key, second] = given;
    if (second !== undefined)
      throw mistake(path, document, second, `${key} and ${second} are one option; give only one`);
    if (key === undefined) continue;
    const written = valueAt(content, key);
    const value = parsed(option, written);
    if (value === undefined) {
      const wrong = wrongPart(option, key, written);
      const given = JSON.stringify(valueAt(content, wrong));
      throw mistake(path, document, wrong, `${wrong} is ${given}, but must be ${option.kind.expected}`);
    }
    const isList = Array.isArray(written);
    const place = (element?: number) => {
      const where = isList && element !== undefined ? `${key}.${element}` : key;
      return placed(path, document, where, where);
    };
    values.set(name, { key, value, place });
  }
  return values;
}

/** The first element of a list that is none by itself, else the whole. */
function wrongPart(option: Option<unknown>, key: string, value: unknown): string {
  const element = Array.isArray(value) ? value.findIndex((one) => parsed(option, [one]) === undefined) : -1;
  return element < 0 ? key : `${key}.${element}`;
}

/** The content of a file, without comments and as the schema lets it through. Throws a ConfigurationError likewise. */
export async function readChecked<T>(path: string, schema: ZodType<T>): Promise<T> {
  return checkedContent(path, await readDocument(path), schema);
}

function checkedContent<T>(path: string, document: FileDocument, schema: ZodType<T>): T {
  const content = withoutComments(document.content);
  let checked = schema.safeParse(content);
  if (document.format === "yaml" && takeWords(checked.error?.issues ?? [], content))
    checked = schema.safeParse(content);
  if (checked.success) return checked.data;
  const { where, what } = describe(checked.error.issues, schema, content);
  throw mistake(path, document, where, what);
}

/** Booleans of YAML 1.1, which many people write, where a boolean is due: elsewhere a service may be called "on". */
function takeWords(issues: readonly z.core.$ZodIssue[], content: unknown): boolean {
  let taken = false;
  for (const { code, path, ...issue } of issues) {
    const parent = valueAt(content, path.slice(0, -1));
    const key = path.at(-1);
    if (code !== "invalid_type" || !("expected" in issue) || issue.expected !== "boolean") continue;
    if (typeof parent !== "object" || parent === null || key === undefined) continue;
    const word = String(Reflect.get(parent, key));
    const isTrue = /^(?:yes|Yes|YES|on|On|ON)$/.test(word);
    if (!isTrue && !/^(?:no|No|NO|off|Off|OFF)$/.test(word)) continue;
    taken = Reflect.set(parent, key, isTrue) || taken;
  }
  return taken;
}

function mistake(path: string, document: FileDocument, where: Path | string, what: string): ConfigurationError {
  return new ConfigurationError(placed(path, document, where, what));
}

function placed(path: string, document: FileDocument, where: Path | string, what: string): string {
  const line = document.lineOf(typeof where === "string" ? where.split(".") : where);
  return `${path}:${line === undefined ? "" : `${line}:`} ${what}`;
}

function parsed({ kind }: Option<unknown>, value: unknown): unknown {
  return kind.fromFile === undefined ? kind.parse(String(value)) : kind.fromFile(value);
}

/** The first problem: where it is, and one sentence. */
function describe(
  issues: readonly z.core.$ZodIssue[],
  schema: ZodType,
  content: unknown,
): { readonly where: Path; readonly what: string } {
  const issue = deepest(issues);
  if (issue === undefined) return { where: [], what: "is not a valid configuration" };
  const where = issue.path.map(String).join(".");
  const at = (what: string) => ({ where: issue.path, what });
  if (issue.code === "unrecognized_keys") {
    const [unknown = ""] = issue.keys;
    const keys = keysAt(schema, issue.path);
    const near = nearest(unknown, keys);
    const hint = near === undefined ? `here may be ${keys.join(", ")}` : `did you mean "${near}"?`;
    const full = where === "" ? unknown : `${where}.${unknown}`;
    return { where: [...issue.path, unknown], what: `unknown key "${full}"; ${hint}` };
  }
  if (where === "") return at("must hold one object");
  if (issue.code === "custom") return at(`${where} ${issue.message}`);
  if (issue.code === "invalid_type" && valueAt(content, where) === undefined) {
    return { where: issue.path.slice(0, -1), what: `${where} is missing` };
  }
  return at(`${where}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`);
}

/**
 * A union reports the problems of each branch; the one that came furthest says most. A key that is unknown goes first:
 * the one that is missing may be the same, misspelt.
 */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
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

/** At a path, or at keys with dots between them. */
function valueAt(content: unknown, keys: string | Path): unknown {
  let at: unknown = content;
  for (const part of typeof keys === "string" ? keys.split(".") : keys) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
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

type Path = readonly PropertyKey[];
