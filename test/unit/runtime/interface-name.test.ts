// Names that an interface may have, and those that must not reach the kernel, a log or a script.
import { expect, test } from "bun:test";
import { interfaceNameFault } from "../../../src/runtime/interface-name.ts";

test.each(["ztna0", "a", "wg-office", "tun.7", "x".repeat(15), "A_1"])("%p is a name", (name) => {
  expect(interfaceNameFault(name)).toBeUndefined();
});

test.each(["", "x".repeat(16), ".", "..", "a/b", "a b", "a\n", "ztna%d", "ä", "a:1", "-a", "a\0b", "$(id)"])(
  "%p is none",
  (name) => {
    expect(interfaceNameFault(name)).toMatch(/\w/);
  },
);
