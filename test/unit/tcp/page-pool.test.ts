// Pages are used again, by size, and no more of them are kept than was said.
import { expect, test } from "bun:test";
import { PagePool } from "../../../src/tcp/page-pool.ts";

test("a page that was given back is taken again, as it is, by whoever wants its size", () => {
  const pool = new PagePool(100_000);
  const page = pool.take(2_048);
  page.fill(7);
  pool.give(page);
  expect(pool.kept).toBe(2_048);
  expect(pool.take(4_096)).not.toBe(page);
  expect(pool.take(2_048)).toBe(page);
  expect([pool.kept, page[0]]).toEqual([0, 7]);
  expect(pool.take(2_048)).not.toBe(page);
});

test("keeps no more than its limit", () => {
  const pool = new PagePool(10_000);
  for (let i = 0; i < 100; i += 1) pool.give(new Uint8Array(4_096));
  expect(pool.kept).toBe(8_192);
  const none = new PagePool(0);
  none.give(new Uint8Array(2_048));
  expect(none.kept).toBe(0);
});
