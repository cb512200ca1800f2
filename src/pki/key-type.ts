// The kinds of key that certificates are issued for.
import type { webcrypto } from "node:crypto";

export type KeyType = "ecdsa-p256" | "ecdsa-p384" | "rsa-2048" | "rsa-3072" | "rsa-4096" | "ed25519";

export interface KeyAlgorithm {
  readonly key: webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams | webcrypto.Algorithm;
  readonly signing: webcrypto.Algorithm | webcrypto.EcdsaParams;
}

export const KEY_ALGORITHMS: Readonly<Record<KeyType, KeyAlgorithm>> = {
  "ecdsa-p256": ecdsa("P-256", "SHA-256"),
  "ecdsa-p384": ecdsa("P-384", "SHA-384"),
  "rsa-2048": rsa(2048),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
  ed25519: { key: { name: "Ed25519" }, signing: { name: "Ed25519" } },
};

/** "ecdsa" and "rsa" stand for the usual choice of their kind. */
export function parseKeyType(text: string): KeyType | undefined {
  const name = SHORT_NAMES[text] ?? text;
  return Object.hasOwn(KEY_ALGORITHMS, name) ? (name as KeyType) : undefined;
}

function ecdsa(namedCurve: string, hash: string): KeyAlgorithm {
  return { key: { name: "ECDSA", namedCurve }, signing: { name: "ECDSA", hash } };
}

function rsa(modulusLength: number): KeyAlgorithm {
  const key = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength, publicExponent: Uint8Array.of(1, 0, 1) };
  return { key, signing: key };
}

const SHORT_NAMES: Readonly<Record<string, KeyType>> = { ecdsa: "ecdsa-p256", rsa: "rsa-3072" };
