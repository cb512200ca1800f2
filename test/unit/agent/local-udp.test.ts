// UDP of local programs: flows, replies, limits.
import { describe, expect, test } from "bun:test";
import type { LocalClient, LocalCommand } from "../../../src/agent/local.ts";
import { LocalServices } from "../../../src/agent/local-services.ts";
import { LocalStats } from "../../../src/agent/local-stats.ts";
import { LocalUdp } from "../../../src/agent/local-udp.ts";
import { PacketQueue } from "../../../src/agent/packet-queue.ts";
import { Outbox } from "../../../src/core/outbox.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import {
  checkUdp,
  encodeUdp,
  udpDestinationPort,
  udpPayloadEnd,
  udpPayloadStart,
  udpSourcePort,
} from "../../../src/wire/udp.ts";
import { Random } from "../../support/random.ts";

const ADDRESS = 0x6460_0007;
const DNS = 0x0a64_0005;
const client = (port: number): LocalClient => ({ host: "127.0.0.1", port });
const text = (value: string) => new TextEncoder().encode(value);

function world(limits = { flows: 4, idleMs: 1000 }) {
  const services = new LocalServices([{ id: "dns", virtualIp: DNS }]);
  const service = services.get("dns")!;
  Object.assign(service, { state: "registered", maxPacket: 1300 });
  const stats = new LocalStats();
  const packets = new PacketQueue();
  const chance = new Random(1);
  const random = () => chance.next();
  const out = new Outbox<LocalCommand>();
  const udp = new LocalUdp({ address: ADDRESS, random, limits, stats, packets, out });
  const send = (from: LocalClient, payload: Uint8Array, now = 0, socket = 0, socks = false) =>
    udp.forward(socket, from, service, 53, socks, payload, now);
  const sent = () => {
    const buffer = new Uint8Array(1500);
    const length = packets.take(buffer, 0);
    return length === 0 ? undefined : buffer.slice(0, length);
  };
  return { service, stats, out, udp, send, sent };
}

function answer(request: Uint8Array, payload: Uint8Array, change: Partial<Parameters<typeof encodeUdp>[0]> = {}) {
  return encodeUdp({
    source: ipv4Destination(request),
    sourcePort: udpDestinationPort(request),
    destination: ipv4Source(request),
    destinationPort: udpSourcePort(request),
    payload,
    ...change,
  });
}

describe("a program's datagram", () => {
  test("goes to the service's virtual address, from the agent's, under a port of its own", () => {
    const { send, sent, udp } = world();
    const first = client(4000);
    expect(send(first, text("one"))).toBeUndefined();
    expect(send(client(4001), text("two"))).toBeUndefined();
    expect(send(first, text("three"))).toBeUndefined();
    const packets = [sent()!, sent()!, sent()!];
    for (const packet of packets) {
      expect(checkIpv4(packet)).toBeUndefined();
      expect(checkUdp(packet)).toBeUndefined();
      expect([ipv4Source(packet), ipv4Destination(packet), udpDestinationPort(packet)]).toEqual([ADDRESS, DNS, 53]);
    }
    const ports = packets.map((packet) => udpSourcePort(packet));
    expect(ports[0]).toBe(ports[2]!);
    expect(ports[0]).not.toBe(ports[1]!);
    expect(packets.map((packet) => packet.subarray(udpPayloadStart(packet), udpPayloadEnd(packet)))).toEqual([
      text("one"),
      text("two"),
      text("three"),
    ]);
    expect(udp.flowCount).toBe(2);
  });

  test("goes nowhere while the service does not work, or when it is too long for the tunnel", () => {
    const { send, service, udp } = world();
    service.state = "denied";
    expect(send(client(1), text("x"))).toBe("service-denied");
    service.state = "unavailable";
    expect(send(client(1), text("x"))).toBe("relay-unavailable");
    service.state = "registered";
    expect(send(client(1), new Uint8Array(1273))).toBe("too-large");
    expect(udp.flowCount).toBe(0);
    expect(send(client(1), new Uint8Array(1272))).toBeUndefined();
  });

  test("does not wait behind a queue that is full", () => {
    const { send, sent } = world();
    const from = client(1);
    let taken = 0;
    while (send(from, text("x")) === undefined) taken += 1;
    expect(taken).toBe(128);
    expect(send(from, text("x"))).toBe("queue-full");
    sent();
    expect(send(from, text("x"))).toBeUndefined();
  });
});

describe("an answer", () => {
  test("comes back to the program that asked", () => {
    const { send, sent, udp, out, stats } = world();
    const from = client(4000);
    send(from, text("question"), 0, 3);
    expect(udp.receive(answer(sent()!, text("answer")))).toBe(true);
    expect(out.shift()).toEqual({ type: "local-datagram", socket: 3, to: from, bytes: text("answer") });
    expect(stats).toMatchObject({ replies: 1, repliesBytes: 6 });
  });

  test("tells a SOCKS5 client where it came from", () => {
    const { send, sent, udp, out } = world();
    send(client(4000), text("question"), 0, 3, true);
    udp.receive(answer(sent()!, text("ok")));
    const command = out.shift();
    if (command?.type !== "local-datagram") throw new Error("no datagram");
    expect([...command.bytes]).toEqual([0, 0, 0, 1, 10, 100, 0, 5, 0, 53, ...text("ok")]);
  });

  test("is nobody's when it comes from elsewhere, or to a port that asked nothing", () => {
    const { send, sent, udp, out } = world();
    send(client(4000), text("question"));
    const request = sent()!;
    expect(udp.receive(answer(request, text("x"), { source: DNS + 1 }))).toBe(false);
    expect(udp.receive(answer(request, text("x"), { sourcePort: 54 }))).toBe(false);
    expect(udp.receive(answer(request, text("x"), { destinationPort: udpSourcePort(request) ^ 1 }))).toBe(false);
    expect(out.shift()).toBeUndefined();
  });
});

describe("flows are bounded", () => {
  test("the one that was used least recently makes room", () => {
    const { send, sent, udp, stats } = world();
    const clients = [1, 2, 3, 4, 5].map(client);
    const first = clients[0]!;
    send(first, text("x"), 0);
    const request = sent()!;
    for (const [at, other] of clients.slice(1, 4).entries()) send(other, text("x"), 10 + at);
    send(first, text("x"), 20);
    send(clients[4]!, text("x"), 30);
    expect(udp.flowCount).toBe(4);
    expect(stats.flowsEvicted).toBe(1);
    expect(udp.receive(answer(request, text("still there")))).toBe(true);
  });

  test("an idle one lapses; what the service sends does not keep it", () => {
    const { send, sent, udp } = world();
    send(client(1), text("x"), 100);
    const request = sent()!;
    expect(udp.deadline()).toBe(1100);
    expect(udp.receive(answer(request, text("x")))).toBe(true);
    udp.timeout(1099);
    expect(udp.flowCount).toBe(1);
    udp.timeout(1100);
    expect(udp.flowCount).toBe(0);
    expect(udp.deadline()).toBeUndefined();
    expect(udp.receive(answer(request, text("x")))).toBe(false);
  });

  test("those of a socket that was closed are gone", () => {
    const { send, udp } = world();
    send(client(1), text("x"), 0, 7);
    send(client(2), text("x"), 0, 8);
    udp.forget(7);
    expect(udp.flowCount).toBe(1);
  });
});
