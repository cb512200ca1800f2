// Files: owner-only, whole or not at all, never replaced unasked.
import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CredentialFault } from "../../../src/pki/credential-fault.ts";
import { readStored, WriteFault, writeStored } from "../../../src/pki/store.ts";
import { testUnless, withoutRoot } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

function faultOf(read: () => unknown): CredentialFault {
  try {
    read();
  } catch (error) {
    if (error instanceof CredentialFault) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("what is written is there, readable by its owner only, and nothing else is left behind", () => {
  using directory = temporaryDirectory();
  const files = ["a.key", "deeper/b.crt"].map((name) => ({ path: join(directory.path, name), text: `${name}\n` }));
  const umask = process.umask(0);
  writeStored(files, { force: false });
  process.umask(umask);
  for (const { path, text } of files) {
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(statSync(join(directory.path, "deeper")).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory.path).sort()).toEqual(["a.key", "deeper"]);
});

test("an existing file is refused without force, and then none of the others is written", () => {
  using directory = temporaryDirectory();
  const old = directory.write("b.key", "old");
  const fresh = join(directory.path, "a.key");
  const files = [fresh, old].map((path) => ({ path, text: "new" }));
  expect(() => writeStored(files, { force: false })).toThrow(
    new WriteFault(old, "exists already; --force replaces it"),
  );
  expect(readFileSync(old, "utf8")).toBe("old");
  expect(readdirSync(directory.path)).toEqual(["b.key"]);
});

test("force replaces a file and makes it owner-only", () => {
  using directory = temporaryDirectory();
  const path = directory.write("a.key", "old", 0o644);
  const reader = statSync(path).ino;
  writeStored([{ path, text: "new" }], { force: true });
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).ino).not.toBe(reader);
});

test("a file that cannot be placed leaves nothing behind and is named", () => {
  using directory = temporaryDirectory();
  const file = directory.write("file", "x");
  expect(() => writeStored([{ path: join(file, "a.key"), text: "x" }], { force: false })).toThrow(WriteFault);
  mkdirSync(join(directory.path, "a.crt"));
  expect(() => writeStored([{ path: join(directory.path, "a.crt"), text: "x" }], { force: true })).toThrow(
    join(directory.path, "a.crt"),
  );
  expect(readdirSync(directory.path).sort()).toEqual(["a.crt", "file"]);
});

test("a dangling link is not written through", () => {
  using directory = temporaryDirectory();
  const target = join(directory.path, "elsewhere");
  const path = join(directory.path, "a.key");
  symlinkSync(target, path);
  expect(() => writeStored([{ path, text: "secret" }], { force: false })).toThrow(WriteFault);
  expect(existsSync(target)).toBe(false);
});

test("a file is read with its mode", () => {
  using directory = temporaryDirectory();
  const path = directory.write("a.pem", "text\n");
  chmodSync(path, 0o640);
  expect(readStored(path)).toEqual({ text: "text\n", mode: 0o640 });
});

test("a file that cannot be read is told apart by what is wrong with it", () => {
  using directory = temporaryDirectory();
  const reasons = [
    [join(directory.path, "nowhere"), "missing"],
    [join(directory.write("file", "x"), "below"), "missing"],
    [directory.path, "directory"],
    [directory.write("empty", ""), "empty"],
    [directory.write("blank", " \n\n"), "empty"],
    [directory.write("large", "x".repeat(1_200_000)), "too-large"],
    ["/dev/zero", "too-large"],
  ] as const;
  for (const [path, reason] of reasons) {
    const fault = faultOf(() => readStored(path));
    expect([path, fault.reason, fault.file]).toEqual([path, reason, path]);
    expect(fault.message).toStartWith(`${path} `);
  }
});

testUnless(withoutRoot())("a file of another user is unreadable", () => {
  using directory = temporaryDirectory();
  const path = directory.write("secret.key", "x");
  process.seteuid?.(NOBODY);
  try {
    expect(faultOf(() => readStored(path)).reason).toBe("unreadable");
  } finally {
    process.seteuid?.(0);
  }
});

test("a link that leads in circles is unreadable, not a crash", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "loop");
  symlinkSync(path, path);
  expect(faultOf(() => readStored(path)).reason).toBe("unreadable");
});

const NOBODY = 65_534;
