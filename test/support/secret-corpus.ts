// The corpus of secrets: values of one secret each, and what must be found in them, as "id:line" of the manifest that
// corpusManifest() writes. Made anew for every run.

import { type TestCredential, testPki } from "./pki.ts";
import { chainCases, leafCases } from "./secret-corpus-certificates.ts";
import { asCa, asConnector, asRelay, base64, derOf, type Made, make, olderForm, openssl } from "./secret-material.ts";

export type CorpusValue = string | Uint8Array | { readonly raw: string };

export interface CorpusCase {
  readonly name: string;
  readonly role: "relay" | "connector" | "agent";
  readonly crt?: CorpusValue;
  readonly key?: CorpusValue;
  readonly ca?: CorpusValue;
  readonly extra?: Readonly<Record<string, CorpusValue>>;
  readonly type?: string | undefined;
  readonly names?: readonly string[];
  readonly services?: readonly string[];
  readonly expected: readonly string[];
  /** openssl lets it pass; no daemon of ours would. */
  readonly isStricter?: true;
}

export type CorpusValues = Omit<CorpusCase, "name" | "expected">;

export const CRT_LINE = 8;

/** The name is on line 4, tls.crt on line 8, tls.key on 9, ca.crt on 10, anything further from 11 on. */
export function corpusManifest({ crt, key, ca, extra = {}, ...rest }: CorpusCase): string {
  const type = "type" in rest ? rest.type : "kubernetes.io/tls";
  const line = (name: string, value: CorpusValue | undefined) => {
    if (value === undefined) return "#\n";
    return `  ${name}: ${typeof value === "object" && "raw" in value ? value.raw : base64(value)}\n`;
  };
  return [
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: subject\n  namespace: ztna\n",
    type === undefined ? "#\n" : `type: ${type}\n`,
    `data:\n${line("tls.crt", crt)}${line("tls.key", key)}${line("ca.crt", ca)}`,
    ...Object.entries(extra).map(([name, value]) => line(name, value)),
  ].join("");
}

/** What --expect is given for a case. */
export function corpusExpectation({ role, names = [], services = [] }: CorpusCase): string {
  return JSON.stringify({ secrets: [{ name: "subject", role, names, services }] });
}

export async function secretCorpus(): Promise<readonly CorpusCase[]> {
  const pki = await testPki();
  const ca = await make("Corpus CA", asCa);
  const relay = await make("relay", { ...asRelay, issuer: ca });
  const other = await make("other relay", { ...asRelay, issuer: ca });
  const connector = await make("connector", { ...asConnector, issuer: ca });
  const base: CorpusBase = {
    ...{ pki, ca, relay, other, connector },
    relayValues: { role: "relay", crt: relay.crt, key: relay.key, ca: ca.crt },
    connectorValues: { role: "connector", crt: connector.crt, key: connector.key, ca: ca.crt },
  };
  return [
    ...goodCases(base),
    ...encodingCases(base),
    ...keyCases(base),
    ...(await leafCases(base)),
    ...(await chainCases(base)),
  ];
}

export interface CorpusBase {
  readonly pki: Awaited<ReturnType<typeof testPki>>;
  readonly ca: Made;
  readonly relay: Made;
  readonly other: Made;
  readonly connector: Made;
  readonly relayValues: CorpusValues;
  readonly connectorValues: CorpusValues;
}

