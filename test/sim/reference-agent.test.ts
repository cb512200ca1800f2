// The reference's agent, through our relay, to our connectors and to the reference's: in datagrams of at most 1156
// bytes, bare and wrapped.
import { describe, expect, test } from "bun:test";
import type { ServiceEntry } from "../../src/connector/services.ts";
import { encodeEchoRequest, ICMP_ECHO_REPLY, icmpType } from "../../src/wire/icmp.ts";
import { ipv4Source } from "../../src/wire/ipv4.ts";
import { udpPayloadEnd, udpPayloadStart, udpSourcePort } from "../../src/wire/udp.ts";
import { ip } from "../support/connector-world.ts";
import { EchoConnector } from "../support/echo-connector.ts";
import type { LinkConditions } from "../support/network.ts";
import { concatenated } from "../support/plain-tcp.ts";
import { forEachSeed, Random } from "../support/random.ts";
import { REFERENCE_ADDRESS, ReferenceAgentHost } from "../support/reference-agent-host.ts";
import { ReferenceConnectorHost } from "../support/reference-connector-host.ts";
import { TcpConnectorHost } from "../support/tcp-connector-host.ts";
import { World } from "../support/world.ts";
import type { ClientMachine } from "../support/world-frames.ts";

const WEB = ip("10.100.0.2");
const SERVICES = [{ id: "web", virtualIp: WEB }];
const ENTRY: ServiceEntry = { id: "web", virtualIp: WEB, backend: { host: "web-1", port: 80 } };
/** What its QUIC library takes and sends. */
const LIMITS = { client: 1156, relay: 1310 };

function setUp<M extends ClientMachine>(
  connector: M,
  conditions: Partial<LinkConditions> = { delayMs: 5 },
  bare = false,
  seed = 8,
) {
  const world = new World({ seed, conditions });
  world.add("connector", connector);
  const host = world.add("agent", new ReferenceAgentHost({ services: SERVICES, bare }), undefined, LIMITS);
  world.runUntil(1000);
  const act = (body: () => void) => {
    body();
    world.pump("agent");
  };
  return { world, host, connector, act };
}

function ours() {
  const random = new Random(8);
  return new EchoConnector({ services: [ENTRY], random: () => random.next() });
}

function reference(bytes: Uint8Array) {
  const random = new Random(8);
  const answer = (read: string) => (read.endsWith("\n") ? { bytes, close: true } : undefined);
  return new ReferenceConnectorHost("web", () => random.next(), { answer });
}

describe.each([
  ["wrapped", false],
  ["bare", true],
])("%s packets to our connector", (_how, bare) => {
  test("are answered over UDP, from the address and port that they were for", () => {
    const { world, host, act } = setUp(ours(), undefined, bare);
    act(() => host.sendUdp(WEB, 80, Buffer.from("hello")));
    world.runUntil(2000);
    const [packet] = host.packets;
    expect(Buffer.from(packet!.subarray(udpPayloadStart(packet!), udpPayloadEnd(packet!))).toString()).toBe(
      "web-1:80 hello",
    );
    expect([ipv4Source(packet!), udpSourcePort(packet!)]).toEqual([WEB, 80]);
  });

  test("are answered over ICMP", () => {
    const { world, host, act } = setUp(ours(), undefined, bare);
    const echo = { identifier: 1, sequence: 2, payload: Buffer.from("ping") };
    act(() => host.agent.send(encodeEchoRequest({ source: REFERENCE_ADDRESS, destination: WEB, ...echo })));
    world.runUntil(2000);
    expect(host.packets.map((packet) => [icmpType(packet), ipv4Source(packet)])).toEqual([[ICMP_ECHO_REPLY, WEB]]);
  });
});

test("the largest payload that its datagrams hold comes back, and one byte more never leaves it", () => {
  const { world, host, act } = setUp(ours());
  // 1156 less the wrapper of "web", less the headers of IPv4 and UDP.
  act(() => host.sendUdp(WEB, 80, new Uint8Array(1156 - 5 - 28).fill(65)));
  act(() => host.sendUdp(WEB, 80, new Uint8Array(1156 - 5 - 27).fill(65)));
  world.runUntil(2000);
  expect(host.packets.length).toBe(1);
  expect(host.agent.uplink.tooLarge).toBe(1);
});

test("it registers on a bad path with its three tries, and again when the relay comes back", () => {
  let registered = 0;
  for (let seed = 0; seed < 20; seed++) {
    const world = new World({ seed, conditions: { delayMs: 20, loss: 0.2 } });
    const host = world.add("agent", new ReferenceAgentHost({ services: SERVICES }), undefined, LIMITS);
    world.runUntil(8000);
    if (host.agent.uplink.registration("web") === "registered") registered++;
    world.killRelay();
    world.runUntil(10_000);
    world.startRelay();
    world.network.setConditions({ loss: 0 });
    world.runUntil(60_000);
    expect(host.agent.uplink.registration("web")).toBe("registered");
  }
  // A try is lost in one direction or the other at 36 %, all three at 5 %.
  expect(registered).toBeGreaterThan(15);
});

describe.each([
  ["names no segment size", undefined],
  ["names one that its agent cannot send", 1240],
])("over TCP to our connector, a host that %s", (_how, mss) => {
  test("sends and gets everything, whatever the path does", () => {
    forEachSeed(10, (seed) => {
      const random = new Random(seed);
      const [request, response] = [random.bytes(30_000), random.bytes(30_000)];
      const answering = (read: Uint8Array) =>
        read.length < request.length ? undefined : { bytes: response, close: true };
      const connector = new TcpConnectorHost(ENTRY, () => random.next(), answering);
      const { world, host, act } = setUp(connector, {}, false, seed);
      world.network.setConditions({
        delayMs: 5,
        jitterMs: 3,
        loss: 0.02,
        duplicate: 0.02,
        reorder: 0.05,
        reorderMs: 10,
      });
      act(() => host.open({ destination: WEB, destinationPort: 80, ...(mss === undefined ? {} : { mss }) }, world.now));
      act(() => host.tcp!.write(request, world.now));
      // Without selective acknowledgements it takes what it takes.
      while (!host.tcp!.ended && world.now < 3_600_000) world.runUntil(world.now + 1000);
      expect(connector.connections).toHaveLength(1);
      expect(connector.readBy(0)).toEqual(request);
      expect(concatenated(host.tcp!.received)).toEqual(response);
      expect(host.tcp!.ended).toBe(true);
      expect(host.agent.uplink.tooLarge).toBe(0);
    });
  });
});

describe.each([
  ["wrapped", false],
  ["bare", true],
])("both ends are the reference's, %s", (_how, bare) => {
  test("a TCP request is answered on a path that loses nothing", () => {
    const response = new Random(3).bytes(50_000);
    const { world, host, act } = setUp(reference(response), undefined, bare);
    act(() => host.open({ destination: WEB, destinationPort: 80, mss: 1240 }, world.now));
    act(() => host.tcp!.write(Buffer.from(`${"x".repeat(5000)}\n`), world.now));
    world.runUntil(3000);
    expect(concatenated(host.tcp!.received)).toEqual(response);
    expect(host.tcp!.ended).toBe(true);
    expect(host.tcp!.largestSegment).toBe(536);
  });
});
