// Requests as objects: lengths of time in the unit that each controller reads.
import { expect, test } from "bun:test";
import { parse } from "yaml";
import {
  encodeManagedCertificate,
  encodeSigningRequest,
  type WantedCertificate,
} from "../../../src/pki/signing-request.ts";

const WANTED: WantedCertificate = {
  ...{ commonName: 'odd: "name"', purpose: "client", dnsNames: ["agent.*.ztna"], addresses: [] },
  ...{ keyType: "rsa-3072", days: 2 },
};

test("no text needs quoting by hand, and empty lists are left out", () => {
  const object = parse(encodeManagedCertificate({ name: "n", namespace: "m" }, { name: "i", kind: "Issuer" }, WANTED));
  expect(object.spec).toMatchObject({ commonName: 'odd: "name"', duration: "48h", dnsNames: ["agent.*.ztna"] });
  expect(object.spec).not.toHaveProperty("ipAddresses");
  expect(object.spec.privateKey).toMatchObject({ algorithm: "RSA", size: 3072 });
});

test("a signer is told seconds", () => {
  const object = parse(encodeSigningRequest("n", "a.example/b", "PEM", WANTED));
  expect(object.spec).toMatchObject({ expirationSeconds: 172_800, request: Buffer.from("PEM").toString("base64") });
});