function goodCases({ pki, relay, ca, relayValues, connectorValues }: CorpusBase): readonly CorpusCase[] {
  const one = (name: string, changes: Partial<CorpusValues>, expected: readonly string[] = []): CorpusCase => ({
    ...{ name, ...relayValues, ...changes, expected },
  });
  const client = ({ certPem, keyPem }: TestCredential): Partial<CorpusValues> => ({
    ...{ role: "agent", crt: certPem, key: keyPem, ca: pki.ca.certPem },
  });
  return [
    one("a relay", {}),
    one("a relay under its name", { names: ["relay.example.org"] }),
    one("a connector", connectorValues),
    one("a connector with its service", { ...connectorValues, services: ["web"] }),
    one("an agent with an RSA key", client(pki.rsaAgent)),
    one("an agent with an Ed25519 key", client(pki.ed25519Agent)),
    one("an agent for every service", { ...client(pki.agentForAll), services: ["web", "db"] }),
    one("a key in SEC 1 form", { key: olderForm(relay.key) }),
    one("a key in PKCS #1 form", { ...client(pki.rsaAgent), key: olderForm(pki.rsaAgent.keyPem) }),
    one("a key after its curve's parameters", {
      key: `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${olderForm(relay.key)}`,
    }),
    one("line ends of Windows", { crt: relay.crt.replaceAll("\n", "\r\n"), key: relay.key.replaceAll("\n", "\r\n") }),
    one("words before the certificate", { crt: `the relay's certificate\n${relay.crt}` }),
    one("blank lines behind the key", { key: `${relay.key}\n\n` }),
    one("no CA", { ca: undefined as never }, ["no-ca:4"]),
    one("a bundle of CAs", { ca: `${pki.otherCa.certPem}\n${ca.crt}` }),
    one("a further value that is none of ours", { extra: { "config.json": '{"password":"$(FROM_ENV) or ..."}' } }),
  ];
}

