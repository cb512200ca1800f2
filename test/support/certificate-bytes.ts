// Certificates built byte by byte, for shapes that no library would make. Their signatures are nonsense.

export type DerPart = Uint8Array | readonly number[] | string;

/** One DER value. Texts stand for their characters, one byte each. */
export function der(tag: number, ...parts: readonly DerPart[]): Uint8Array {
  const content = Buffer.concat(parts.map((part) => (typeof part === "string" ? latin1(part) : Uint8Array.from(part))));
  return Uint8Array.from([tag, ...lengthBytes(content.length), ...content]);
}

export interface CertificateShape {
  readonly serial: DerPart;
  /** Values of the subject's and the issuer's SEQUENCE. */
  readonly subject: readonly Uint8Array[];
  readonly issuer: readonly Uint8Array[];
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
  readonly spki: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

/** A client certificate for agent.web.ztna unless told otherwise. */
export function certificateBytes(shape: Partial<CertificateShape> = {}): Uint8Array {
  const full: CertificateShape = { ...GOOD, ...shape };
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, [2])),
    der(0x02, full.serial),
    ECDSA_SHA256,
    der(0x30, ...full.issuer),
    der(0x30, full.notBefore, full.notAfter),
    der(0x30, ...full.subject),
    full.spki,
    ...(full.extensions.length === 0 ? [] : [der(0xa3, der(0x30, ...full.extensions))]),
  );
  return der(0x30, tbs, ECDSA_SHA256, der(0x03, [0, 1, 2, 3]));
}

export function commonName(text: DerPart, tag = 0x0c): Uint8Array {
  return attribute([0x55, 0x04, 0x03], der(tag, text));
}

export function organization(text: string): Uint8Array {
  return attribute([0x55, 0x04, 0x0a], der(0x0c, text));
}

export function dnsName(text: DerPart): Uint8Array {
  return der(0x82, text);
}

export function ipAddress(bytes: readonly number[]): Uint8Array {
  return der(0x87, bytes);
}

export function subjectAltName(...names: readonly Uint8Array[]): Uint8Array {
  return extension(0x11, der(0x30, ...names));
}

export function basicConstraints(...parts: readonly Uint8Array[]): Uint8Array {
  return extension(0x13, der(0x30, ...parts));
}

/** The last arc of 2.5.29.x, and the value inside the OCTET STRING. */
export function extension(arc: number, value: DerPart, critical?: number): Uint8Array {
  const flag = critical === undefined ? [] : [der(0x01, [critical])];
  return der(0x30, der(0x06, [0x55, 0x1d, arc]), ...flag, der(0x04, value));
}

export function utcTime(text: string): Uint8Array {
  return der(0x17, text);
}

export function generalizedTime(text: string): Uint8Array {
  return der(0x18, text);
}

export function ecKey(curve: readonly number[]): Uint8Array {
  return der(0x30, der(0x30, der(0x06, EC_PUBLIC_KEY), der(0x06, curve)), der(0x03, [0, 4, 1, 2]));
}

export function rsaKey(modulus: readonly number[]): Uint8Array {
  const key = der(0x30, der(0x02, modulus), der(0x02, [1, 0, 1]));
  return der(0x30, der(0x30, der(0x06, RSA_ENCRYPTION), [0x05, 0x00]), der(0x03, [0], key));
}

function attribute(oid: readonly number[], value: Uint8Array): Uint8Array {
  return der(0x31, der(0x30, der(0x06, oid), value));
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return [0x80 + bytes.length, ...bytes];
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const EC_PUBLIC_KEY = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const RSA_ENCRYPTION = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ECDSA_SHA256 = der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
export const P256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
export const CLIENT_AUTH = der(0x06, [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]);
const GOOD: CertificateShape = {
  serial: [0x01],
  subject: [commonName("laptop")],
  issuer: [commonName("Test CA")],
  notBefore: utcTime("260101000000Z"),
  notAfter: utcTime("270101000000Z"),
  spki: ecKey(P256),
  extensions: [
    subjectAltName(dnsName("agent.web.ztna")),
    extension(0x25, der(0x30, CLIENT_AUTH)),
    extension(0x0f, der(0x03, [7, 0x80]), 0xff),
  ],
};
