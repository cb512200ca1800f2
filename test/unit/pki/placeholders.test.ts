// What stands for key material, and what only looks a little like it.
import { describe, expect, test } from "bun:test";
import { holdsPlaceholder, isPlaceholder } from "../../../src/pki/placeholders.ts";

describe("placeholders", () => {
  const table = [
    ...[
      "changeme",
      "CHANGE_ME",
      "change-me-please",
      "REPLACE_ME",
      "replace-with-base64-of-the-key",
      "<your certificate>",
    ],
    ...[
      "YOUR_CERT_HERE",
      "PLACEHOLDER",
      "placeholder_base64",
      "[insert key here]",
      "to" + "do: key",
      "$" + "{TLS_KEY}",
      "$(TLS_KEY)",
    ],
    ...["{{ .Values.key }}", "xxxx", "XXXXXXXX", "...", "…", "base64-encoded-cert", " changeme\n"],
  ];
  test.each(table)("%s", (text) => {
    expect(isPlaceholder(text)).toBe(true);
  });
});

test.each([
  "",
  "hunter2",
  "insertion",
  "yours truly",
  "base64url",
  "Replacement",
  "a changeme",
  "xx",
  "x".repeat(300),
  "hello ...",
])("%p is a value", (text) => {
  expect(isPlaceholder(text)).toBe(false);
});

test("within what should be PEM, a placeholder is enough", () => {
  expect(holdsPlaceholder("-----BEGIN CERTIFICATE-----\n<certificate>\n-----END CERTIFICATE-----")).toBe(true);
  expect(holdsPlaceholder("-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----")).toBe(true);
  expect(holdsPlaceholder("-----BEGIN CERTIFICATE-----\nMIIB\n")).toBe(false);
});
