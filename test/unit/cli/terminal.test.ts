// Standard input as commands read it: whole, or not at all.
import { expect, test } from "bun:test";
import { readBounded } from "../../../src/cli/terminal.ts";

test("what fits is returned whole, what does not fit is not read to its end", async () => {
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled++;
      yield new Uint8Array(100).fill(7);
    }
  }
  expect(await readBounded(endless(), 1000)).toBeUndefined();
  expect(pulled).toBe(11);
  async function* two() {
    yield new Uint8Array([1, 2]);
    yield new Uint8Array([3]);
  }
  expect(await readBounded(two(), 3)).toEqual(Buffer.from([1, 2, 3]));
  expect(await readBounded(two(), 2)).toBeUndefined();
});
