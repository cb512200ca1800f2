// Which packets of a service are answers to what this host sent. All others stay outside.
import { describe, expect, test } from "bun:test";
import { Solicited } from "../../../src/agent/solicited.ts";
import { encodeEchoReply, encodeEchoRequest, encodeUnreachable, UNREACHABLE_PORT } from "../../../src/wire/icmp.ts";
import { ipv4Destination, PROTOCOL_UDP, writeIpv4Header } from "../../../src/wire/ipv4.ts";
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../../src/wire/tcp.ts";
import { ip, udp } from "../../support/connector-world.ts";

const OURS = "100.64.0.1:5000";
const WEB = "10.100.0.2:80";
const [own, service] = [ip("100.64.0.1"), ip("10.100.0.2")];

function sent(packet: Uint8Array, now = 0, to = new Solicited()): Solicited {
  to.sent(packet, 0, ipv4Destination(packet), now);
  return to;
}

const tcp = (flags: number) =>
  encodeTcp({
    ...{ source: service, sourcePort: 80, destination: own, destinationPort: 22 },
    ...{ sequence: 1, acknowledgement: 0, window: 100, flags, payload: new Uint8Array(0) },
  });

describe("TCP", () => {
  test("comes in, except for what begins a connection", () => {
    const solicited = new Solicited();
    expect(solicited.expects(tcp(TCP_SYN), 0)).toBe(false);
    for (const flags of [TCP_SYN | TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST]) {
      expect(solicited.expects(tcp(flags), 0)).toBe(true);
    }
    expect(solicited.expects(tcp(TCP_ACK).subarray(0, 39), 0)).toBe(false);
  });
});

describe("UDP", () => {
  test("comes in for a flow that a program began, and for no other", () => {
    const solicited = sent(udp(OURS, WEB));
    expect(solicited.expects(udp(WEB, OURS), 1)).toBe(true);
    for (const [from, to] of [
      ["10.100.0.2:81", OURS],
      ["10.100.0.3:80", OURS],
      [WEB, "100.64.0.1:5001"],
    ] as const) {
      expect(solicited.expects(udp(from, to), 1)).toBe(false);
    }
    expect(new Solicited().expects(udp(WEB, OURS), 1)).toBe(false);
  });

  test("comes in until five minutes after the program's last packet, whatever the service sends", () => {
    const solicited = sent(udp(OURS, WEB));
    expect(solicited.expects(udp(WEB, OURS), 299_999)).toBe(true);
    expect(solicited.expects(udp(WEB, OURS), 300_000)).toBe(false);
    sent(udp(OURS, WEB), 400_000, solicited);
    expect(solicited.expects(udp(WEB, OURS), 699_999)).toBe(true);
  });

  test("flows without end cost the oldest its answers, and no more memory", () => {
    const solicited = new Solicited();
    for (let flow = 0; flow <= 8192; flow++) sent(udp(`100.64.0.1:${1 + flow}`, WEB), flow, solicited);
    expect(solicited.expects(udp(WEB, "100.64.0.1:1"), 9000)).toBe(false);
    expect(solicited.expects(udp(WEB, "100.64.0.1:2"), 9000)).toBe(true);
    expect(solicited.expects(udp(WEB, "100.64.0.1:8193"), 9000)).toBe(true);
  });

  test("that is cut off before its ports says nothing and belongs to nothing", () => {
    const stub = new Uint8Array(23);
    writeIpv4Header(stub, 0, { source: own, destination: service, protocol: PROTOCOL_UDP, totalLength: 23 });
    const solicited = sent(stub);
    writeIpv4Header(stub, 0, { source: service, destination: own, protocol: PROTOCOL_UDP, totalLength: 23 });
    expect(solicited.expects(stub, 0)).toBe(false);
  });
});

test("of ICMP answers and errors come in, and nothing that asks", () => {
  const solicited = new Solicited();
  const echo = { identifier: 1, sequence: 1, payload: new Uint8Array(8) };
  const request = encodeEchoRequest({ ...echo, source: own, destination: service });
  expect(solicited.expects(encodeEchoReply(request)!, 0)).toBe(true);
  expect(solicited.expects(encodeEchoRequest({ ...echo, source: service, destination: own }), 0)).toBe(false);
  const error = encodeUnreachable({ packet: request, code: UNREACHABLE_PORT, source: service })!;
  expect(solicited.expects(error, 0)).toBe(true);
});

test("nothing else comes in", () => {
  const packet = udp(WEB, OURS);
  packet[9] = 47;
  expect(sent(udp(OURS, WEB)).expects(packet, 0)).toBe(false);
});
