// Which echo requests are answered, and with what.
import { describe, expect, test } from "bun:test";
import { answerEcho } from "../../../src/connector/icmp-echo.ts";
import { Services } from "../../../src/connector/services.ts";
import { encodeEchoRequest } from "../../../src/wire/icmp.ts";
import { ip } from "../../support/connector-world.ts";
import { vector } from "../../support/vectors.ts";

const services = new Services([
  { id: "any", virtualIp: ip("10.100.0.1"), backend: { host: "h", port: 1 } },
  { id: "udp", virtualIp: ip("10.100.0.1"), backend: { host: "h", port: 1 }, protocol: "udp" },
  { id: "ping", virtualIp: ip("10.100.0.1"), backend: { host: "h", port: 1 }, protocol: "icmp" },
]);

describe("answerEcho", () => {
  test("answers byte for byte as the protocol document shows", () => {
    expect(answerEcho(services, "any", vector("echoRequest"))).toEqual(vector("echoReply"));
    expect(answerEcho(services, "ping", vector("echoRequest"))).toEqual(vector("echoReply"));
  });

  test("answers only for the service's own address and where ICMP is allowed", () => {
    const parts = { source: ip("100.64.0.1"), identifier: 1, sequence: 1, payload: new Uint8Array(3) };
    const elsewhere = encodeEchoRequest({ ...parts, destination: ip("10.100.0.2") });
    expect(answerEcho(services, "any", elsewhere)).toBe("foreign-address");
    expect(answerEcho(services, "udp", vector("echoRequest"))).toBe("foreign-protocol");
    expect(answerEcho(services, "none", vector("echoRequest"))).toBe("foreign-address");
  });

  test("leaves replies and damaged requests unanswered", () => {
    const reply = encodeEchoRequest({
      source: ip("100.64.0.1"),
      destination: ip("10.100.0.1"),
      identifier: 1,
      sequence: 1,
      payload: new Uint8Array(0),
    });
    reply[20] = 0;
    reply[22]! += 8; // the type counted for that much in the sum
    expect(answerEcho(services, "any", reply)).toBe("icmp-not-echo");
    const damaged = vector("echoRequest");
    damaged[31]! ^= 0xff;
    expect(answerEcho(services, "any", damaged)).toBe("icmp-bad-checksum");
  });
});
