// The certificates, and on request the keys, in a PKCS#12 file (RFC 7292) that somebody else made: encrypted or not, DER
// or BER. The checksum is not looked at: a wrong password decrypts to nothing that could be read, and whether a key
// belongs to a certificate shows in both.
import { createPrivateKey, type KeyObject } from "node:crypto";
import forge from "node-forge";

export interface Pkcs12Contents {
  /** DER, the certificate of the key first. */
  readonly certificates: readonly Uint8Array[];
  readonly keys: readonly KeyObject[];
}

export type Pkcs12Read = Pkcs12Contents | "not-pkcs12" | "wrong-password" | "unsupported";

/** SEQUENCE, a length, INTEGER 3: no certificate and no key begins so. */
export function looksLikePkcs12(bytes: Uint8Array): boolean {
  const length = bytes[1] ?? 0;
  const start = length <= 0x80 ? 2 : 2 + (length & 0x7f);
  return bytes[0] === 0x30 && bytes[start] === 2 && bytes[start + 1] === 1 && bytes[start + 2] === 3;
}

/** Keys stay encrypted unless they are asked for. */
export function readPkcs12(bytes: Uint8Array, password: string, options: { readonly withKeys: boolean }): Pkcs12Read {
  try {
    const [, authSafe] = parts(parsed(Buffer.from(bytes).toString("latin1")));
    const found: { readonly der: Uint8Array; readonly isOwn: boolean }[] = [];
    const keys: KeyObject[] = [];
    const opener = new Opener(password);
    for (const info of parts(parsed(octetsOf(contentOf(authSafe))))) {
      for (const bag of parts(parsed(safeContents(info, opener)))) {
        found.push(...certificatesIn(bag));
        if (options.withKeys) keys.push(...keysIn(bag, opener));
      }
    }
    const ordered = [...found.filter(({ isOwn }) => isOwn), ...found.filter(({ isOwn }) => !isOwn)];
    return { certificates: ordered.map(({ der }) => der), keys };
  } catch (error) {
    // The library throws at everything that it does not expect, nesting that exhausts the stack included.
    return error instanceof Refusal ? error.reason : "not-pkcs12";
  }
}

type Node = forge.asn1.Asn1;

class Refusal extends Error {
  readonly reason: "wrong-password" | "unsupported";

  constructor(reason: Refusal["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

/** A password, and how much may be computed with it. */
class Opener {
  readonly password: string;
  private iterationsLeft = MAX_ITERATIONS;

  constructor(password: string) {
    this.password = password;
  }

  /** Throws when this one asks for more than is left. */
  spend(algorithm: Node | undefined): void {
    const [id, parameters] = parts(algorithm);
    const derivation = idOf(id) === forge.pki.oids.pkcs5PBES2 ? parts(parts(parameters)[0])[1] : parameters;
    const iterations = parts(derivation)[1]?.value;
    if (typeof iterations !== "string" || iterations.length > 4) throw new Refusal("unsupported");
    this.iterationsLeft -= Number.parseInt(forge.util.bytesToHex(iterations), 16);
    if (!(this.iterationsLeft >= 0)) throw new Refusal("unsupported");
  }
}

/** The SafeContents of one ContentInfo, decrypted where it is encrypted. */
function safeContents(info: Node, opener: Opener): string {
  const [type] = parts(info);
  if (idOf(type) === forge.pki.oids.data) return octetsOf(contentOf(info));
  if (idOf(type) !== forge.pki.oids.encryptedData) throw new Refusal("unsupported");
  const [, encrypted] = parts(contentOf(info));
  const [, algorithm, content] = parts(encrypted);
  return decrypted(algorithm, octetsOf(content), opener);
}

function decrypted(algorithm: Node | undefined, bytes: string, opener: Opener): string {
  opener.spend(algorithm);
  const [id, parameters] = parts(algorithm);
  const type = idOf(id);
  const password = type === forge.pki.oids.pkcs5PBES2 ? forge.util.encodeUtf8(opener.password) : opener.password;
  const { pbe } = forge.pki as unknown as { readonly pbe: { readonly getCipher: GetCipher } };
  let cipher: ReturnType<GetCipher>;
  try {
    cipher = pbe.getCipher(type, parameters, password);
  } catch {
    throw new Refusal("unsupported");
  }
  cipher.update(forge.util.createBuffer(bytes));
  if (!cipher.finish()) throw new Refusal("wrong-password");
  const plain = cipher.output.getBytes();
  // One wrong password in 256 leaves padding that looks right.
  if (!plain.startsWith("\x30")) throw new Refusal("wrong-password");
  return plain;
}

type GetCipher = (
  id: string,
  parameters: Node | undefined,
  password: string,
) => {
  update(input: forge.util.ByteStringBuffer): void;
  finish(): boolean;
  readonly output: forge.util.ByteStringBuffer;
};

function certificatesIn(bag: Node): readonly { readonly der: Uint8Array; readonly isOwn: boolean }[] {
  const [type, value, attributes] = parts(bag);
  if (idOf(type) !== forge.pki.oids.certBag) return [];
  const [kind, content] = parts(parts(value)[0]);
  if (idOf(kind) !== forge.pki.oids.x509Certificate) return [];
  const isOwn = attributes !== undefined && parts(attributes).some((each) => idOf(parts(each)[0]) === LOCAL_KEY_ID);
  return [{ der: bytesOf(octetsOf(parts(content)[0])), isOwn }];
}

function keysIn(bag: Node, opener: Opener): readonly KeyObject[] {
  const [type, value] = parts(bag);
  const isEncrypted = idOf(type) === forge.pki.oids.pkcs8ShroudedKeyBag;
  if (!isEncrypted && idOf(type) !== forge.pki.oids.keyBag) return [];
  const content = parts(value)[0];
  if (isEncrypted) opener.spend(parts(content)[0]);
  const key = Buffer.from(forge.asn1.toDer(content as Node).getBytes(), "latin1");
  try {
    return [createPrivateKey({ key, format: "der", type: "pkcs8", passphrase: opener.password })];
  } catch {
    throw new Refusal(isEncrypted ? "wrong-password" : "unsupported");
  }
}

/** What is in the [0] of a ContentInfo. */
function contentOf(info: Node | undefined): Node | undefined {
  return parts(parts(info)[1])[0];
}

/** The library's strings have one character for each byte. */
function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** BER may cut an OCTET STRING into several. */
function octetsOf(node: Node | undefined): string {
  if (node === undefined) throw new Error("nothing there");
  return typeof node.value === "string" ? node.value : node.value.map(octetsOf).join("");
}

function idOf(node: Node | undefined): string {
  return typeof node?.value === "string" ? forge.asn1.derToOid(node.value) : "";
}

function parts(node: Node | undefined): readonly Node[] {
  if (node === undefined || typeof node.value === "string") throw new Error("no sequence");
  return node.value;
}

function parsed(bytes: string): Node {
  const options = { strict: false, parseAllBytes: true, decodeBitStrings: false };
  return (forge.asn1.fromDer as unknown as (bytes: string, options: object) => Node)(bytes, options);
}

const LOCAL_KEY_ID = "1.2.840.113549.1.9.21";
/** In all of a file. Counts come from the file: each costs time, and whoever wrote it may want to waste some. */
const MAX_ITERATIONS = 600_000;
