// What a connector answers itself, and what it lets nobody reach.
import { describe, expect, test } from "bun:test";
import { parsePorts, type ServiceEntry } from "../../../src/connector/services.ts";
import { AGENT, ConnectorWorld, ECHO, udp, WEB } from "../../support/connector-world.ts";
import { withFreshHeader } from "../../support/inner-packets.ts";
import { hex, vector } from "../../support/vectors.ts";

describe("what must not reach a backend", () => {
  const refused = (packet: Uint8Array, services: ServiceEntry[] = [ECHO, WEB], service = services[0]!.id) => {
    const world = new ConnectorWorld(services).connect();
    const commands = world.fromRelay(service, packet);
    expect(commands).toEqual([]);
    return { dropped: world.dropped, sent: world.sent.map((each) => each.bytes), world };
  };

  test("UDP and ICMP to a foreign address are counted and lost", () => {
    expect(refused(udp(`${AGENT}:1`, "10.100.0.9:9999"))).toMatchObject({
      dropped: { "foreign-address": 1 },
      sent: [],
    });
    const echo = hex("45000020000040004001cc2f644000010a640009 | 080006fa1234000170696e67");
    expect(refused(echo)).toMatchObject({ dropped: { "foreign-address": 1 }, sent: [] });
  });

  test("so is the address of another service of the same connector", () => {
    expect(refused(udp(`${AGENT}:1`, "10.100.0.2:80"))).toMatchObject({ dropped: { "foreign-address": 1 } });
    expect(refused(vector("hello"), [WEB, ECHO])).toMatchObject({ dropped: { "foreign-address": 1 } });
  });

  test("a foreign port or protocol is too", () => {
    const dns = { ...ECHO, protocol: "udp" as const, ports: parsePorts([53])! };
    expect(refused(udp(`${AGENT}:1`, "10.100.0.1:54"), [dns])).toMatchObject({ dropped: { "foreign-port": 1 } });
    expect(refused(vector("echoRequest"), [dns])).toMatchObject({ dropped: { "foreign-protocol": 1 }, sent: [] });
    expect(refused(udp(`${AGENT}:1`, "10.100.0.2:80"), [WEB])).toMatchObject({ dropped: { "foreign-protocol": 1 } });
  });

  test("a TCP segment to a foreign destination is answered by a reset", () => {
    const foreign = refused(vector("tcpSyn"), [ECHO]);
    expect(foreign.dropped).toEqual({ "foreign-address": 1 });
    expect(foreign.sent).toEqual([vector("tcpRstAck")]);
  });

  test("damaged packets are dropped with their reason", () => {
    const damage = (at: number, value: number) => {
      const packet = vector("hello");
      packet[at] = value;
      return packet;
    };
    const fragment = withFreshHeader(vector("hello"))!;
    fragment[6] = 0x20;
    fragment[10] = 0xec;
    expect(refused(damage(0, 0x44)).dropped).toEqual({ "bad-header-length": 1 });
    expect(refused(damage(3, 0x22)).dropped).toEqual({ "bad-total-length": 1 });
    expect(refused(damage(8, 0x3f)).dropped).toEqual({ "bad-checksum": 1 });
    expect(refused(vector("hello").subarray(0, 19)).dropped).toEqual({ short: 1 });
    expect(refused(fragment).dropped).toEqual({ fragment: 1 });
    expect(refused(damage(25, 0x07)).dropped).toEqual({ "udp-bad-length": 1 });
    expect(refused(damage(26, 0x07)).dropped).toEqual({ "udp-bad-checksum": 1 });
    expect(refused(withFreshHeader(damage(9, 47))!).dropped).toMatchObject({ "unsupported-protocol": 1 });
  });

  test("damaged ICMP and TCP are too, and other ICMP than echo requests", () => {
    const ping = vector("echoRequest");
    ping[22]! ^= 1;
    expect(refused(ping).dropped).toEqual({ "icmp-bad-checksum": 1 });
    const syn = vector("tcpSyn");
    syn[36]! ^= 1;
    expect(refused(syn, [WEB])).toMatchObject({ dropped: { "tcp-bad-checksum": 1 }, sent: [] });
    const answer = hex("45000020000040004001cc37 64400001 0a640001 | 00000efa1234000170696e67");
    expect(refused(answer).dropped).toEqual({ "icmp-not-echo": 1 });
  });
});

describe("echo", () => {
  test("is answered for an own address", () => {
    const world = new ConnectorWorld([ECHO]).connect();
    world.fromRelay("echo-service", vector("echoRequest"));
    expect(world.sent.map((each) => each.bytes)).toEqual([vector("echoReply")]);
    expect(world.connector.stats).toMatchObject({ answered: 1, answers: { "echo-reply": 1 } });
  });

  test("an answer that the connection does not take is counted", () => {
    const world = new ConnectorWorld([ECHO]).connect(31);
    world.fromRelay("echo-service", vector("echoRequest"));
    expect(world.sent).toEqual([]);
    expect(world.connector.stats).toMatchObject({ answered: 1, answersLost: 1 });
  });
});
