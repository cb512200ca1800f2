// The model of the reference's connector answers with the very bytes of the protocol's examples.
import { describe, expect, test } from "bun:test";
import { ReferenceConnector } from "../../support/reference-connector.ts";
import { RELAY_ADDRESS } from "../../support/simulated-relay.ts";

class Fixture {
  readonly written: string[] = [];
  readonly calls: string[] = [];
  readonly udp: string[] = [];
  now = 0;
  takes = 2 ** 20;
  readonly connector = new ReferenceConnector({
    service: "echo-service",
    initialSequence: () => 0xa0b0c0d0,
    sendUdp: (payload) => void this.udp.push(Buffer.from(payload).toString()),
    streams: {
      connect: (flow) => void this.calls.push(`connect ${flow}`),
      write: (flow, bytes) => {
        const taken = bytes.subarray(0, this.takes);
        this.written.push(`${flow} ${Buffer.from(taken)}`);
        return taken.length;
      },
      shutdown: (flow) => void this.calls.push(`shutdown ${flow}`),
      close: (flow) => void this.calls.push(`close ${flow}`),
    },
  });

  constructor() {
    const identity = { kind: "anonymous" } as const;
    const connected = { type: "connected", peer: 1, identity, address: RELAY_ADDRESS, maxDatagram: 1306 } as const;
    this.connector.handle(connected, this.now);
    this.sent();
  }

  /** Everything that it sent since the last time. */
  sent(): string[] {
    const out: string[] = [];
    for (let output = this.connector.poll(); output !== undefined; output = this.connector.poll()) {
      if (output.type === "send") out.push(Buffer.from(output.bytes).toString("hex"));
    }
    return out;
  }

  receive(hex: string): string[] {
    this.connector.handle({ type: "datagram", peer: 1, bytes: bytesOf(hex) }, this.now);
    return this.sent();
  }

  open(): void {
    this.receive(SYN);
    this.connector.tcp.connected(1);
    this.sent();
  }
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/[\s|]/g, ""), "hex"));
}

const SYN = "45000028000040004006cc29644000010a640002 c350005011223344000000005002ffff39350000";
const SYN_ACK = "45000028000040004006cc290a64000264400001 0050c350a0b0c0d0112233455012ffffd7a20000";
const PING = "4500002c000040004006cc25644000010a640002 c350005011223345a0b0c0d15018fffff8c60000 70696e67";
const ACK = "45000028000040004006cc290a64000264400001 0050c350a0b0c0d1112233495010ffffd79f0000";
const PONG = "4500002d000040004006cc240a64000264400001 0050c350a0b0c0d1112233495018ffffd7bb0000 706f6e6721";
const FIN_ACK = "45000028000040004006cc290a64000264400001 0050c350a0b0c0d6112233495011ffffd7990000";
const RST = "45000028000040004006cc290a64000264400001 0050c35000000000112233455014000039220000";

const plain = (hex: string) => hex.replaceAll(/\s/g, "");

describe("TCP", () => {
  test("a flow from SYN to FIN", () => {
    const fixture = new Fixture();
    expect(fixture.receive(SYN)).toEqual([]);
    fixture.connector.tcp.connected(1);
    expect(fixture.sent()).toEqual([plain(SYN_ACK)]);
    expect(fixture.receive(PING)).toEqual([plain(ACK)]);
    fixture.connector.tcp.received(1, Buffer.from("pong!"));
    expect(fixture.sent()).toEqual([plain(PONG)]);
    fixture.connector.tcp.ended(1);
    expect(fixture.sent()).toEqual([plain(FIN_ACK)]);
    expect(fixture.written).toEqual(["1 ping"]);
    expect(fixture.calls).toEqual(["connect 1", "close 1"]);
    expect(fixture.connector.tcp.flowCount).toBe(0);
  });

  test("a refused backend resets, and so does one that does not answer within five seconds", () => {
    const fixture = new Fixture();
    fixture.receive(SYN);
    fixture.connector.tcp.refused(1);
    expect(fixture.sent()).toEqual([plain(RST)]);
    fixture.receive(SYN);
    fixture.now = 5000;
    fixture.connector.tcp.timeout(5000);
    expect(fixture.sent()).toEqual([plain(RST)]);
  });

  test("a segment that comes twice is written twice, and the acknowledgement stays", () => {
    const fixture = new Fixture();
    fixture.open();
    expect([...fixture.receive(PING), ...fixture.receive(PING)]).toEqual([plain(ACK), plain(ACK)]);
    expect(fixture.written).toEqual(["1 ping", "1 ping"]);
  });

  test("a repeated SYN replaces the flow and its backend", () => {
    const fixture = new Fixture();
    fixture.open();
    fixture.receive(SYN);
    expect(fixture.calls).toEqual(["connect 1", "close 1", "connect 2"]);
  });

  test("a FIN ends writing; its payload is acknowledged and lost; the flow ends five seconds later", () => {
    const fixture = new Fixture();
    fixture.open();
    const fin = plain(PING).replace("5018fffff8c6", "5011ffff0000");
    const [ack = ""] = fixture.receive(fin);
    expect(ack.slice(56, 64)).toBe("1122334a");
    expect(fixture.written).toEqual([]);
    expect(fixture.calls).toEqual(["connect 1", "shutdown 1"]);
    expect(fixture.connector.tcp.deadline()).toBe(5000);
    fixture.now = 5000;
    fixture.connector.tcp.timeout(5000);
    expect(fixture.sent()).toHaveLength(1);
    expect(fixture.calls.at(-1)).toBe("close 1");
  });

  test("a block of 1310 bytes fits no datagram, and counts all the same", () => {
    const fixture = new Fixture();
    fixture.open();
    fixture.connector.tcp.received(1, new Uint8Array(4000));
    const sent = fixture.sent();
    expect(sent.map((hex) => hex.length / 2 - 40)).toEqual([70]);
    expect(Number.parseInt(sent[0]!.slice(48, 56), 16) - 0xa0b0c0d1).toBe(3930);
    expect(fixture.connector.uplink.tooLarge).toBe(3);
  });

  test("the eleventh SYN of an address within a second is refused", () => {
    const fixture = new Fixture();
    for (let i = 0; i < 10; i++) expect(fixture.receive(SYN)).toEqual([]);
    expect(fixture.receive(SYN)).toEqual([plain(RST)]);
  });
});

test("an echo request is answered, whatever the address", () => {
  const request = "45000020000040004001cc37644000010a640001 080006fa1234000170696e67";
  const reply = "45000020000040004001cc370a64000164400001 00000efa1234000170696e67";
  expect(new Fixture().receive(request)).toEqual([plain(reply)]);
});

test("UDP reaches the backend, and its answer comes from the backend's own address", () => {
  const fixture = new Fixture();
  fixture.receive("45000021000040004011cc26644000010a640001 9c40270f000d0000 68656c6c6f");
  expect(fixture.udp).toEqual(["hello"]);
  const backend = { address: 0x7f000001, port: 9999 };
  fixture.connector.udpAnswered(Buffer.from("hello"), backend, 60_000);
  const [answer = ""] = fixture.sent();
  expect(answer.slice(0, 48)).toBe(plain("45000021000040004011578a7f00000164400001 270f9c40"));
  expect(answer.endsWith(Buffer.from("hello").toString("hex"))).toBe(true);
  fixture.connector.udpAnswered(Buffer.from("late"), backend, 60_001);
  expect(fixture.sent()).toEqual([]);
});
