// Which packet leaves next, and when there is none.
import { expect, test } from "bun:test";
import { TcpScript } from "../../support/tcp-script.ts";

test("a reset goes before everything else, once", () => {
  const script = TcpScript.established();
  script.in("A 1:1001 ack 1", "A 1001:2001 ack 1");
  script.write(500);
  script.connection.abort();
  expect(script.out()).toEqual(["RA 1 ack 2001 win 0"]);
  expect(script.out()).toEqual([]);
});

test("bytes go before a bare acknowledgement and make it unnecessary", () => {
  const script = TcpScript.established();
  script.in("A 1:1001 ack 1", "A 1001:2001 ack 1");
  script.write(500);
  expect(script.out()).toEqual(["PA 1:501 ack 2001 win 65535"]);
});

test("each packet is counted, and what is sent again twice", () => {
  const script = TcpScript.established();
  script.write(2_500);
  script.out();
  script.passToDeadline();
  expect(script.out()).toHaveLength(1);
  expect([script.stats.segmentsSent, script.stats.retransmitted]).toEqual([1 + 3 + 1, 1]);
});

test("a packet that did not fit leaves the next time", () => {
  const script = TcpScript.established();
  script.in("A 1001:2001 ack 1");
  const { connection, now } = script;
  expect(() => connection.transmit(new Uint8Array(45), 0, now)).toThrow(RangeError);
  expect(script.out()).toEqual(["A 1 ack 1 win 65535 sack 1001-2001"]);
});
