// Reading revocation lists: what they say, and that nothing is taken for one that is not one, or not all of one.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseRevocationList } from "../../../src/identity/revocation-list.ts";
import { parsePem } from "../../../src/pki/pem.ts";
import { x509 } from "../../../src/pki/x509-library.ts";
import { testPki, validity } from "../../support/pki.ts";
import { revocationList, serialOf } from "../../support/revocations.ts";

const pki = await testPki();
const good = parsePem(await revocationList(pki.authority, [pki.agent, pki.connector]))![0]!.der;

/** What the other library makes, with these extensions. */
async function listWith(
  extensions: readonly [oid: string, critical: boolean][],
  ofEntry: readonly [oid: string, critical: boolean][] = [],
): Promise<Uint8Array> {
  const made = (all: typeof extensions) =>
    all.map(([oid, critical]) => new x509.Extension(oid, critical, Uint8Array.of(0x02, 0x01, 0x01)));
  const { notBefore: thisUpdate, notAfter: nextUpdate } = validity(-1, 1);
  const list = await x509.X509CrlGenerator.create({
    issuer: pki.authority.certificate.subjectName,
    thisUpdate,
    nextUpdate,
    signingKey: pki.authority.key,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    entries: [{ serialNumber: "05", extensions: made(ofEntry) }],
    extensions: made(extensions),
  });
  return new Uint8Array(list.rawData);
}

test("a list says whose it is, for how long, and which serial numbers it revokes and why", () => {
  const list = parseRevocationList(good)!;
  expect(list.issuer).toBe("CN=Test CA");
  expect(list.nextUpdate! - list.thisUpdate).toBe(31 * 86_400_000);
  expect(list.revocations.map(({ serial, reason }) => [serial, reason])).toEqual([
    [serialOf(pki.agent), 1],
    [serialOf(pki.connector), 1],
  ]);
});

test("a list without an entry is a list", async () => {
  const [block] = parsePem(await revocationList(pki.authority, []))!;
  expect(parseRevocationList(block!.der)).toMatchObject({ revocations: [] });
});

test("a list of changes, or for a part of the certificates, is none: it does not say all", async () => {
  const [crlNumber, delta, part, certificateIssuer] = ["2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.29"];
  expect(parseRevocationList(await listWith([[crlNumber, false]]))).toBeDefined();
  expect(parseRevocationList(await listWith([[delta, true]]))).toBeUndefined();
  expect(parseRevocationList(await listWith([[part, true]]))).toBeUndefined();
  expect(parseRevocationList(await listWith([], [[certificateIssuer, true]]))).toBeUndefined();
});

test("a list that is cut off anywhere, or goes on, is none", () => {
  for (let length = 0; length < good.length; length++) {
    expect(parseRevocationList(good.subarray(0, length))).toBeUndefined();
  }
  expect(parseRevocationList(Uint8Array.of(...good, 0))).toBeUndefined();
});

test("damaged or random bytes are a list or not, and never an exception", () => {
  const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.with(at, byte));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      parseRevocationList(bytes);
    }),
    { numRuns: 2000 },
  );
});
