// PEM (RFC 7468), read strictly: what cannot be decoded is an error, not a block less.

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
  /** In the old way, by headers inside the block. */
  readonly isEncrypted: boolean;
}

/** The blocks of a file in their order; text between them is ignored. undefined when a block is cut off or garbled. */
export function parsePem(text: string): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let position = 0;
  for (;;) {
    const start = text.indexOf(BEGIN, position);
    if (start < 0) return blocks;
    BLOCK.lastIndex = start;
    const match = BLOCK.exec(text);
    const [whole = "", label = "", headers = "", body = ""] = match ?? [];
    const der = match === null ? undefined : fromBase64(body.replace(/\s+/g, ""));
    if (der === undefined) return undefined;
    blocks.push({ label, der, isEncrypted: /ENCRYPTED/.test(headers) });
    position = start + whole.length;
  }
}

export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`${BEGIN}${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function fromBase64(text: string): Uint8Array | undefined {
  if (text === "" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, "base64"));
}

const BEGIN = "-----BEGIN ";
const BLOCK =
  /-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*\r?\n((?:[A-Za-z-]+: [^\n]*\n)*)([A-Za-z0-9+/=\s]*)-----END \1-----/y;
