// Certificates that somebody else will issue: a PKCS #10 request with a new key, and the resources by which Kubernetes
// and cert-manager are asked for one.
import type { JsonGeneralNames } from "@peculiar/x509";
import { PURPOSE_OIDS, type Purpose } from "../identity/leaf-policy.ts";
import { KEY_ALGORITHMS, type KeyType } from "./key-type.ts";
import { x509 } from "./x509-library.ts";

/** What the certificate shall say. The caller has checked every name. */
export interface WantedCertificate {
  readonly commonName: string;
  readonly purpose: Purpose;
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly keyType: KeyType;
  readonly days: number;
}

export interface ObjectPlace {
  readonly name: string;
  readonly namespace: string;
}

export async function makeRequest(
  wanted: WantedCertificate,
): Promise<{ readonly requestPem: string; readonly keyPem: string }> {
  const { key, signing } = KEY_ALGORITHMS[wanted.keyType];
  const keys = (await crypto.subtle.generateKey(key, true, ["sign", "verify"])) as CryptoKeyPair;
  const names: JsonGeneralNames = [
    ...wanted.dnsNames.map((value) => ({ type: "dns", value }) as const),
    ...wanted.addresses.map((value) => ({ type: "ip", value }) as const),
  ];
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name([{ CN: [{ utf8String: wanted.commonName }] }]),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([PURPOSE_OIDS[wanted.purpose]]),
      new x509.SubjectAlternativeNameExtension(names),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    requestPem: `${request.toString("pem").trim()}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY").trim()}\n`,
  };
}

/** JSON texts are YAML, and need no rules of quoting. */
export function encodeSigningRequest(
  name: string,
  signer: string,
  requestPem: string,
  { purpose, days }: Pick<WantedCertificate, "purpose" | "days">,
): string {
  return lines([
    ["apiVersion", "certificates.k8s.io/v1"],
    ["kind", "CertificateSigningRequest"],
    ["metadata", { name }],
    [
      "spec",
      {
        signerName: signer,
        expirationSeconds: days * DAY_SECONDS,
        usages: ["digital signature", `${purpose} auth`],
        request: Buffer.from(requestPem).toString("base64"),
      },
    ],
  ]);
}

/** cert-manager makes the key in the cluster, and renews it: it leaves the cluster for nobody. */
export function encodeManagedCertificate(
  { name, namespace }: ObjectPlace,
  issuer: { readonly name: string; readonly kind: "Issuer" | "ClusterIssuer" },
  wanted: WantedCertificate,
): string {
  return lines([
    ["apiVersion", "cert-manager.io/v1"],
    ["kind", "Certificate"],
    ["metadata", { name, namespace }],
    [
      "spec",
      {
        secretName: name,
        commonName: wanted.commonName,
        duration: `${wanted.days * 24}h`,
        usages: ["digital signature", `${wanted.purpose} auth`],
        dnsNames: wanted.dnsNames,
        ...(wanted.addresses.length === 0 ? {} : { ipAddresses: wanted.addresses }),
        privateKey: { ...PRIVATE_KEYS[wanted.keyType], encoding: "PKCS8", rotationPolicy: "Always" },
        issuerRef: { ...issuer, group: "cert-manager.io" },
      },
    ],
  ]);
}

function lines(entries: readonly (readonly [string, string | Readonly<Record<string, unknown>>])[]): string {
  const written = entries.map(([key, value]) => {
    if (typeof value === "string") return `${key}: ${value}\n`;
    const inner = Object.entries(value).map(([name, content]) => `  ${name}: ${JSON.stringify(content)}\n`);
    return `${key}:\n${inner.join("")}`;
  });
  return ["---\n", ...written].join("");
}

const DAY_SECONDS = 86_400;
const PRIVATE_KEYS: Readonly<Record<KeyType, { readonly algorithm: string; readonly size?: number }>> = {
  "ecdsa-p256": { algorithm: "ECDSA", size: 256 },
  "ecdsa-p384": { algorithm: "ECDSA", size: 384 },
  "rsa-2048": { algorithm: "RSA", size: 2048 },
  "rsa-3072": { algorithm: "RSA", size: 3072 },
  "rsa-4096": { algorithm: "RSA", size: 4096 },
  ed25519: { algorithm: "Ed25519" },
};
