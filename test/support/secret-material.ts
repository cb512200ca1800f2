// Key material for the corpus of secrets, made at run time: good, and wrong in every way that we know of.
import { createPrivateKey } from "node:crypto";
import type { Extension } from "@peculiar/x509";
import { PURPOSE_OIDS } from "../../src/identity/leaf-policy.ts";
import { encodePem } from "../../src/pki/pem.ts";
import { x509 } from "../../src/pki/x509-library.ts";

export interface Made {
  readonly crt: string;
  readonly key: string;
  readonly name: string;
  readonly keys: CryptoKeyPair;
}

export interface Shape {
  readonly issuer?: Made | undefined;
  /** Certifies these keys once more. */
  readonly keys?: CryptoKeyPair | undefined;
  readonly isCa?: boolean;
  readonly pathLength?: number;
  readonly usage?: "server" | "client";
  readonly names?: readonly string[];
  readonly hash?: string;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
  readonly serial?: string;
  readonly extensions?: readonly Extension[];
}

/** Its own issuer unless told otherwise. Always ECDSA P-256. */
export async function make(name: string, shape: Shape = {}): Promise<Made> {
  const keys = shape.keys ?? ((await crypto.subtle.generateKey(P256, true, ["sign", "verify"])) as CryptoKeyPair);
  const { issuer = { name, keys }, isCa = false, usage, names = [], from = -2, to = 300, hash = "SHA-256" } = shape;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber:
      shape.serial ??
      Buffer.from(crypto.getRandomValues(new Uint8Array(8)))
        .toString("hex")
        .replace(/^./, "4"),
    notBefore: new Date(Date.now() + from * DAY_MS),
    notAfter: new Date(Date.now() + to * DAY_MS),
    subject: `CN=${name}`,
    issuer: `CN=${issuer.name}`,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { name: "ECDSA", hash },
    extensions: [
      new x509.BasicConstraintsExtension(isCa, shape.pathLength, true),
      new x509.KeyUsagesExtension(isCa ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature, true),
      ...(usage === undefined ? [] : [new x509.ExtendedKeyUsageExtension([PURPOSE_OIDS[usage]])]),
      ...(names.length === 0
        ? []
        : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value }) as const))]),
      ...(shape.extensions ?? []),
    ],
  });
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { crt: `${certificate.toString("pem")}\n`, key: encodePem("PRIVATE KEY", pkcs8), name, keys };
}

export const asCa: Shape = { isCa: true };
export const asRelay: Shape = { usage: "server", names: ["relay.example.org"] };
export const asConnector: Shape = { usage: "client", names: ["connector.web.ztna"] };

/** The same key in the older of its two PEM forms. */
export function olderForm(keyPem: string): string {
  const key = createPrivateKey(keyPem);
  return key.export({ type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1", format: "pem" }).toString();
}

export function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replace(/-----[^-]*-----|\s/g, ""), "base64");
}

export function base64(content: string | Uint8Array): string {
  return Buffer.from(content as string).toString("base64");
}

/** A program that must succeed; its standard output. */
export function openssl(input: string, ...args: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", ...args], { stdin: Buffer.from(input) });
  if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  return stdout.toString();
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };
const DAY_MS = 86_400_000;
