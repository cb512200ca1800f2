// The real kubectl, and an API server that knows nothing but names: it takes what we print, and we understand what it says.
import { describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ApiServer, apiServer } from "../support/api-server.ts";
import { BINARY } from "../support/binary.ts";
import { runProcess } from "../support/process.ts";
import { asCa, asConnector, asRelay, base64, type Made, make } from "../support/secret-material.ts";
import { firstReason, testUnless, withoutProgram } from "../support/skip.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const missing = existsSync(BINARY) ? undefined : "dist/ztna is not built";
const withKubectl = testUnless(firstReason([missing, withoutProgram("kubectl")]));

/** Its own configuration and cache, whatever this machine has. */
function environment(directory: TemporaryDirectory, { url }: Pick<ApiServer, "url">) {
  const cluster = { name: "c", cluster: { server: url } };
  const context = { name: "c", context: { cluster: "c", user: "u" } };
  const config = { apiVersion: "v1", kind: "Config", "current-context": "c", clusters: [cluster], contexts: [context] };
  const file = directory.write("kubeconfig", JSON.stringify({ ...config, users: [{ name: "u", user: {} }] }));
  return { KUBECONFIG: file, HOME: directory.path, PATH: process.env.PATH };
}

describe("kubectl apply --dry-run=client takes", () => {
  const table: readonly [string, readonly string[], string][] = [
    ["a Secret", ["k8s", "relay", "--secret", "ztna-intermediate-tls"], "secret/ztna-intermediate-tls"],
    ["a Secret with the name of a number", ["k8s", "relay", "--secret", "0777", "--namespace", "on"], "secret/0777"],
    [
      "a request to cert-manager",
      ["k8s-csr", "office", "--connector", "web", "--issuer", "ca", "--namespace", "on"],
      "certificate.cert-manager.io/office",
    ],
    [
      "a request to a signer of the cluster",
      ["k8s-csr", "edge", "--server", "--host", "relay.example.org", "--signer", "example.org/ztna"],
      "certificatesigningrequest.certificates.k8s.io/edge",
    ],
  ];
  for (const [name, args, object] of table) {
    withKubectl(name, async () => {
      using directory = temporaryDirectory();
      using server = apiServer();
      const env = environment(directory, server);
      const ztna = async (...command: readonly string[]) => {
        const ended = await runProcess([BINARY, ...command], { cwd: directory.path, env });
        expect(ended).toMatchObject({ status: 0 });
        return ended.stdout;
      };
      await ztna("certs", "init");
      await ztna("certs", "issue", "relay", "--server", "--host", "relay.example.org");
      const manifest = directory.write("manifest.yaml", await ztna("certs", ...args));
      // Validation would want the schema of every resource from the server; a Secret's fields are decoded below instead.
      const apply = ["kubectl", "apply", "--dry-run=client", "--validate=false", "--filename", manifest];
      const applied = await runProcess(apply, { env });
      expect([applied.status, applied.stdout, applied.stderr]).toEqual([0, `${object} created (dry run)\n`, ""]);
      expect(server.requests).not.toContainEqual(expect.stringMatching(/^(?:POST|PATCH|PUT)/));
      const decode = ["kubectl", "annotate", "--local", "--filename", manifest, "a=b", "--output", "name"];
      if (!object.startsWith("certificate.")) expect(await runProcess(decode, { env })).toMatchObject({ status: 0 });
    });
  }
});

describe("validate-secrets asks kubectl, and tells", async () => {
  const ca = await make("CA", asCa);
  const relay = await make("relay", { ...asRelay, issuer: ca });
  const connector = await make("connector", { ...asConnector, issuer: ca });
  const secret = (name: string, { crt, key }: Made) => {
    const data = { "tls.crt": base64(crt), "tls.key": base64(key), "ca.crt": base64(ca.crt) };
    return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "ztna" }, type: "kubernetes.io/tls", data };
  };
  const good = {
    "ztna/ztna-intermediate-tls": secret("ztna-intermediate-tls", relay),
    "ztna/ztna-connector-tls": secret("ztna-connector-tls", connector),
  };
  const table: readonly [string, Readonly<Record<string, object | number>>, number, RegExp][] = [
    ["good secrets", good, 0, /^OK: .*\nOK: .*\n$/],
    ["a missing one", { ...good, "ztna/ztna-connector-tls": 404 }, 1, /\[missing-secret\]/],
    ["a refusal", { ...good, "ztna/ztna-connector-tls": 403 }, 5, /\[cluster-forbidden\]/],
    ["a server that fails", { ...good, "ztna/ztna-connector-tls": 500 }, 5, /\[cluster-unreachable\]/],
    [
      "a swapped key",
      { ...good, "ztna/ztna-intermediate-tls": secret("ztna-intermediate-tls", { ...relay, key: connector.key }) },
      1,
      /\[key-mismatch\]/,
    ],
  ];
  for (const [name, secrets, status, words] of table) {
    withKubectl(name, async () => {
      using directory = temporaryDirectory();
      using server = apiServer(secrets);
      const command = [BINARY, "validate-secrets", "ztna"];
      const ended = await runProcess(command, { cwd: directory.path, env: environment(directory, server) });
      expect([ended.status, ended.stderr]).toEqual([status, ""]);
      expect(ended.stdout).toMatch(words);
    });
  }

  withKubectl("a cluster that is not there, and a context that is not", async () => {
    using directory = temporaryDirectory();
    const env = environment(directory, { url: "http://127.0.0.1:1" });
    const gone = await runProcess([BINARY, "validate-secrets"], { env });
    expect([gone.status, gone.stdout]).toEqual([5, expect.stringContaining("does not reach the cluster")]);
    const context = await runProcess([BINARY, "validate-secrets", "--context", "other"], { env });
    expect([context.status, context.stdout]).toEqual([
      5,
      expect.stringContaining("is not configured for this cluster"),
    ]);
    env.KUBECONFIG = join(directory.path, "none");
    expect(await runProcess([BINARY, "validate-secrets"], { env })).toMatchObject({ status: 5 });
  });
});
