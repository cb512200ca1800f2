// The rules of names, sizes and wording that a formatter and a type checker do not know.
import type { Rule } from "./architecture-rules.ts";
import { codeOf } from "./source-text.ts";

const MAX_LINES = 300;
const LARGER_FILES: Readonly<Record<string, number>> = { "src/tcp/connection.ts": 400 };
const MAX_HEADER_LINES = 6;

export const fileSize: Rule = ({ path, text }) => {
  if (!path.endsWith(".ts")) return [];
  const lines = text.trimEnd().split("\n").length;
  const limit = LARGER_FILES[path] ?? MAX_LINES;
  return lines > limit ? [`${lines} lines; at most ${limit}`] : [];
};

/** One idea per file, and the file is named for it. */
export const fileName: Rule = ({ path }) => {
  if (!path.endsWith(".ts")) return [];
  const faults: string[] = [];
  const parts = path.split("/");
  const file = parts.pop() as string;
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.bench|\.d)?\.ts$/.test(file)) faults.push("file names are kebab-case");
  if (MEANINGLESS.test(file.replace(/\..*$/, ""))) faults.push(`"${file}" names no idea`);
  for (const part of parts) if (MEANINGLESS.test(part)) faults.push(`folder "${part}" names no idea`);
  return faults;
};

const MEANINGLESS = /^(?:utils?|common|helpers?|misc|types|index|shared|lib)$/;

/** Every file begins by saying what it is, in one to six lines; byte diagrams, set off by indentation, come on top. */
export const header: Rule = ({ path, text }) => {
  if (!path.endsWith(".ts")) return [];
  const body = text.replace(/^#!.*\n/, "");
  const comment = /^(?:\/\/.*(?:\n|$))+|^\/\*[\s\S]*?\*\//.exec(body)?.[0];
  if (comment === undefined) return ["no header comment"];
  const prose = comment.split("\n").filter((line) => /^[\s/*]? ?(?:\/\/|\/?\*\*?) ?(?![\s/])./.test(line)).length;
  if (prose === 0) return ["an empty header comment"];
  return prose > MAX_HEADER_LINES ? [`header of ${prose} lines; at most ${MAX_HEADER_LINES}`] : [];
};

/** Unions of literals instead of enums, unknown instead of any, nouns instead of getters. */
export const vocabulary: Rule = ({ path, text }) => {
  if (!path.endsWith(".ts")) return [];
  const code = codeOf(text);
  const faults: string[] = [];
  if (/(?<![.\w$])enum\s+[A-Za-z_$]/.test(code)) faults.push("enum: use a union of literals");
  if (/(?:[:<|&]|\bas|\bsatisfies|\bkeyof|\bextends)\s*(?:readonly\s+)?any\b(?!\s*[:(.])|,\s*any\s*>/.test(code)) {
    faults.push("any: say what it is, or unknown");
  }
  const getter = /\b(?:function|const)\s+(get[A-Z]\w*)/.exec(code);
  if (getter !== null && path.startsWith("src/")) faults.push(`${getter[1]}: no get prefix`);
  return faults;
};

/** A comment gives reasons; what is still to do belongs elsewhere, and so does a check switched off. */
export const finished: Rule = ({ path, text }) => {
  if (!path.endsWith(".ts")) return [];
  const faults: string[] = [];
  const marker = UNFINISHED.exec(text);
  if (marker !== null) faults.push(`unfinished: ${marker[0]}`);
  const suppressed = SUPPRESSED.exec(text);
  if (suppressed !== null) faults.push(`a check is switched off: ${suppressed[0]}`);
  const code = codeOf(text);
  if (/\b(?:test|it|describe)\s*\.\s*only\b/.test(code)) faults.push("only: the other tests would not run");
  if (/\b(?:test|it|describe)\s*\.\s*(?:skip|todo|skipIf|todoIf)\b/.test(code) && path !== "test/support/skip.ts") {
    faults.push("skipped without a reason: use test/support/skip.ts");
  }
  return faults;
};

// Spelled in parts so that this file passes its own rule.
const UNFINISHED = new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);
const SUPPRESSED = new RegExp(`@ts-(?:${["ig" + "nore", "no" + "check"].join("|")})|${"biome" + "-ignore-all"}`);
