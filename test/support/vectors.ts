// Messages and packets of the protocol as bytes on the wire. "|" and spaces in the hexadecimal text separate fields.
import { fromHex } from "../../src/wire/bytes.ts";

export const VECTORS = {
  /** 203.0.113.5:54321 */
  observedAddress: "01 | cb007105 | d431",

  agentRegistration: "10 | 0c | 6563686f2d73657276696365",
  connectorRegistration: "11 | 07 | 7765622d617070",
  emptyRegistration: "10 | 00",

  ack: "12 | 00 | 0c | 6563686f2d73657276696365",
  nackNotGranted: "13 | 02 | 0c | 6563686f2d73657276696365",
  nackMalformed: "13 | 01 | 00",

  /** UDP "hello" from 100.64.0.1:40000 to 10.100.0.1:9999 for "echo-service". */
  routedHello: `2f | 0c | 6563686f2d73657276696365 |
    45000021000040004011cc26644000010a640001 9c40270f000d0000 68656c6c6f`,
  /** Its inner packet. */
  hello: "45000021000040004011cc26644000010a640001 | 9c40270f000d0000 | 68656c6c6f",
  /** The reference connector's answer to it, from backend 127.0.0.1:9999. */
  helloReply: "45000021000040004011578a 7f000001 64400001 | 270f9c40000d0000 | 68656c6c6f",

  /** A TCP flow, 100.64.0.1:50000 to 10.100.0.2:80, initial numbers 0x11223344 and 0xa0b0c0d0. */
  tcpSyn: "45000028000040004006cc29644000010a640002 | c350005011223344000000005002ffff39350000",
  tcpSynAck: "45000028000040004006cc290a64000264400001 | 0050c350a0b0c0d0112233455012ffffd7a20000",
  tcpPing: "4500002c000040004006cc25644000010a640002 | c350005011223345a0b0c0d15018fffff8c60000 | 70696e67",
  tcpAck: "45000028000040004006cc290a64000264400001 | 0050c350a0b0c0d1112233495010ffffd79f0000",
  tcpPong: "4500002d000040004006cc240a64000264400001 | 0050c350a0b0c0d1112233495018ffffd7bb0000 | 706f6e6721",
  tcpFinAck: "45000028000040004006cc290a64000264400001 | 0050c350a0b0c0d6112233495011ffffd7990000",
  /** Answers the SYN. */
  tcpRstAck: "45000028000040004006cc290a64000264400001 | 0050c35000000000112233455014000039220000",

  echoRequest: "45000020000040004001cc37644000010a640001 | 080006fa1234000170696e67",
  echoReply: "45000020000040004001cc370a64000164400001 | 00000efa1234000170696e67",

  keepaliveRequest: "5a 10 00000001",
  keepaliveResponse: "5a 11 00000001",
  keepaliveRequest12345: "5a 10 00003039",
} as const;

export type VectorName = keyof typeof VECTORS;

/** A fresh copy: tests may change it. */
export function vector(name: VectorName): Uint8Array {
  return hex(VECTORS[name]);
}

/** Bytes of hexadecimal text with any spaces and "|" in it. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text.replace(/[\s|]/g, ""));
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}
