// A real name server behind a connector: queries go through the tunnel, and answers come from the virtual address.
import { beforeAll, expect } from "bun:test";
import { formatIpv4, parseIpv4 } from "../../src/wire/address.ts";
import { fromHex, toHex } from "../../src/wire/bytes.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../src/wire/ipv4.ts";
import {
  checkUdp,
  encodeUdp,
  udpDestinationPort,
  udpPayloadEnd,
  udpPayloadStart,
  udpSourcePort,
} from "../../src/wire/udp.ts";
import { requireBinary } from "../support/binary.ts";
import { startConnector, startRelay } from "../support/daemons.ts";
import { dnsQuery, parseDnsAnswer, TYPE_A, TYPE_TXT } from "../support/dns-message.ts";
import { startNameServer } from "../support/name-server.ts";
import { testPki } from "../support/pki.ts";
import { testUnless, withoutProgram } from "../support/skip.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";
import { received, testClient } from "../support/test-client.ts";

const needsDnsmasq = testUnless(withoutProgram("dnsmasq"));
beforeAll(() => requireBinary());

const VIRTUAL = "10.100.0.53";
const AGENT = { source: parseIpv4("100.64.0.1")!, sourcePort: 41_053 };

/** Sends one query as a raw inner packet and returns the inner packets that came back. */
async function ask(port: number, cwd: TemporaryDirectory, query: Uint8Array, to = VIRTUAL) {
  const inner = encodeUdp({ ...AGENT, destination: parseIpv4(to)!, destinationPort: 53, payload: query });
  const { agentForAll } = await testPki();
  const flags = ["--service", "dns", "--expect-ack", "--send-hex", toHex(inner), "--wait", "500"];
  const run = await testClient({ port, cwd: cwd.path, credential: agentForAll }, ...flags);
  expect(run).toMatchObject({ status: 0, stderr: "" });
  return received(run)
    .map((hex) => fromHex(hex)!)
    .filter((datagram) => datagram[0] === 0x45);
}

needsDnsmasq("a real name server answers through the tunnel, from its virtual address", async () => {
  using cwd = temporaryDirectory();
  const server = await startNameServer();
  await using _ = server.process;
  await using relay = await startRelay({ cwd: cwd.path });
  const service = { id: "dns", virtualIp: VIRTUAL, protocol: "udp", ports: [53], backend: `127.0.0.1:${server.port}` };
  const config = cwd.write("connector.json", JSON.stringify({ services: [service] }));
  await using _connector = await startConnector(relay, "dns", { cwd: cwd.path, flags: ["--config", config] });

  const [answer, ...more] = await ask(relay.port, cwd, dnsQuery(0x1234, "db.internal.test", TYPE_A));
  expect(more).toEqual([]);
  const inner = answer!;
  expect([checkIpv4(inner), checkUdp(inner)]).toEqual([undefined, undefined]);
  expect([formatIpv4(ipv4Source(inner)), udpSourcePort(inner)]).toEqual([VIRTUAL, 53]);
  expect([ipv4Destination(inner), udpDestinationPort(inner)]).toEqual([AGENT.source, AGENT.sourcePort]);
  const address = { type: TYPE_A, data: Uint8Array.of(192, 0, 2, 55) };
  expect(parseDnsAnswer(payloadOf(inner))).toEqual({ id: 0x1234, code: 0, records: [address] });

  const [text] = await ask(relay.port, cwd, dnsQuery(2, "db.internal.test", TYPE_TXT));
  const [record] = parseDnsAnswer(payloadOf(text!)).records;
  expect(new TextDecoder().decode(record!.data.subarray(1))).toBe("owner=platform");

  const [missing] = await ask(relay.port, cwd, dnsQuery(3, "nobody.internal.test", TYPE_A));
  expect(parseDnsAnswer(payloadOf(missing!))).toEqual({ id: 3, code: 3, records: [] });

  // What is not the service's virtual address never reaches the name server.
  expect(await ask(relay.port, cwd, dnsQuery(4, "db.internal.test", TYPE_A), "10.100.0.54")).toEqual([]);
});

function payloadOf(inner: Uint8Array): Uint8Array {
  return inner.slice(udpPayloadStart(inner), udpPayloadEnd(inner));
}
