// A directory of PEM files as secrets: NAME/tls.crt with NAME/tls.key, or NAME.crt with NAME.key, or a mounted secret.
import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { CredentialFault } from "../pki/credential-fault.ts";
import type { Finding } from "../pki/findings.ts";
import {
  CA_KEY,
  CERTIFICATE_KEY,
  type Gathered,
  gathered,
  isDataKey,
  PRIVATE_KEY,
  type SecretRecord,
  type SecretValue,
} from "../pki/secret-record.ts";
import { readStored } from "../pki/store.ts";

export function gatherDirectory(path: string): Gathered {
  const reader = new DirectoryReader(path);
  try {
    reader.read();
  } catch (error) {
    reader.findings.push({ id: "unreadable", place: { file: path }, detail: reasonOf(error) });
  }
  return gathered(reader);
}

class DirectoryReader {
  readonly records: SecretRecord[] = [];
  readonly findings: Finding[] = [];
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(): void {
    const { files, directories } = list(this.path);
    if (files.includes(CERTIFICATE_KEY) || files.includes(PRIVATE_KEY)) {
      this.add(basename(resolve(this.path)), this.path, namedAlike(this.path, files));
      return;
    }
    const authority = AUTHORITY_FILES.find((name) => files.includes(name));
    const shared: readonly Part[] = authority === undefined ? [] : [{ key: CA_KEY, file: join(this.path, authority) }];
    for (const name of directories) {
      const folder = join(this.path, name);
      const inside = list(folder).files;
      if (inside.length === 0) continue;
      this.add(name, folder, [...namedAlike(folder, inside), ...(inside.includes(CA_KEY) ? [] : shared)]);
    }
    for (const stem of stems(files)) {
      const halves = [
        { key: CERTIFICATE_KEY, file: `${stem}.crt` },
        { key: PRIVATE_KEY, file: `${stem}.key` },
      ].filter(({ file }) => files.includes(file));
      const parts = halves.map(({ key, file }) => ({ key, file: join(this.path, file) }));
      this.add(stem, parts[0]?.file ?? this.path, [...parts, ...shared]);
    }
    const signing = files.filter((name) => AUTHORITY_KEYS.includes(name));
    if (signing.length > 0) this.add("ca", this.path, namedAlike(this.path, signing));
  }

  private add(name: string, at: string, parts: readonly Part[]): void {
    const values = new Map<string, SecretValue>();
    const unusable = new Set<string>();
    for (const { key, file } of parts) {
      try {
        const { text, mode } = readStored(file);
        values.set(key, { bytes: Buffer.from(text, "latin1"), place: { file }, mode });
      } catch (error) {
        unusable.add(key);
        this.findings.push({ id: idOf(error), place: { file }, secret: name, key, detail: reasonOf(error) });
      }
    }
    this.records.push({
      ...{ name, origin: "directory", source: this.path, values, unusable },
      place: { file: at },
    });
  }
}

interface Part {
  readonly key: string;
  readonly file: string;
}

/** Only what can be read without waiting; names that begin with a dot are Kubernetes' own way of mounting. */
function list(path: string): { readonly files: readonly string[]; readonly directories: readonly string[] } {
  const names = readdirSync(path)
    .filter((name) => !name.startsWith("."))
    .sort();
  if (names.length > MAX_ENTRIES) throw new CredentialFault("too-large", path, "holds too many files");
  const files: string[] = [];
  const directories: string[] = [];
  for (const name of names) {
    const facts = statSync(join(path, name), { throwIfNoEntry: false });
    if (facts?.isDirectory()) directories.push(name);
    else if (facts?.isFile()) files.push(name);
  }
  return { files, directories };
}

function namedAlike(folder: string, files: readonly string[]): readonly Part[] {
  return files.filter(isDataKey).map((name) => ({ key: name, file: join(folder, name) }));
}

/** Names of pairs. A certificate without a key that is called after a CA or a chain is there for others. */
function stems(files: readonly string[]): readonly string[] {
  const found = new Set(files.filter((name) => /.\.(?:crt|key)$/.test(name)).map((name) => name.slice(0, -4)));
  return [...found].filter((stem) => {
    if (stem === "ca") return false;
    return (
      files.includes(`${stem}.key`) || !/(?:^|[-_.])(?:ca|root|chain|bundle|intermediate-?ca)(?:[-_.]|$)/i.test(stem)
    );
  });
}

function idOf(error: unknown): Finding["id"] {
  if (!(error instanceof CredentialFault)) return "unreadable";
  if (error.reason === "empty") return "empty-value";
  return error.reason === "too-large" ? "too-large" : "unreadable";
}

function reasonOf(error: unknown): string {
  if (error instanceof CredentialFault) return error.message.slice(error.file.length + 1).split(";")[0] as string;
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) throw error;
  return code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
}

const AUTHORITY_FILES = ["ca.crt", "ca.pem"];
const AUTHORITY_KEYS = ["ca.key", "ca-key.pem"];
const MAX_ENTRIES = 20_000;
