// Segments that are joined for a TUN device: cut again they are what came, and damage in one is damage in the whole.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Coalescer } from "../../../src/wire/coalescing.ts";
import { checkIpv4 } from "../../../src/wire/ipv4.ts";
import { Segments } from "../../../src/wire/segments.ts";
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_PSH, type TcpHeader, tcpFlags } from "../../../src/wire/tcp.ts";
import { encodeUdp } from "../../../src/wire/udp.ts";
import { GSO_NONE, GSO_TCP4, VNET_HEADER_LENGTH, vnetGsoSize, vnetGsoType } from "../../../src/wire/virtio-net.ts";
import { innerPacket } from "../../support/arbitraries.ts";
import { ip } from "../../support/connector-world.ts";
import { transportFault } from "../../support/inner-packets.ts";

interface Written {
  readonly bytes: Uint8Array;
  readonly packets: number;
}

function join(...packets: readonly Uint8Array[]): Written[] {
  const written: Written[] = [];
  const coalescer = new Coalescer((bytes, length, count) =>
    written.push({ bytes: bytes.slice(0, length), packets: count }),
  );
  for (const packet of packets) coalescer.add(packet.slice());
  coalescer.flush();
  coalescer.flush();
  return written;
}

/** The packet of one write, without its virtio header. */
const packetOf = ({ bytes }: Written) => Uint8Array.from(bytes.subarray(VNET_HEADER_LENGTH));

/** The packets that a write stands for. */
function parts({ bytes }: Written): Uint8Array[] {
  if (vnetGsoType(bytes, 0) === GSO_NONE) return [bytes.slice(VNET_HEADER_LENGTH)];
  const segments = new Segments();
  const copy = bytes.slice();
  expect(segments.begin(copy, 0, copy.length)).toBeUndefined();
  const packets: Uint8Array[] = [];
  while (segments.next()) packets.push(copy.slice(segments.start, segments.end));
  return packets;
}

interface Shape {
  readonly sequence: number;
  readonly length: number;
  readonly flags?: number;
  readonly port?: number;
  readonly window?: number;
  readonly acknowledgement?: number;
  readonly options?: Uint8Array;
}

function segment({
  sequence,
  length,
  flags = TCP_ACK,
  port = 5000,
  window = 500,
  acknowledgement = 7,
  options,
}: Shape) {
  const ends = { source: ip("10.100.0.2"), sourcePort: 80, destination: ip("100.64.0.1"), destinationPort: port };
  const payload = Uint8Array.from({ length }, (_, index) => (sequence + index) % 251);
  const header: TcpHeader = { ...ends, sequence: sequence >>> 0, acknowledgement, window, flags };
  return Uint8Array.from(encodeTcp({ ...header, payload, ...(options === undefined ? {} : { options }) }));
}

const burst = (count: number, length: number, first = 1000) =>
  Array.from({ length: count }, (_, index) => segment({ sequence: first + index * length, length }));

const shape = (written: readonly Written[]) => written.map(({ packets }) => packets);

/** Identification is the one thing that joining does not keep: the parts get consecutive ones. */
const withoutIdentification = (packet: Uint8Array) => {
  const copy = packet.slice();
  copy.fill(0, 4, 6);
  copy.fill(0, 10, 12);
  return copy;
};

test("a burst of one flow becomes one packet of its own, with the right checksums", () => {
  const packets = burst(40, 1250);
  const [whole, ...rest] = join(...packets);
  expect(rest).toEqual([]);
  expect([whole!.packets, vnetGsoType(whole!.bytes, 0), vnetGsoSize(whole!.bytes, 0)]).toEqual([40, GSO_TCP4, 1250]);
  const packet = packetOf(whole!);
  expect([packet.length, checkIpv4(packet), transportFault(packet)]).toEqual([40 + 40 * 1250, undefined, undefined]);
  expect(parts(whole!).map(withoutIdentification)).toEqual(packets.map(withoutIdentification));
});

test("odd lengths and wrapping sequence numbers make no difference", () => {
  const packets = burst(7, 1251, -3000);
  const [whole] = join(...packets);
  expect(whole!.packets).toBe(7);
  expect(transportFault(packetOf(whole!))).toBeUndefined();
  expect(parts(whole!).map(withoutIdentification)).toEqual(packets.map(withoutIdentification));
});