function encodingCases({ relay, relayValues, pki }: CorpusBase): readonly CorpusCase[] {
  const one = (name: string, changes: Partial<CorpusValues>, ...expected: string[]): CorpusCase => ({
    ...{ name, ...relayValues, ...changes, expected },
  });
  const whole = base64(relay.crt);
  const swap = relay.crt.replace(/\n(.)/, "\n!$1");
  return [
    one("base64 that is cut off", { crt: { raw: whole.slice(0, -3) } }, "bad-base64:8"),
    one("base64 with a blank in it", { crt: { raw: `"${whole.slice(0, 40)} ${whole.slice(40)}"` } }, "bad-base64:8"),
    one("PEM under data", { crt: { raw: JSON.stringify(relay.crt) } }, "bad-base64:8"),
    one("base64 of base64", { crt: whole }, "not-pem:8"),
    one("a byte order mark", { crt: `\ufeff${relay.crt}` }, "not-pem:8"),
    one("UTF-16", { crt: Buffer.from(relay.crt, "utf16le") }, "not-pem:8"),
    one("DER for a certificate", { crt: derOf(relay.crt) }, "der-not-pem:8"),
    one("DER for a key", { key: derOf(relay.key) }, "der-not-pem:9"),
    one("PEM without its end", { crt: relay.crt.slice(0, -30) }, "not-pem:8"),
    one("PEM with a strange character", { crt: swap }, "not-pem:8"),
    one("PEM on one line with words", { crt: `certificate: ${relay.crt}` }, "not-pem:8"),
    one("words", { crt: "see the wiki" }, "not-pem:8"),
    one("an empty text", { crt: { raw: '""' } }, "empty-value:8"),
    one("nothing", { crt: { raw: "" } }, "empty-value:8"),
    one("blanks only", { crt: " \n" }, "empty-value:8"),
    one("a number", { crt: { raw: "12345678" } }, "bad-secret:8"),
    one("a list", { crt: { raw: "[a, b]" } }, "bad-secret:8"),
    one("a placeholder under data", { crt: { raw: "<base64-encoded-certificate>" } }, "placeholder:8"),
    one("a placeholder that is valid base64", { key: { raw: "CHANGEME" } }, "placeholder:9"),
    one(
      "a placeholder in base64",
      { crt: "REPLACE_WITH_YOUR_CERTIFICATE", key: "REPLACE_ME" },
      "placeholder:8",
      "placeholder:9",
    ),
    one(
      "PEM around a placeholder",
      { key: "-----BEGIN PRIVATE KEY-----\nYOUR-KEY-HERE...\n-----END PRIVATE KEY-----\n" },
      "placeholder:9",
    ),
    one("a template that was not rendered", { crt: { raw: '"{{ .Values.certificate }}"' } }, "placeholder:8"),
    one("a placeholder in a further value", { extra: { token: "changeme" } }, "placeholder:11"),
    one(
      "PEM around nonsense",
      { crt: `-----BEGIN CERTIFICATE-----\n${base64("\x30\x03nonsense")}\n-----END CERTIFICATE-----\n` },
      "bad-certificate:8",
    ),
    one(
      "a garbled second block",
      { crt: `${relay.crt}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      "bad-certificate:8",
    ),
    one(
      "a certificate with OpenSSL's trust settings",
      { crt: relay.crt.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE") },
      "not-pem:8",
    ),
    one(
      "a request for a certificate",
      { crt: openssl(relay.key, "req", "-new", "-key", "/dev/stdin", "-subj", "/CN=relay") },
      "not-pem:8",
    ),
    one("a garbled CA", { ca: pki.ca.certPem.slice(0, 300) }, "not-pem:10"),
    one("too many certificates", { crt: relay.crt.repeat(33) }, "too-large:8"),
  ];
}

function keyCases({ relay, other, ca, pki, relayValues }: CorpusBase): readonly CorpusCase[] {
  const one = (name: string, changes: Partial<CorpusValues>, ...expected: string[]): CorpusCase => ({
    ...{ name, ...relayValues, ...changes, expected },
  });
  const locked = openssl(relay.key, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:secret");
  const lockedOnce = openssl(relay.key, "pkey", "-traditional", "-aes128", "-passout", "pass:secret");
  const exoticKey = openssl("", "ecparam", "-name", "secp256k1", "-genkey", "-noout");
  const exoticCrt = openssl(exoticKey, "req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=relay");
  const publicHalf = openssl(relay.key, "pkey", "-pubout");
  return [
    one("the key of another certificate", { key: other.key }, "key-mismatch:9"),
    one("a key of another kind", { key: pki.rsaAgent.keyPem }, "key-mismatch:9"),
    one("swapped halves", { crt: relay.key, key: relay.crt }, "swapped-halves:8", "swapped-halves:9"),
    one("no key", { key: undefined as never }, "missing-key:4"),
    one("no certificate", { crt: undefined as never }, "missing-key:4"),
    one("neither", { crt: undefined as never, key: undefined as never }, "missing-key:4", "missing-key:4"),
    one("a key with a passphrase", { key: locked }, "encrypted-key:9"),
    one("a key with a passphrase, in the old way", { key: lockedOnce }, "encrypted-key:9"),
    one("two keys", { key: relay.key + other.key }, "several-keys:9"),
    one("the public half", { key: publicHalf }, "not-pem:9"),
    one(
      "a key that is garbled",
      { key: `-----BEGIN PRIVATE KEY-----\n${base64("garbled bytes")}\n-----END PRIVATE KEY-----\n` },
      "bad-key:9",
    ),
    one("the key beside the certificate", { crt: relay.crt + relay.key }, "key-in-certificate:8"),
    one("a curve that TLS does not take", { crt: exoticCrt, key: exoticKey }, "bad-certificate:8", "bad-key:9"),
    one("a key beside the CA", { ca: ca.crt + other.key }, "key-in-certificate:10"),
    one("the key of the CA", { extra: { "ca.key": ca.key } }, "ca-key-shipped:11"),
    one("the key of the CA under another name", { extra: { signing: ca.key } }, "ca-key-shipped:11"),
    one("the CA and its key as the pair", { crt: ca.crt, key: ca.key }, "ca-as-leaf:8", "ca-key-shipped:9"),
    one("a secret of the general kind", { type: "Opaque" }, "wrong-type:4"),
    one("a secret without a type", { type: undefined }, "wrong-type:4"),
  ];
}
