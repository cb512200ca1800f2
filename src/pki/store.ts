// PEM files on disk: read with a bound and with words for what is wrong, written owner-only, whole or not at all.
import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { CredentialFault } from "./credential-fault.ts";

/** A file that could not be written; the message is one sentence that begins with the file. */
export class WriteFault extends Error {
  constructor(file: string, sentence: string) {
    super(`${file} ${sentence}`);
    this.name = "WriteFault";
  }
}

export interface StoredFile {
  readonly text: string;
  /** Permission bits; undefined when it is not a regular file, such as a pipe. */
  readonly mode: number | undefined;
}

/** At most `limit` bytes, one character for each. Throws CredentialFault, naming the file and what to do. */
export function readStored(path: string, limit = MAX_FILE): StoredFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const facts = fstatSync(descriptor);
    if (facts.isDirectory()) throw new CredentialFault("directory", path, "is a directory; name a file in it");
    const text = readBounded(descriptor, path, limit);
    if (text.trim() === "") throw new CredentialFault("empty", path, "is empty; write it again");
    return { text, mode: facts.isFile() ? facts.mode & 0o777 : undefined };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    closeSync(descriptor);
  }
}

export interface NewFile {
  readonly path: string;
  readonly text: string | Uint8Array;
}

/**
 * Throws WriteFault. Writes all of the files, each atomically and readable by its owner only. Without `force` none is written when one of
 * them exists. Directories are made as needed, owner-only.
 */
export function writeStored(files: readonly NewFile[], options: { readonly force: boolean }): void {
  const existing = options.force ? undefined : files.find(({ path }) => existsSync(path));
  if (existing !== undefined) throw alreadyThere(existing.path);
  const staged: string[] = [];
  try {
    for (const { path, text } of files) staged.push(stage(path, text));
    for (const [index, { path }] of files.entries()) settle(staged[index] ?? path, path, options.force);
  } finally {
    for (const path of staged) discard(path);
  }
}

/** A complete file on disk, beside the place where it will be. */
function stage(path: string, text: NewFile["text"]): string {
  const temporary = `${path}.${process.pid}-${crypto.randomUUID()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const descriptor = openSync(temporary, "wx", OWNER_ONLY);
    try {
      fchmodSync(descriptor, OWNER_ONLY);
      const bytes = typeof text === "string" ? Buffer.from(text) : text;
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return temporary;
  } catch (error) {
    discard(temporary);
    throw unwritable(path, error);
  }
}

/** A link refuses to replace what somebody else made in the meantime; a rename replaces it. */
function settle(temporary: string, path: string, force: boolean): void {
  try {
    if (force) renameSync(temporary, path);
    else linkSync(temporary, path);
    const directory = openSync(dirname(path), "r");
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? alreadyThere(path) : unwritable(path, error);
  }
}

/** Gone already after a rename, never made after a failure. */
function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing depends on it.
  }
}

function readBounded(descriptor: number, path: string, limit: number): string {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= limit; ) {
    const chunk = Buffer.alloc(64 * 1024);
    const length = readSync(descriptor, chunk);
    if (length === 0) return Buffer.concat(chunks).toString("latin1");
    chunks.push(chunk.subarray(0, length));
    size += length;
  }
  throw new CredentialFault("too-large", path, "is larger than any file of certificates; name another one");
}

function unreadable(path: string, error: unknown): unknown {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return new CredentialFault("missing", path, "does not exist; check the path");
    case "EISDIR":
      return new CredentialFault("directory", path, "is a directory; name a file in it");
    case "EACCES":
    case "EPERM":
      return new CredentialFault("unreadable", path, "cannot be read by this user; change its owner or its mode");
    case undefined:
      return error;
    default:
      return new CredentialFault("unreadable", path, `cannot be read (${codeOf(error)})`);
  }
}

function unwritable(path: string, error: unknown): unknown {
  const code = codeOf(error);
  return code === undefined ? error : new WriteFault(path, `cannot be written (${code})`);
}

function alreadyThere(path: string): WriteFault {
  return new WriteFault(path, "exists already; --force replaces it");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

const OWNER_ONLY = 0o600;
const MAX_FILE = 1024 * 1024;
