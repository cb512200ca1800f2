// Checksums computed the slow and obvious way, for comparison with the arithmetic in src/wire.

/** RFC 1071 over the bytes as they are: pairs added with end-around carry, then complemented. */
export function slowChecksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum = sum - 0x10000 + 1;
  }
  return 0xffff - sum;
}

/**
 * A copy of a whole IPv4 packet with every checksum computed anew: of its header, of TCP, UDP (unless it is 0: none)
 * or ICMP, and in an ICMP error first those of the packet that it quotes, as far as they are quoted.
 */
export function withFreshChecksums(packet: Uint8Array): Uint8Array {
  const bytes = [...packet];
  refresh(bytes, 0, bytes.length);
  return Uint8Array.from(bytes);
}

function refresh(bytes: number[], start: number, end: number): void {
  const transport = start + (bytes[start]! & 15) * 4;
  put(bytes, start + 10, 0);
  put(bytes, start + 10, slowChecksum(bytes.slice(start, transport)));
  const protocol = bytes[start + 9];
  const pseudoHeader = [
    ...bytes.slice(start + 12, start + 20),
    0,
    protocol!,
    (end - transport) >> 8,
    (end - transport) & 255,
  ];
  if (protocol === 6 && transport + 20 <= end) {
    put(bytes, transport + 16, 0);
    put(bytes, transport + 16, slowChecksum([...pseudoHeader, ...bytes.slice(transport, end)]));
  }
  if (protocol === 17 && transport + 8 <= end && (bytes[transport + 6] !== 0 || bytes[transport + 7] !== 0)) {
    put(bytes, transport + 6, 0);
    put(bytes, transport + 6, slowChecksum([...pseudoHeader, ...bytes.slice(transport, end)]) || 0xffff);
  }
  if (protocol === 1 && transport + 8 <= end) {
    put(bytes, transport + 2, 0);
    put(bytes, transport + 2, slowChecksum(bytes.slice(transport, end)));
  }
}

function put(bytes: number[], at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
}
