// Loading revocation lists: what is refused and in which words, who may sign, and what an old list still does.
import { afterAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { makeAuthority, openAuthority } from "../../../src/pki/authority.ts";
import { CredentialFault } from "../../../src/pki/credential-fault.ts";
import { certificatesIn, readCertificates } from "../../../src/pki/key-material.ts";
import type { KeyType } from "../../../src/pki/key-type.ts";
import { encodePem, parsePem } from "../../../src/pki/pem.ts";
import { loadRevocations } from "../../../src/pki/revocation.ts";
import { testPki, validity } from "../../support/pki.ts";
import { revocationList, serialOf } from "../../support/revocations.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();
const ours = readCertificates(pki.ca.certFile);
const other = await openAuthority(pki.otherCa.certPem, pki.otherCa.keyPem);
const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());
const good = await revocationList(pki.authority, [pki.agent]);
const agent = { issuer: "CN=Test CA", serial: serialOf(pki.agent) };

function load(text: string | Uint8Array, authorities = ours) {
  return loadRevocations(directory.write("crl.pem", text), authorities, Date.now());
}

function faultOf(text: string | Uint8Array, authorities = ours): string {
  try {
    load(text, authorities);
  } catch (error) {
    if (error instanceof CredentialFault) return `${error.reason}: ${error.message.slice(error.file.length + 1)}`;
    throw error;
  }
  return "none";
}

describe("a file of revocation lists", () => {
  test("revokes what it names and nothing else", () => {
    const revocations = load(good);
    expect(revocations.isRevoked(agent)).toBe(true);
    expect(revocations.isRevoked({ ...agent, serial: serialOf(pki.connector) })).toBe(false);
    expect(revocations.isRevoked({ ...agent, issuer: "CN=Other CA" })).toBe(false);
    expect({ size: revocations.size, warnings: revocations.warnings }).toEqual({ size: 1, warnings: [] });
  });

  test("may be DER, and may hold the lists of several authorities", async () => {
    expect(load(parsePem(good)![0]!.der).isRevoked(agent)).toBe(true);
    const both = [...ours, ...readCertificates(pki.otherCa.certFile)];
    const revocations = load(good + (await revocationList(other, [pki.connector])), both);
    expect(revocations.isRevoked(agent)).toBe(true);
    expect(revocations.isRevoked({ issuer: "CN=Other CA", serial: serialOf(pki.connector) })).toBe(true);
    expect(revocations.isRevoked({ ...agent, serial: serialOf(pki.connector) })).toBe(false);
  });

  test("that should have been replaced is a warning, and still counts", async () => {
    const revocations = load(await revocationList(pki.authority, [pki.agent], { from: -9, to: -2 }));
    expect(revocations.isRevoked(agent)).toBe(true);
    expect(revocations.nextUpdate).toBeLessThan(Date.now());
    expect(revocations.warnings).toEqual([expect.stringContaining("should have been replaced by")]);
  });

  test("is refused in words of its own when it is missing, empty, garbage, or something else", async () => {
    expect(() => loadRevocations("/nonexistent/crl.pem", ours, Date.now())).toThrow("does not exist; check the path");
    expect(faultOf("")).toStartWith("empty: is empty");
    expect(faultOf("garbage")).toStartWith("not-pem: holds no PEM block");
    expect(faultOf(good.slice(0, -40))).toStartWith("not-pem: holds a PEM block that is cut off");
    expect(faultOf(pki.ca.certPem)).toStartWith("bad-crl: holds a certificate");
    expect(faultOf(encodePem("X509 CRL", Buffer.from("garbage")))).toStartWith("bad-crl: holds something that is not");
  });

  test("is refused when another authority signed it, also one of the same name", async () => {
    expect(faultOf(await revocationList(other, [pki.agent]))).toStartWith(
      "foreign-crl: holds a revocation list of CN=Other CA",
    );
    const impostor = await makeAuthority({ name: "Test CA", keyType: "ecdsa-p256", ...validity(-1, 9) });
    const forged = await revocationList(await openAuthority(impostor.certificatePem, impostor.keyPem), [pki.agent]);
    expect(faultOf(forged)).toStartWith("foreign-crl: holds a revocation list that the key of CN=Test CA did not sign");
  });

  test("is refused when a single byte of it was changed", () => {
    const { der } = parsePem(good)![0]!;
    for (let at = 0; at < der.length; at++) {
      expect(faultOf(encodePem("X509 CRL", der.with(at, der[at]! ^ 1)))).toMatch(/^(bad-crl|foreign-crl): /);
    }
  });
});

test("authorities of every key type sign lists that are taken", async () => {
  for (const keyType of ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"] satisfies KeyType[]) {
    const { certificatePem, keyPem } = await makeAuthority({ name: "Another", keyType, ...validity(-1, 9) });
    const list = await revocationList(await openAuthority(certificatePem, keyPem), [pki.agent]);
    const revocations = load(list, certificatesIn(certificatePem, "ca.pem"));
    expect(revocations.isRevoked({ ...agent, issuer: "CN=Another" })).toBe(true);
  }
});
