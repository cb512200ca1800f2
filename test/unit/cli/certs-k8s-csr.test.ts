// Requests for certificates: what cert-manager and the cluster's signers are asked for, and that a signed one would do.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { main } from "../../../src/cli/main.ts";
import { certs } from "../../support/certs-command.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { openssl } from "../../support/secret-material.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const RELAY = ["ztna-intermediate-tls", "--server", "--host", "relay.example.org", "--address", "203.0.113.10"];
const CONNECTOR = ["ztna-connector-tls", "--connector", "web", "--connector", "db"];

describe("cert-manager", () => {
  test("is asked for the names, the use and the key that a relay needs", async () => {
    const { status, stdout } = await certs("k8s-csr", ...RELAY, "--issuer", "ztna-ca", "--namespace", "edge");
    expect(status).toBe(0);
    expect(parse(stdout)).toEqual({
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name: "ztna-intermediate-tls", namespace: "edge" },
      spec: {
        secretName: "ztna-intermediate-tls",
        commonName: "ztna-intermediate-tls",
        duration: "2160h",
        usages: ["digital signature", "server auth"],
        dnsNames: ["ztna-server", "relay.example.org"],
        ipAddresses: ["203.0.113.10"],
        privateKey: { algorithm: "ECDSA", size: 256, encoding: "PKCS8", rotationPolicy: "Always" },
        issuerRef: { name: "ztna-ca", kind: "Issuer", group: "cert-manager.io" },
      },
    });
  });

  test("its promises satisfy validation", async () => {
    const relay = await certs("k8s-csr", ...RELAY, "--issuer", "ca");
    const connector = await certs("k8s-csr", ...CONNECTOR, "--cluster-issuer", "ca", "--key-type", "ed25519");
    const terminal = recordingTerminal({}, `${relay.stdout}---\n${connector.stdout}`);
    expect(await main(["validate-secrets", "--manifest", "-", "--strict"], terminal)).toBe(0);
    expect(terminal.stdout.match(/made by the Certificate/g)?.length).toBe(2);
    expect(parse(connector.stdout).spec).toMatchObject({
      dnsNames: ["connector.web.ztna", "connector.db.ztna"],
      usages: ["digital signature", "client auth"],
      issuerRef: { kind: "ClusterIssuer" },
      privateKey: { algorithm: "Ed25519" },
    });
  });
});

describe("a signer of the cluster", () => {
  test.each(["ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"])(
    "gets a request that openssl accepts, of a %s key that stays here",
    async (type) => {
      using directory = temporaryDirectory();
      const args = [...CONNECTOR, "--signer", "example.org/ztna", "--dir", directory.path, "--key-type", type];
      const { status, stdout, stderr } = await certs("k8s-csr", ...args);
      const keyFile = join(directory.path, "ztna-connector-tls.key");
      expect([status, stderr]).toEqual([0, `${keyFile}  its private key, which stays here\n`]);
      expect(statSync(keyFile).mode & 0o777).toBe(0o600);
      const object = parse(stdout);
      expect(object).toMatchObject({
        kind: "CertificateSigningRequest",
        spec: {
          signerName: "example.org/ztna",
          usages: ["digital signature", "client auth"],
          expirationSeconds: 7_776_000,
        },
      });
      const request = Buffer.from(object.spec.request, "base64").toString();
      const text = openssl(request, "req", "-verify", "-noout", "-text", "-subject");
      expect(text).toContain("DNS:connector.web.ztna, DNS:connector.db.ztna");
      expect(text).toContain("TLS Web Client Authentication");
      expect(openssl(request, "req", "-noout", "-pubkey")).toBe(
        openssl(readFileSync(keyFile, "utf8"), "pkey", "-pubout"),
      );
    },
  );

  test("does not cost a key that exists", async () => {
    using directory = temporaryDirectory();
    const args = ["k8s-csr", ...CONNECTOR, "--signer", "example.org/ztna", "--dir", directory.path];
    expect((await certs(...args)).status).toBe(0);
    const refused = await certs(...args);
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect((await certs(...args, "--force")).status).toBe(0);
  });
});

describe("usage", () => {
  test.each([
    [["--server", "--issuer", "ca"], "needs a name"],
    [["x", "--server"], "who shall sign"],
    [["x", "--server", "--issuer", "ca", "--signer", "a.b/c"], "who shall sign"],
    [["x", "--issuer", "ca"], "what the certificate is for"],
    [["x", "--server", "--agent", "web", "--issuer", "ca"], "what the certificate is for"],
    [["x", "--agent", "web", "--host", "a.example.org", "--issuer", "ca"], "belong to server certificates"],
    [["X", "--agent", "web", "--issuer", "ca"], "lower case"],
    [["x", "--agent", "web", "--signer", "nonsense"], "the name of a signer"],
  ])("%j is refused: %s", async (args, words) => {
    using directory = temporaryDirectory();
    const { status, stdout, stderr } = await certs("k8s-csr", ...args, "--dir", directory.path);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(words);
    expect(existsSync(join(directory.path, "x.key"))).toBe(false);
  });
});
