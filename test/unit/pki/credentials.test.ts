// Loading credentials: what is good, and one distinct sentence for everything that is not.
import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeAuthority } from "../../../src/pki/authority.ts";
import { CredentialFault, type CredentialReason } from "../../../src/pki/credential-fault.ts";
import { loadOwnCredentials, loadSigner, loadTrustAnchors } from "../../../src/pki/credentials.ts";
import { encodePem } from "../../../src/pki/pem.ts";
import { type TestCredential, testPki, validity } from "../../support/pki.ts";
import { testUnless, withoutProgram } from "../../support/skip.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();
const CLOSED = { allowOpenKeys: false };

function faultOf(load: () => unknown): CredentialFault {
  try {
    load();
  } catch (error) {
    if (error instanceof CredentialFault) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function own(certificate: string, key: string, purpose: "client" | "server" = "client", options = CLOSED) {
  return loadOwnCredentials({ certificate, key }, purpose, options, Date.now());
}

function ownOf({ certFile, keyFile }: TestCredential, purpose: "client" | "server" = "client") {
  return own(certFile, keyFile, purpose);
}

test("an authority that has its own above it is no root, and is one beside it", async () => {
  using directory = temporaryDirectory();
  const middle = await pki.craft("Middle", { isCa: true, dnsNames: [] });
  const alone = directory.write("middle.pem", middle.certPem);
  expect(() => loadTrustAnchors(alone, Date.now())).toThrow(
    `${alone} holds no root: CN=Middle was issued by CN=Test CA; put that authority's certificate into it too`,
  );
  const both = directory.write("both.pem", `${middle.certPem}\n${pki.ca.certPem}`);
  expect(loadTrustAnchors(both, Date.now()).certificates).toHaveLength(2);
});

describe("own credentials", () => {
  test("good ones of every key type load without a warning", () => {
    for (const credential of [pki.agent, pki.rsaAgent, pki.ed25519Agent]) {
      const loaded = ownOf(credential);
      expect(loaded.warnings).toEqual([]);
      expect(loaded.leaf.dnsNames).toEqual(["agent.web.ztna"]);
      expect(loaded.notAfter).toBe(loaded.leaf.notAfter);
    }
    expect(ownOf(pki.server, "server").leaf.dnsNames).toContain("ztna-server");
  });

  test("what is handed on is what was checked, and nothing else that was in the file", () => {
    using directory = temporaryDirectory();
    const both = directory.write("both.pem", `a comment\n${pki.agent.certPem}\n${pki.agent.keyPem}`);
    const { certChain, key } = own(both, both);
    expect(new TextDecoder().decode(certChain)).toBe(encodePem("CERTIFICATE", pki.agent.der));
    expect(new TextDecoder().decode(key).match(/-----BEGIN [A-Z ]+-----/g)).toEqual(["-----BEGIN PRIVATE KEY-----"]);
  });

  test("a chain keeps its order, and its first end counts", async () => {
    using directory = temporaryDirectory();
    const short = await makeAuthority({ name: "Short CA", keyType: "ecdsa-p256", ...validity(-1, 3) });
    const file = directory.write("chain.pem", pki.agent.certPem + short.certificatePem);
    const { notAfter, warnings, certChain } = own(file, pki.agent.keyFile);
    expect(notAfter).toBeLessThan(Date.now() + 3 * 86_400_000);
    expect(warnings).toHaveLength(1);
    expect(new TextDecoder().decode(certChain).match(/BEGIN/g)).toHaveLength(2);
  });

  const refused: readonly [keyof typeof pki.badClients, CredentialReason][] = [
    ["expired", "expired"],
    ["notYetValid", "not-yet-valid"],
    ["caAsLeaf", "ca-as-leaf"],
    ["weakRsa", "weak-key"],
    ["wrongPurpose", "wrong-purpose"],
    ["noPurpose", "wrong-purpose"],
    ["noCommonName", "no-name"],
  ];
  test.each(refused)("the client certificate %s is refused as %s", (kind, reason) => {
    expect(faultOf(() => ownOf(pki.badClients[kind])).reason).toBe(reason);
  });

  test("a client certificate cannot serve, and a server certificate cannot dial", () => {
    expect(faultOf(() => ownOf(pki.agent, "server")).reason).toBe("wrong-purpose");
    expect(faultOf(() => ownOf(pki.server, "client")).reason).toBe("wrong-purpose");
  });

  test("a key of another certificate is refused, and both files are named", () => {
    const { reason, message } = faultOf(() => own(pki.agent.certFile, pki.connector.keyFile));
    expect(reason).toBe("mismatch");
    expect(message).toContain(pki.agent.certFile);
    expect(message).toStartWith(pki.connector.keyFile);
  });

  test("a chain with an expired certificate in it is refused", () => {
    using directory = temporaryDirectory();
    const file = directory.write("chain.pem", pki.agent.certPem + pki.badClients.expired.certPem);
    expect(faultOf(() => own(file, pki.agent.keyFile)).reason).toBe("expired");
  });

  test("a certificate that ends within 30 days is loaded with a warning", async () => {
    const soon = await pki.craft("soon", { validTo: 12.5 });
    const [warning] = ownOf(soon).warnings;
    expect(warning).toStartWith(`${soon.certFile} expires in 12 days, on `);
  });
});

describe("key files", () => {
  test("a key that everybody can read is refused unless that is allowed, and then it is a warning", () => {
    using directory = temporaryDirectory();
    const key = directory.write("open.key", pki.agent.keyPem);
    for (const mode of [0o604, 0o644, 0o602]) {
      chmodSync(key, mode);
      expect(faultOf(() => own(pki.agent.certFile, key)).reason).toBe("open-key");
      expect(own(pki.agent.certFile, key, "client", { allowOpenKeys: true }).warnings).toHaveLength(1);
    }
  });

  test("a key that its group can read is a warning, and one that is its owner's alone is not", () => {
    using directory = temporaryDirectory();
    const key = directory.write("group.key", pki.agent.keyPem);
    chmodSync(key, 0o640);
    expect(own(pki.agent.certFile, key).warnings).toEqual([
      `${key} is open to others than its owner; chmod 600 ${key}`,
    ]);
    chmodSync(key, 0o400);
    expect(own(pki.agent.certFile, key).warnings).toEqual([]);
  });

  const spoiled: readonly [string, string, CredentialReason][] = [
    ["a certificate", pki.agent.certPem, "no-key"],
    ["text", "hello\n", "not-pem"],
    ["a garbled block", pki.agent.keyPem.slice(0, 100), "not-pem"],
    ["a block that is no key", encodePem("PRIVATE KEY", Uint8Array.of(1, 2, 3)), "bad-key"],
    ["a key of an unknown form", encodePem("OPENSSH PRIVATE KEY", Uint8Array.of(1, 2, 3)), "bad-key"],
    ["two keys", pki.agent.keyPem + pki.connector.keyPem, "bad-key"],
    ["an encrypted key", encodePem("ENCRYPTED PRIVATE KEY", Uint8Array.of(1, 2, 3)), "encrypted-key"],
  ];
  test.each(spoiled)("%s in place of a key is refused", (_, content, reason) => {
    using directory = temporaryDirectory();
    const key = directory.write("spoiled.key", content);
    expect(faultOf(() => own(pki.agent.certFile, key)).reason).toBe(reason);
  });

  testUnless(withoutProgram("openssl"))("the forms that OpenSSL writes are read", () => {
    using directory = temporaryDirectory();
    for (const [credential, type] of [
      [pki.agent, "ec"],
      [pki.rsaAgent, "rsa"],
    ] as const) {
      const target = join(directory.path, `${type}.key`);
      const flags = type === "ec" ? ["ec"] : ["rsa", "-traditional"];
      const run = Bun.spawnSync(["openssl", ...flags, "-in", credential.keyFile, "-out", target], { stderr: "pipe" });
      expect(run.stderr.toString() + run.exitCode).toEndWith("0");
      expect(readFileSync(target, "utf8")).toContain(`BEGIN ${type.toUpperCase()} PRIVATE KEY`);
      chmodSync(target, 0o600);
      expect(own(credential.certFile, target).warnings).toEqual([]);
    }
  });
});

describe("trust anchors", () => {
  test("a CA file and a bundle load", () => {
    using directory = temporaryDirectory();
    const bundle = directory.write("bundle.pem", `# two\n${pki.ca.certPem}\n${pki.otherCa.certPem}`);
    expect(loadTrustAnchors(pki.ca.certFile, Date.now())).toMatchObject({ warnings: [] });
    const { ca, certificates } = loadTrustAnchors(bundle, Date.now());
    expect(certificates.map(({ facts }) => facts.subject)).toEqual(["CN=Test CA", "CN=Other CA"]);
    expect(new TextDecoder().decode(ca).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test("an expired one in a bundle is a warning, alone it is refused", async () => {
    using directory = temporaryDirectory();
    const old = await makeAuthority({ name: "Old CA", keyType: "ecdsa-p256", ...validity(-20, -1) });
    const alone = directory.write("old.pem", old.certificatePem);
    const bundle = directory.write("bundle.pem", old.certificatePem + pki.ca.certPem);
    expect(faultOf(() => loadTrustAnchors(alone, Date.now())).reason).toBe("expired");
    expect(loadTrustAnchors(bundle, Date.now()).warnings).toEqual([expect.stringContaining("CN=Old CA")]);
  });

  test("one that is not yet valid is refused", async () => {
    using directory = temporaryDirectory();
    const early = await makeAuthority({ name: "Early CA", keyType: "ecdsa-p256", ...validity(1, 20) });
    const file = directory.write("early.pem", early.certificatePem);
    expect(faultOf(() => loadTrustAnchors(file, Date.now())).reason).toBe("not-yet-valid");
  });

  test("one that ends soon is a warning", async () => {
    using directory = temporaryDirectory();
    const ending = await makeAuthority({ name: "Ending CA", keyType: "ecdsa-p256", ...validity(-1, 6.5) });
    const file = directory.write("ending.pem", ending.certificatePem);
    expect(loadTrustAnchors(file, Date.now()).warnings).toEqual([expect.stringContaining("expires in 6 days")]);
  });

  const spoiled: readonly [string, string | Uint8Array, CredentialReason][] = [
    ["a leaf", pki.agent.certPem, "not-a-ca"],
    ["a CA and a leaf", pki.ca.certPem + pki.agent.certPem, "not-a-ca"],
    ["a private key", pki.agent.keyPem, "no-certificate"],
    ["text", "not a certificate\n", "not-pem"],
    ["random bytes", Uint8Array.from({ length: 400 }, (_, i) => (i * 37) & 0xff), "not-pem"],
    ["DER", pki.ca.der, "not-pem"],
    ["half a certificate", pki.ca.certPem.slice(0, 200), "not-pem"],
    ["a block of garbage", encodePem("CERTIFICATE", Uint8Array.of(1, 2, 3)), "bad-certificate"],
    ["a certificate cut short", encodePem("CERTIFICATE", pki.ca.der.subarray(0, -20)), "bad-certificate"],
    [
      "a good CA and a block of garbage",
      pki.ca.certPem + encodePem("CERTIFICATE", Uint8Array.of(48, 0)),
      "bad-certificate",
    ],
    ["nothing", "", "empty"],
  ];
  test.each(spoiled)("%s in place of a CA file is refused", (_, content, reason) => {
    using directory = temporaryDirectory();
    const file = directory.write("ca.pem", content);
    const fault = faultOf(() => loadTrustAnchors(file, Date.now()));
    expect(fault.reason).toBe(reason);
    expect(fault.message).toStartWith(`${file} `);
  });

  test("a CA whose key is weak is refused", async () => {
    const weak = await pki.craft("weak-ca", { isCa: true, weakKey: true });
    expect(faultOf(() => loadTrustAnchors(weak.certFile, Date.now())).reason).toBe("weak-key");
  });

  test("a missing file and a directory have words of their own", () => {
    expect(faultOf(() => loadTrustAnchors(join(pki.dir, "nowhere.pem"), Date.now())).reason).toBe("missing");
    expect(faultOf(() => loadTrustAnchors(pki.dir, Date.now())).reason).toBe("directory");
  });
});

describe("a signer", () => {
  test("is the certificate of the bundle that the key belongs to", () => {
    using directory = temporaryDirectory();
    const bundle = directory.write("bundle.pem", pki.otherCa.certPem + pki.ca.certPem);
    const signer = loadSigner({ certificate: bundle, key: pki.ca.keyFile }, CLOSED, Date.now());
    expect(signer.certificate.facts.subject).toBe("CN=Test CA");
    expect(signer.certificatePem.match(/BEGIN/g)).toHaveLength(1);
  });

  test("is refused when the key belongs to none, or to one that has expired", async () => {
    using directory = temporaryDirectory();
    const files = { certificate: pki.ca.certFile, key: pki.otherCa.keyFile };
    expect(faultOf(() => loadSigner(files, CLOSED, Date.now())).reason).toBe("mismatch");
    const old = await makeAuthority({ name: "Old CA", keyType: "ecdsa-p256", ...validity(-20, -1) });
    const bundle = directory.write("bundle.pem", old.certificatePem + pki.ca.certPem);
    const key = directory.write("old.key", old.keyPem);
    expect(faultOf(() => loadSigner({ certificate: bundle, key }, CLOSED, Date.now())).reason).toBe("expired");
  });
});

test("every sentence about one certificate is different from the others", () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "x.crt");
  const sentences = Object.values(pki.badClients).flatMap(({ certFile, keyFile }) => {
    copyFileSync(certFile, path);
    try {
      own(path, keyFile);
      return [];
    } catch (error) {
      return [(error as Error).message.replace(/ on \S+ \(.*\)| from \S+ \(.*\)/, "")];
    }
  });
  // The wrong and the missing extended key usage are one fault, and two kinds are refused elsewhere.
  expect(sentences).toHaveLength(7);
  expect(new Set(sentences).size).toBe(6);
});
