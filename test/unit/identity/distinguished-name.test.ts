// Subjects and issuers, which are shown and logged and come from whoever made the certificate.
import { expect, test } from "bun:test";
import { DerReader } from "../../../src/identity/der.ts";
import { commonNameOf, formatName, readName } from "../../../src/identity/distinguished-name.ts";
import { commonName, der, organization } from "../../support/certificate-bytes.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

function name(...attributes: readonly Uint8Array[]) {
  return readName(new DerReader(der(0x30, ...attributes)).enter());
}

test("the first common name counts", () => {
  expect(commonNameOf(name(organization("Example"), commonName("first"), commonName("second")))).toBe("first");
});

test("every string type that holds UTF-8 is text", () => {
  for (const tag of [0x0c, 0x13, 0x14, 0x16]) expect(commonNameOf(name(commonName("relay", tag)))).toBe("relay");
  expect(commonNameOf(name(commonName(utf8("Gerät 日本"))))).toBe("Gerät 日本");
});

test("several attributes in one set are read in order", () => {
  const set = der(0x31, commonName("a").subarray(2), organization("b").subarray(2));
  expect(formatName(name(set))).toBe("CN=a, O=b");
});

test.each([
  ["no common name", name(organization("Example"))],
  ["an empty one", name(commonName(""))],
  ["bytes that are no UTF-8", name(commonName([0xff, 0xfe]))],
  ["a 16-bit string", name(commonName([0, 0x61], 0x1e))],
  ["a NUL byte", name(commonName("relay\0.example.org"))],
  ["a line break", name(commonName("relay\nregistered"))],
  ["an escape sequence", name(commonName("\u001b[31mrelay"))],
  ["an override of the writing direction", name(commonName(utf8("relay\u202egro")))],
  ["an invisible space", name(commonName(utf8("re\u200blay")))],
  ["an empty first one, whatever follows", name(commonName(""), commonName("second"))],
])("with %s there is none", (_, attributes) => {
  expect(commonNameOf(attributes)).toBeUndefined();
});

test("a name is shown with its separators escaped, so that it cannot pass for another", () => {
  expect(formatName(name(commonName("a, O=b")))).toBe("CN=a\\, O\\=b");
  expect(formatName(name(commonName("a\nb\0")))).toBe("CN=a\\0ab\\00");
  expect(formatName(name(commonName(utf8("a\u2028"))))).toBe("CN=a\\e2\\80\\a8");
  expect(formatName(name(commonName([0xff]), organization("Example")))).toBe("CN=(not text), O=Example");
});

test("an attribute without a short name is shown by its number", () => {
  expect(formatName(name(der(0x31, der(0x30, der(0x06, [0x2a, 0x03]), der(0x0c, "x")))))).toBe("1.2.3=x");
});
