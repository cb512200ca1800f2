// PEM, read strictly.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodePem, parsePem } from "../../../src/pki/pem.ts";
import { anyBytes } from "../../support/arbitraries.ts";

const BLOCK = "-----BEGIN THING-----\nAQID\n-----END THING-----\n";

test("a block is its label and its bytes", () => {
  expect(parsePem(BLOCK)).toEqual([{ label: "THING", der: Uint8Array.of(1, 2, 3), isEncrypted: false }]);
});

test("text around blocks, Windows line ends and other widths are accepted", () => {
  const text = `Subject: CN=x\r\n${BLOCK.replaceAll("\n", "\r\n")}trailing\n${BLOCK.replace("AQID", "AQ\nID")}`;
  expect(parsePem(text)?.map(({ der }) => [...der])).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test("the headers of the old encryption are noticed", () => {
  const text = BLOCK.replace("AQID", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAQID");
  expect(parsePem(text)).toEqual([{ label: "THING", der: Uint8Array.of(1, 2, 3), isEncrypted: true }]);
});

test("a file without blocks has none", () => {
  expect(parsePem("")).toEqual([]);
  expect(parsePem("root:x:0:0:root")).toEqual([]);
});

test.each([
  ["no end", "-----BEGIN THING-----\nAQID\n"],
  ["another end", "-----BEGIN THING-----\nAQID\n-----END OTHER-----\n"],
  ["no content", "-----BEGIN THING-----\n-----END THING-----\n"],
  ["characters that are not base64", "-----BEGIN THING-----\nAQ*D\n-----END THING-----\n"],
  ["a character too few", "-----BEGIN THING-----\nAQI\n-----END THING-----\n"],
  ["padding in the middle", "-----BEGIN THING-----\nAQ==AQID\n-----END THING-----\n"],
  ["a good block before a cut one", `${BLOCK}-----BEGIN THING-----\nAQID`],
])("with %s the whole file is refused", (_, text) => {
  expect(parsePem(text)).toBeUndefined();
});

test("every content comes back", () => {
  fc.assert(
    fc.property(
      fc.array(
        anyBytes(300).filter((bytes) => bytes.length > 0),
        { maxLength: 4 },
      ),
      (contents) => {
        const text = contents.map((content) => encodePem("CERTIFICATE", content)).join("");
        expect(parsePem(text)?.map(({ der }) => der)).toEqual(contents);
      },
    ),
  );
});

test("any text is read or refused, and never an exception", () => {
  const pieces = fc.constantFrom("-----BEGIN ", "A-----\n", "-----END A-----", "AQID", "=", "\n", "-", "B: C\n");
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 }), (parts) => {
      parsePem(parts.join(""));
    }),
  );
});
