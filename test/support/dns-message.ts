// As much of DNS (RFC 1035) as a test of a name server needs: one question, and the answer's code and addresses.

export const TYPE_A = 1;
export const TYPE_TXT = 16;

export interface DnsAnswer {
  readonly id: number;
  /** 0: no error, 3: no such name. */
  readonly code: number;
  /** Type and data of each record of the answer section. */
  readonly records: readonly { readonly type: number; readonly data: Uint8Array }[];
}

export function dnsQuery(id: number, name: string, type: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const wantsRecursion = 0x01;
  return Uint8Array.from([id >> 8, id & 0xff, wantsRecursion, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
}

/** Throws when it is no answer to one question. */
export function parseDnsAnswer(message: Uint8Array): DnsAnswer {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const isAnswer = (view.getUint8(2) & 0x80) !== 0;
  if (!isAnswer || view.getUint16(4) !== 1) throw new Error("no DNS answer to one question");
  let at = afterName(message, 12) + 4;
  const records = [];
  for (let left = view.getUint16(6); left > 0; left -= 1) {
    at = afterName(message, at);
    const length = view.getUint16(at + 8);
    records.push({ type: view.getUint16(at), data: message.slice(at + 10, at + 10 + length) });
    at += 10 + length;
  }
  return { id: view.getUint16(0), code: view.getUint8(3) & 0x0f, records };
}

function afterName(message: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) throw new Error("a name runs past the end of the message");
    if (length >= 0xc0) return at + 2; // a pointer to an earlier name
    at += 1 + length;
    if (length === 0) return at;
  }
}
