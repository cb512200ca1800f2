// A packet that every QUIC server answers without a certificate and without state: an Initial of a version that does
// not exist (RFC 9000, 6.1). The answer shows that UDP of this size gets there and that QUIC is spoken.

/** `id` tells answers apart; 8 bytes. The packet is `size` bytes long, at least 1200. */
export function encodeVersionProbe(id: Uint8Array, size: number): Uint8Array {
  const packet = new Uint8Array(size);
  const view = new DataView(packet.buffer);
  packet[0] = 0xc0;
  view.setUint32(1, RESERVED_VERSION);
  packet[5] = id.length;
  packet.set(id, 6);
  packet[6 + id.length] = id.length;
  packet.set(id, 7 + id.length);
  // No token, then the length of what follows as a variable-length integer of two bytes.
  const lengthAt = 8 + 2 * id.length;
  view.setUint16(lengthAt, 0x4000 | (size - lengthAt - 2));
  return packet;
}

/** The id that an answer is about, in hexadecimal; undefined when it is no Version Negotiation packet. */
export function versionAnswerId(packet: Uint8Array): string | undefined {
  const isNegotiation =
    packet.length >= 11 && (packet[0] ?? 0) >= 0x80 && packet.subarray(1, 5).every((byte) => byte === 0);
  const length = packet[5] ?? 0;
  return isNegotiation && packet.length > 6 + length
    ? Buffer.from(packet.subarray(6, 6 + length)).toString("hex")
    : undefined;
}

/** Of the pattern 0x?a?a?a?a, which no version may have. */
const RESERVED_VERSION = 0x1a2a3a4a;
