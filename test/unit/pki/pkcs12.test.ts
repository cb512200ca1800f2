// The structure of PKCS#12 files, by a reader that is not ours.
import { expect, test } from "bun:test";
import forge from "node-forge";
import { encodePkcs12 } from "../../../src/pki/pkcs12.ts";
import { testPki } from "../../support/pki.ts";

const pki = await testPki();

test("the library that can read RSA finds key, certificate and CA, checks the sum, and refuses another password", () => {
  const { certPem, keyPem } = pki.rsaAgent;
  const bytes = encodePkcs12({ name: "agent", keyPem, certificatesPem: `${certPem}\n${pki.ca.certPem}` }, "secret");
  const read = (password: string) =>
    forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(Buffer.from(bytes).toString("latin1")), password);
  const { safeContents, version } = read("secret");
  expect(Number(version)).toBe(3);
  expect(safeContents.map(({ safeBags }) => safeBags.length)).toEqual([2, 1]);
  expect(safeContents[1]?.safeBags[0]?.attributes.friendlyName).toEqual(["agent"]);
  expect(() => read("other")).toThrow("PKCS#12 MAC could not be verified");
});
