// Models of the reference's agent and connector over real QUIC, with the settings of its library, and our compiled
// binary at the other end.
import { beforeAll, describe, expect, test } from "bun:test";
import { ipv4Source } from "../../src/wire/ipv4.ts";
import { udpPayloadEnd, udpPayloadStart, udpSourcePort } from "../../src/wire/udp.ts";
import { requireBinary } from "../support/binary.ts";
import { ip } from "../support/connector-world.ts";
import { type Daemon, startConnector, startRelay } from "../support/daemons.ts";
import { openEcho } from "../support/echo-fixture.ts";
import { testPki } from "../support/pki.ts";
import { concatenated } from "../support/plain-tcp.ts";
import { Random } from "../support/random.ts";
import { ReferenceAgentHost } from "../support/reference-agent-host.ts";
import { openReferenceConnector } from "../support/reference-backends.ts";
import { ReferenceQuic } from "../support/reference-quic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { testClient } from "../support/test-client.ts";

beforeAll(requireBinary);

const WEB = ip("10.100.0.2");

/** The model of the agent, registered for "web". */
async function openAgent(relay: Daemon, bare = false) {
  const { agent: credential } = await testPki();
  const host = new ReferenceAgentHost({ services: [{ id: "web", virtualIp: WEB }], bare });
  const quic = await ReferenceQuic.open({ role: "agent", relayPort: relay.port, credential, machine: host });
  await until(() => host.agent.uplink.registration("web") === "registered");
  return { host, quic, [Symbol.dispose]: () => quic[Symbol.dispose]() };
}

/** Looks again after each turn of the event loop. */
async function until(isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !isSo(); await Bun.sleep(1)) {
    if (performance.now() > end) throw new Error(`not so within ${timeoutMs} ms: ${isSo}`);
  }
}

describe.each([
  ["wrapped", false],
  ["bare", true],
])("the reference's agent with our relay and connector, %s packets", (_how, bare) => {
  test("gets its UDP answers, up to what its packets hold", async () => {
    using cwd = temporaryDirectory();
    using echo = await openEcho();
    await using relay = await startRelay({ cwd: cwd.path });
    const flags = ["--service-ip", "10.100.0.2", "--service", "web", "--forward", `127.0.0.1:${echo.port}`];
    await using _ = await startConnector(relay, "web", { cwd: cwd.path, flags });
    using agent = await openAgent(relay, bare);
    expect(agent.quic.largestDatagram).toBe(1156);
    const payload = new Uint8Array(1156 - 28 - (bare ? 0 : 5)).fill(7);
    agent.host.sendUdp(WEB, 9999, payload);
    agent.quic.wake();
    await until(() => agent.host.packets.length > 0);
    const [packet] = agent.host.packets;
    expect(packet!.slice(udpPayloadStart(packet!), udpPayloadEnd(packet!))).toEqual(payload);
    expect([ipv4Source(packet!), udpSourcePort(packet!)]).toEqual([WEB, 9999]);
  });
});

describe.each([
  ["names no segment size", undefined, 536],
  // 1240 is what a stack offers behind an interface of 1280, more than its agent can send: 1156, the wrapper and headers.
  ["names what its interface takes", 1240, 1156 - 5 - 40],
])("the reference's agent with our relay and connector, a host that %s", (_how, mss, largestSegment) => {
  test("sends and gets 200 kB over TCP, in segments that its datagrams hold", async () => {
    using cwd = temporaryDirectory();
    const [request, response] = [new Random(1).bytes(200_000), new Random(2).bytes(200_000)];
    using server = answering(request.length, response);
    await using relay = await startRelay({ cwd: cwd.path });
    const flags = ["--service-ip", "10.100.0.2", "--service", "web", "--forward", `127.0.0.1:${server.port}`];
    await using _ = await startConnector(relay, "web", { cwd: cwd.path, flags });
    using agent = await openAgent(relay);
    const to = { destination: WEB, destinationPort: 80, ...(mss === undefined ? {} : { mss }) };
    const tcp = agent.host.open(to, performance.now());
    tcp.write(request, performance.now());
    agent.quic.wake();
    await until(() => tcp.ended);
    expect(concatenated(tcp.received)).toEqual(response);
    expect(concatenated(server.received)).toEqual(request);
    expect(tcp.largestSegment).toBe(largestSegment);
    expect(agent.host.agent.uplink.tooLarge).toBe(0);
    tcp.finish(performance.now());
    agent.quic.wake();
    await until(() => tcp.state === "closed");
  });
});

test("the reference's connector with our relay and test client: UDP comes back, though from the backend's address", async () => {
  using cwd = temporaryDirectory();
  using echo = await openEcho();
  await using relay = await startRelay({ cwd: cwd.path });
  const { connectorForAll, agent } = await testPki();
  const ports = { tcpPort: 1, udpPort: echo.port };
  const where = { relayPort: relay.port, credential: connectorForAll, service: "web" };
  using connector = await openReferenceConnector({ ...where, ...ports });
  await until(() => connector.connector.uplink.registration("web") === "registered");
  const flags = [
    "--service",
    "web",
    "--dst",
    "10.100.0.2:9999",
    "--payload-size",
    "max",
    "--verify-echo",
    "--wait",
    "500",
  ];
  const run = await testClient({ port: relay.port, cwd: cwd.path, credential: agent }, ...flags);
  expect(run.stdout).toContain("VERIFY_RESULT:PASS");
});

/** Once it has so many bytes it answers, and ends. */
function answering(bytes: number, response: Uint8Array) {
  const received: Uint8Array[] = [];
  let missing = bytes;
  let sent = 0;
  const answer = (socket: Bun.Socket) => {
    sent += socket.write(response.subarray(sent));
    if (sent === response.length) socket.end();
  };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      data: (socket, data) => {
        received.push(data.slice());
        missing -= data.length;
        if (missing === 0) answer(socket);
      },
      drain: (socket) => {
        if (missing === 0 && sent < response.length) answer(socket);
      },
    },
  });
  return { received, port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}
