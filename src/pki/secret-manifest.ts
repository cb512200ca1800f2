// A pair and its CA as the manifest of a Kubernetes Secret.
import { CA_KEY, CERTIFICATE_KEY, PRIVATE_KEY, type SecretRecord, TLS_TYPE } from "./secret-record.ts";

/** PEM texts. */
export interface SecretPair {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export function pairRecord(name: string, namespace: string, pair: SecretPair): SecretRecord {
  const place = { file: name };
  const values = [
    [CERTIFICATE_KEY, pair.certificate],
    [PRIVATE_KEY, pair.key],
    [CA_KEY, pair.authority],
  ] as const;
  return {
    ...{ name, namespace, type: TLS_TYPE, origin: "manifest", source: name, place, unusable: new Set<string>() },
    values: new Map(values.map(([key, text]) => [key, { bytes: Buffer.from(text), place }])),
  };
}

/** Several can be put into one file. Names are quoted, because there are some that YAML takes for numbers and booleans. */
export function encodeSecretManifest({ name, namespace = "default", values }: SecretRecord): string {
  const data = [...values].map(([key, { bytes }]) => `  ${key}: ${Buffer.from(bytes).toString("base64")}\n`);
  const metadata = [`  name: ${JSON.stringify(name)}\n`, `  namespace: ${JSON.stringify(namespace)}\n`];
  return ["---\napiVersion: v1\nkind: Secret\nmetadata:\n", ...metadata, `type: ${TLS_TYPE}\ndata:\n`, ...data].join(
    "",
  );
}
