// What is said of a value that is not what it should be: enough to mend it, and nothing of its content.
import { describe, expect, test } from "bun:test";
import { readCertificateValue, readKeyValue } from "../../../src/pki/secret-values.ts";
import { asRelay, base64, make } from "../../support/secret-material.ts";

const relay = await make("relay", asRelay);

describe("certificates", () => {
  test.each([
    [`\ufeff${relay.crt}`, "begins with a byte order mark", 1],
    [base64(relay.crt), "is encoded in base64 twice", 1],
    [relay.crt.slice(0, 80), "holds a PEM block that is cut off or garbled", 1],
    ["words", "holds no PEM block", 1],
    [
      `${relay.crt}\n -----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      "has a BEGIN line that does not begin its line",
      relay.crt.split("\n").length + 1,
    ],
    ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "holds no certificate but public key", 1],
    ["-----BEGIN HUSH-----\nAAAA\n-----END HUSH-----", "holds no certificate but something else", 1],
  ])("case %#: %j", (text, detail, line) => {
    expect(readCertificateValue(Buffer.from(text as string)).faults).toMatchObject([{ detail, line }]);
  });
});

test("the block of a key is told by its line", () => {
  const second = readKeyValue(Buffer.from(`${relay.key}\n# another\n${relay.key}`));
  expect(second.faults).toMatchObject([{ id: "several-keys", line: relay.key.split("\n").length + 2 }]);
});

test("the same bytes are read once", () => {
  const bytes = Buffer.from(relay.crt);
  expect(readCertificateValue(bytes)).toBe(readCertificateValue(bytes));
});

test("bytes that happen to spell a placeholder are none, a text that does is one", () => {
  const block = (bytes: Uint8Array | string) =>
    readCertificateValue(Buffer.from(`-----BEGIN CERTIFICATE-----\n${base64(bytes)}\n-----END CERTIFICATE-----\n`));
  expect(block("0\x82\x01{{<words>...").faults).toMatchObject([{ id: "bad-certificate" }]);
  expect(block("{{ certificate }}").faults).toMatchObject([{ id: "placeholder" }]);
});
