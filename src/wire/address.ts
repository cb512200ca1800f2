// IPv4 addresses as numbers, and socket addresses as the sockets intern them.

/** An IPv4 address as an unsigned 32-bit number in host order: 10.0.0.1 is 0x0a000001. */
export type Ipv4 = number;

/** The local socket and address that a packet came to; replies leave from there. */
export interface LocalAddress {
  readonly socket: number;
  readonly host: string;
  readonly port: number;
}

/**
 * The remote end of a UDP path. Sockets intern these: one object per (local, host, port) while it is in use, so that
 * equality is identity and no string is built per packet. IPv4-mapped IPv6 addresses are given as plain IPv4.
 */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** The address as a number when family is 4. */
  readonly ipv4: Ipv4 | undefined;
  readonly local: LocalAddress;
}
