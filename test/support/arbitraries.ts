// What property tests draw from: addresses, inner packets of every kind, service ids, tunnel datagrams, damage.
import fc from "fast-check";
import type { Ipv4 } from "../../src/wire/address.ts";
import { encodeEchoRequest } from "../../src/wire/icmp.ts";
import { encodeTcp } from "../../src/wire/tcp.ts";
import {
  encodeAck,
  encodeNack,
  encodeObservedAddress,
  encodeRegistration,
  encodeRouted,
} from "../../src/wire/tunnel.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { withFreshChecksums } from "./checksums.ts";

export const anyU16 = fc.integer({ min: 0, max: 0xffff });
export const anyU32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const anyPort = anyU16;

/** Any 32 bits, extremes more often than chance would have it. */
export const anyIpv4: fc.Arbitrary<Ipv4> = fc.oneof(
  { weight: 4, arbitrary: anyU32 },
  { weight: 1, arbitrary: fc.constantFrom(0, 0xffff_ffff, 0x0000_ffff, 0xffff_0000, 0x0a00_0001, 0x6440_0001) },
);

/** An address that one host can have: not reserved, loopback or multicast. */
export const hostIpv4: fc.Arbitrary<Ipv4> = anyIpv4.filter((address) => {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
});

export function anyBytes(maxLength = 200): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength });
}

/** What ends a UDP payload, and some: bytes that bring sums to their edges. */
export const anyPayload: fc.Arbitrary<Uint8Array> = fc.oneof(
  anyBytes(64),
  anyBytes(1400),
  fc.nat(64).map((length) => new Uint8Array(length)),
  fc.nat(64).map((length) => new Uint8Array(length).fill(0xff)),
);

const endpoints = { source: hostIpv4, destination: hostIpv4, sourcePort: anyPort, destinationPort: anyPort };

export const udpPacket: fc.Arbitrary<Uint8Array> = fc
  .record({ ...endpoints, payload: anyPayload, checksum: fc.boolean() })
  .map(encodeUdp);

const tcpOptions: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.constant([1]),
      anyU16.map((mss) => [2, 4, mss >> 8, mss & 255]),
      fc.constant([3, 3, 7]),
      fc.constant([4, 2]),
    ),
    { maxLength: 8 },
  )
  .map((options) => options.flat())
  .filter((options) => options.length <= 40)
  .map((options) => Uint8Array.from([...options, ...Array((4 - (options.length % 4)) % 4).fill(0)]));

export const tcpPacket: fc.Arbitrary<Uint8Array> = fc
  .record({
    ...endpoints,
    sequence: anyU32,
    acknowledgement: anyU32,
    flags: fc.integer({ min: 0, max: 0xff }),
    window: anyU16,
    options: tcpOptions,
    payload: anyPayload,
  })
  .map(encodeTcp);

export const echoPacket: fc.Arbitrary<Uint8Array> = fc
  .record({ source: hostIpv4, destination: hostIpv4, identifier: anyU16, sequence: anyU16, payload: anyPayload })
  .map(encodeEchoRequest);

/** The same packet with IPv4 options: 1 to 10 words, no-operations closed by an end mark. */
export function withIpv4Options(packet: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(packet, fc.integer({ min: 1, max: 10 })).map(([plain, words]) => {
    const options = new Uint8Array(words * 4).fill(1);
    options[options.length - 1] = 0;
    const out = Uint8Array.from([...plain.subarray(0, 20), ...options, ...plain.subarray(20)]);
    out[0] = 0x45 + words;
    out[2] = out.length >> 8;
    out[3] = out.length;
    return withFreshChecksums(out);
  });
}

/** TCP, UDP and echo, with and without IPv4 options; every checksum is right. */
export const transportPacket: fc.Arbitrary<Uint8Array> = fc.oneof(
  udpPacket,
  tcpPacket,
  echoPacket,
  withIpv4Options(fc.oneof(udpPacket, tcpPacket, echoPacket)),
);

/** An ICMP error about such a packet, of which it quotes anything from nothing to all. */
export const icmpErrorPacket: fc.Arbitrary<Uint8Array> = fc
  .record({
    source: hostIpv4,
    destination: hostIpv4,
    type: fc.constantFrom(3, 4, 5, 11, 12),
    about: transportPacket,
    quoted: fc.oneof(fc.constant(28), fc.constant(20), fc.nat(120)),
  })
  .map(({ source, destination, type, about, quoted }) => {
    const quote = about.subarray(0, quoted);
    const packet = encodeEchoRequest({ source, destination, identifier: 0, sequence: 0, payload: quote });
    packet[20] = type;
    return withFreshChecksums(packet);
  });

/** Any inner packet that checkIpv4 accepts. */
export const innerPacket: fc.Arbitrary<Uint8Array> = fc.oneof(transportPacket, icmpErrorPacket);

/** 0 to 255 bytes of UTF-8 in any script. */
export const serviceId: fc.Arbitrary<string> = fc
  .oneof(
    fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?$/),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constantFrom("", "\ufeff", "\0", "x".repeat(255), "é".repeat(127)),
  )
  .map((text) => {
    let id = text;
    while (new TextEncoder().encode(id).length > 255) id = [...id].slice(0, -1).join("");
    return id;
  });

export const anyRole = fc.constantFrom("agent" as const, "connector" as const);

/** Well-formed datagrams of every type. */
export const tunnelDatagram: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(anyIpv4, anyPort).map(([address, port]) => encodeObservedAddress(address, port)),
  fc.tuple(anyRole, serviceId).map(([role, service]) => encodeRegistration(role, service)),
  serviceId.map(encodeAck),
  fc.tuple(fc.integer({ min: 0, max: 255 }), serviceId).map(([status, service]) => encodeNack(status, service)),
  fc.tuple(serviceId, innerPacket).map(([service, inner]) => encodeRouted(service, inner)),
  innerPacket,
);

/** What an attacker sends: cut short, lengthened, bits flipped, fields overwritten – or left as it is. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, fc.array(damage, { maxLength: 4 })).map(([original, damages]) => {
    let result = Uint8Array.from(original);
    for (const apply of damages) result = apply(result);
    return result;
  });
}

type Damage = (bytes: Uint8Array) => Uint8Array<ArrayBuffer>;

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.nat(80).map(
    (at): Damage =>
      (bytes) =>
        Uint8Array.from(bytes.subarray(0, at)),
  ),
  anyBytes(20).map(
    (tail): Damage =>
      (bytes) =>
        Uint8Array.from([...bytes, ...tail]),
  ),
  fc.tuple(fc.nat(80), fc.integer({ min: 0, max: 255 })).map(
    ([at, value]): Damage =>
      (bytes) => {
        const copy = Uint8Array.from(bytes);
        if (at < copy.length) copy[at] = value;
        return copy;
      },
  ),
);
