// The certificates in a PKCS#12 file (RFC 7292) that somebody else made: encrypted or not, DER or BER. The checksum is
// not looked at: what is shown is public, and a wrong password decrypts to nothing that could be read.
import forge from "node-forge";

/** DER, the certificate of the key first. */
export type Pkcs12Read = readonly Uint8Array[] | "not-pkcs12" | "wrong-password" | "unsupported";

/** SEQUENCE, a length, INTEGER 3: no certificate and no key begins so. */
export function looksLikePkcs12(bytes: Uint8Array): boolean {
  const length = bytes[1] ?? 0;
  const start = length <= 0x80 ? 2 : 2 + (length & 0x7f);
  return bytes[0] === 0x30 && bytes[start] === 2 && bytes[start + 1] === 1 && bytes[start + 2] === 3;
}

export function readPkcs12(bytes: Uint8Array, password: string): Pkcs12Read {
  try {
    const [, authSafe] = parts(parsed(Buffer.from(bytes).toString("latin1")));
    const found: { readonly der: Uint8Array; readonly isOwn: boolean }[] = [];
    for (const info of parts(parsed(octetsOf(contentOf(authSafe))))) {
      for (const bag of parts(parsed(safeContents(info, password)))) found.push(...certificatesIn(bag));
    }
    return [...found.filter(({ isOwn }) => isOwn), ...found.filter(({ isOwn }) => !isOwn)].map(({ der }) => der);
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

/** The SafeContents of one ContentInfo, decrypted where it is encrypted. */
function safeContents(info: Node, password: string): string {
  const [type] = parts(info);
  if (idOf(type) === forge.pki.oids.data) return octetsOf(contentOf(info));
  if (idOf(type) !== forge.pki.oids.encryptedData) throw new Refusal("unsupported");
  const [, encrypted] = parts(contentOf(info));
  const [, algorithm, content] = parts(encrypted);
  return decrypted(algorithm, octetsOf(content), password);
}

function decrypted(algorithm: Node | undefined, bytes: string, password: string): string {
  const [id, parameters] = parts(algorithm);
  const type = idOf(id);
  const isPbes2 = type === forge.pki.oids.pkcs5PBES2;
  const derivation = isPbes2 ? parts(parts(parameters)[0])[1] : parameters;
  const iterations = parts(derivation)[1]?.value;
  if (typeof iterations !== "string" || iterations.length > 4) throw new Refusal("unsupported");
  if (Number.parseInt(forge.util.bytesToHex(iterations), 16) > MAX_ITERATIONS) throw new Refusal("unsupported");
  const { pbe } = forge.pki as unknown as { readonly pbe: { readonly getCipher: GetCipher } };
  let cipher: ReturnType<GetCipher>;
  try {
    cipher = pbe.getCipher(type, parameters, isPbes2 ? forge.util.encodeUtf8(password) : password);
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
  return [{ der: new Uint8Array(Buffer.from(octetsOf(parts(content)[0]), "latin1")), isOwn }];
}

/** What is in the [0] of a ContentInfo. */
function contentOf(info: Node | undefined): Node | undefined {
  return parts(parts(info)[1])[0];
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
/** Counts come from the file: each costs time, and whoever wrote it may want to waste some. */
const MAX_ITERATIONS = 600_000;