test("a shorter segment or a PSH is the last one, and the PSH is kept", () => {
  const short = join(
    ...burst(3, 100),
    segment({ sequence: 1300, length: 50 }),
    segment({ sequence: 1350, length: 100 }),
  );
  expect(shape(short)).toEqual([4, 1]);
  const pushed = join(
    ...burst(2, 100),
    segment({ sequence: 1200, length: 100, flags: TCP_ACK | TCP_PSH }),
    ...burst(1, 100, 1300),
  );
  expect(shape(pushed)).toEqual([3, 1]);
  expect(tcpFlags(packetOf(pushed[0]!))).toBe(TCP_ACK | TCP_PSH);
  expect(transportFault(packetOf(pushed[0]!))).toBeUndefined();
});

test("what does not continue the burst starts another, in order", () => {
  const next = { sequence: 1200, length: 100 };
  const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
  for (const other of [
    segment({ ...next, sequence: 1201 }),
    segment({ ...next, acknowledgement: 8 }),
    segment({ ...next, window: 501 }),
    segment({ ...next, options }),
    segment({ ...next, length: 101 }),
  ]) {
    expect(shape(join(...burst(2, 100), other))).toEqual([2, 1]);
  }
  const fin = segment({ ...next, flags: TCP_ACK | TCP_FIN });
  const [first, second] = join(...burst(2, 100), fin);
  expect(first!.packets).toBe(2);
  expect(packetOf(second!)).toEqual(fin);
});

test("a bare acknowledgement does not overtake what its flow sent before", () => {
  const bare = segment({ sequence: 1200, length: 0 });
  const written = join(...burst(2, 100), bare);
  expect(shape(written)).toEqual([2, 1]);
  expect(packetOf(written[1]!)).toEqual(bare);
});

test("flows are joined side by side", () => {
  const packets = Array.from({ length: 60 }, (_, index) =>
    segment({ sequence: Math.floor(index / 6) * 100, length: 100, port: 5000 + (index % 6) }),
  );
  expect(shape(join(...packets))).toEqual([10, 10, 10, 10, 10, 10]);
});

test("more flows than there is room for lose nothing", () => {
  const packets = Array.from({ length: 200 }, (_, index) =>
    segment({ sequence: Math.floor(index / 40) * 100, length: 100, port: 5000 + (index % 40) }),
  );
  const all = join(...packets)
    .flatMap(parts)
    .map(withoutIdentification);
  expect(all).toHaveLength(200);
  for (const packet of packets) expect(all).toContainEqual(withoutIdentification(packet));
});

test("no packet becomes longer than IPv4 allows", () => {
  const written = join(...burst(100, 1400));
  expect(written.every((each) => packetOf(each).length <= 65_535)).toBe(true);
  expect(written.flatMap(parts)).toHaveLength(100);
});

test("damage in one part is damage in the whole", () => {
  for (const at of [30, 36, 45, 139]) {
    const packets = burst(3, 101);
    packets[1]![at]! ^= 0x10;
    const damaged = join(...packets).filter((each) => transportFault(packetOf(each)) !== undefined);
    expect(damaged).toHaveLength(1);
  }
});

test("everything else goes out as it came", () => {
  const ends = { source: ip("10.100.0.2"), sourcePort: 1, destination: ip("100.64.0.1"), destinationPort: 2 };
  const datagram = Uint8Array.from(encodeUdp({ ...ends, payload: new Uint8Array(9) }));
  const syn = segment({ sequence: 0, length: 0, flags: 2 });
  expect(join(datagram, syn, datagram).map(packetOf)).toEqual([datagram, syn, datagram]);
  for (const { bytes } of join(datagram, syn)) {
    expect(bytes.subarray(0, VNET_HEADER_LENGTH)).toEqual(new Uint8Array(VNET_HEADER_LENGTH));
  }
});

test("any packets in any order come out whole, those of a flow in their order", () => {
  const ours = fc
    .record({
      step: fc.nat(3),
      port: fc.integer({ min: 1, max: 20 }),
      length: fc.constantFrom(0, 1, 7, 100),
      flags: fc.constantFrom(TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN),
    })
    .map(({ step, ...rest }) => segment({ sequence: 1000 + step * rest.length, ...rest }));
  const packets = fc.array(fc.oneof({ weight: 4, arbitrary: ours }, innerPacket), { maxLength: 80 });
  fc.assert(
    fc.property(packets, (sent) => {
      const received = join(...sent)
        .flatMap(parts)
        .map(withoutIdentification);
      const flow = (packet: Uint8Array) =>
        packet
          .subarray(9, 24)
          .filter((_, index) => index !== 1 && index !== 2)
          .join();
      for (const key of new Set(sent.map(flow))) {
        const expected = sent.filter((packet) => flow(packet) === key).map(withoutIdentification);
        expect(received.filter((packet) => flow(packet) === key)).toEqual(expected);
      }
      expect(received).toHaveLength(sent.length);
    }),
  );
});
