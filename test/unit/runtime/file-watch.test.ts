// Noticing that certificates were replaced, in the ways in which they are.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileWatch } from "../../../src/runtime/file-watch.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary-directory.ts";

let directory: TemporaryDirectory;
let watch: FileWatch | undefined;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  watch?.close();
  directory[Symbol.dispose]();
});

/** Looks happen only when the test asks: the timer is an hour away. */
async function watching(...names: readonly string[]) {
  const calls = { count: 0 };
  const paths = names.map((name) => join(directory.path, name));
  const opened = new FileWatch({ paths, intervalMs: 3_600_000, changed: () => calls.count++ });
  watch = opened;
  await opened.look();
  return { calls, look: () => opened.look(), acknowledge: () => opened.acknowledge() };
}

test("unchanged files are no change, however often one looks", async () => {
  directory.write("a", "1");
  const { calls, look } = await watching("a");
  for (let n = 0; n < 5; n++) await look();
  expect(calls.count).toBe(0);
});

test("a file written again is one change, once it is still", async () => {
  const path = directory.write("a", "1");
  const { calls, look } = await watching("a");
  await look();
  writeFileSync(path, "22");
  await look();
  expect(calls.count).toBe(0);
  await look();
  expect(calls.count).toBe(1);
  await look();
  await look();
  expect(calls.count).toBe(1);
});

test("certificate and key that change one after the other are one change", async () => {
  const [cert, key] = [directory.write("cert", "1"), directory.write("key", "1")];
  const { calls, look } = await watching("cert", "key");
  writeFileSync(cert, "22");
  await look();
  writeFileSync(key, "22");
  await look();
  expect(calls.count).toBe(0);
  await look();
  expect(calls.count).toBe(1);
});

test("a symbolic link that points elsewhere is a change, and so is a file that is gone and back", async () => {
  directory.write("v1/cert", "1");
  directory.write("v2/cert", "1");
  const link = join(directory.path, "cert");
  symlinkSync("v1/cert", link);
  const { calls, look } = await watching("cert");
  symlinkSync("v2/cert", `${link}.new`);
  renameSync(`${link}.new`, link);
  await look();
  await look();
  expect(calls.count).toBe(1);
  rmSync(link);
  await look();
  await look();
  expect(calls.count).toBe(2);
  directory.write("cert", "1");
  await look();
  await look();
  expect(calls.count).toBe(3);
});

test("what the owner has read for another reason is no change, what is written afterwards is", async () => {
  const path = directory.write("a", "1");
  const { calls, look, acknowledge } = await watching("a");
  writeFileSync(path, "22");
  await look();
  await acknowledge();
  for (let n = 0; n < 3; n++) await look();
  expect(calls.count).toBe(0);
  writeFileSync(path, "333");
  for (let n = 0; n < 3; n++) await look();
  expect(calls.count).toBe(1);
});

test("the timer looks by itself", async () => {
  const path = directory.write("a", "1");
  const changed = Promise.withResolvers<void>();
  const ticking = new FileWatch({ paths: [path], intervalMs: 5, changed: changed.resolve });
  watch = ticking;
  await ticking.look();
  writeFileSync(path, "22");
  // The timer is unreferenced: something has to keep the process waiting for it.
  const alive = setInterval(() => {}, 1000);
  await changed.promise;
  clearInterval(alive);
});
