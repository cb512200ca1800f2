// ICMP errors about packets of local flows.
import { describe, expect, test } from "bun:test";
import { readLocalError } from "../../../src/agent/local-errors.ts";
import {
  encodeEchoReply,
  encodeEchoRequest,
  encodeFragmentationNeeded,
  encodeUnreachable,
} from "../../../src/wire/icmp.ts";
import { encodeTcp, TCP_SYN } from "../../../src/wire/tcp.ts";
import { encodeUdp } from "../../../src/wire/udp.ts";
import { LocalWorld, SOCKS } from "../../support/local-world.ts";

const FLOW = { source: 0x6460_0007, sourcePort: 5000, destination: 0x0a64_0001, destinationPort: 80 };
const SYN = encodeTcp({ ...FLOW, sequence: 1, acknowledgement: 0, flags: TCP_SYN, window: 1000 });
const QUESTION = encodeUdp({ ...FLOW, payload: new Uint8Array(30) });

test("an error names the packet that it is about", () => {
  const unreachable = encodeUnreachable({ packet: SYN, code: 1, source: FLOW.destination })!;
  expect(readLocalError(unreachable)).toEqual({ flow: FLOW, isTcp: true, kind: "unreachable", nextHopMtu: 0 });
  const refused = encodeUnreachable({ packet: QUESTION, code: 3, source: FLOW.destination })!;
  expect(readLocalError(refused)).toEqual({ flow: FLOW, isTcp: false, kind: "refused", nextHopMtu: 0 });
  const large = encodeFragmentationNeeded({ packet: SYN, nextHopMtu: 1200, source: FLOW.destination })!;
  expect(readLocalError(large)).toEqual({ flow: FLOW, isTcp: true, kind: "too-large", nextHopMtu: 1200 });
});

test("anything else, and anything damaged, is none", () => {
  const unreachable = encodeUnreachable({ packet: SYN, code: 1, source: FLOW.destination })!;
  unreachable[40]! ^= 1;
  expect(readLocalError(unreachable)).toBeUndefined();
  expect(readLocalError(SYN)).toBeUndefined();
  const echo = encodeEchoRequest({ ...FLOW, identifier: 1, sequence: 1, payload: new Uint8Array(40) });
  expect(readLocalError(echo)).toBeUndefined();
  expect(readLocalError(encodeEchoReply(echo)!)).toBeUndefined();
});

describe("an error about a connection that is being opened ends it at once", () => {
  for (const [code, reply] of [
    [1, "04"],
    [13, "04"],
    [3, "05"],
  ] as const) {
    test(`code ${code}`, () => {
      const world = new LocalWorld();
      world.behave("silent");
      const forward = world.accept(0);
      const socks = world.accept(SOCKS);
      world.say(socks, "\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50");
      for (const { bytes } of [...world.packets]) {
        expect(world.deliver(encodeUnreachable({ packet: bytes, code, source: 0x0a64_0001 })!)).toBe(true);
      }
      expect(forward.closed).toBe("reset");
      expect(Buffer.from(socks.bytes).toString("hex")).toBe(`050005${reply}0001000000000000`);
      expect(world.flows.gauges.connections).toBe(0);
    });
  }

  test("but not one that is open, nor one of another's flow", () => {
    const world = new LocalWorld();
    const open = world.accept(0);
    const { flow } = world.fars[0]!.session!;
    const ours = { source: flow.destination, sourcePort: flow.destinationPort, destination: flow.source };
    const segment = (destinationPort: number) =>
      encodeTcp({ ...ours, destinationPort, sequence: 1, acknowledgement: 0, flags: TCP_SYN, window: 1 });
    const error = (packet: Uint8Array) => encodeUnreachable({ packet, code: 1, source: flow.source })!;
    expect(world.deliver(error(segment(80)))).toBe(true);
    expect(world.deliver(error(segment(81)))).toBe(false);
    expect(world.deliver(error(SYN))).toBe(false);
    expect(open.closed).toBeUndefined();
  });
});

test("a path that carries less gets smaller segments and datagrams", () => {
  const world = new LocalWorld();
  const program = world.accept(0);
  world.say(program, new Uint8Array(10_000));
  const { flow } = world.fars[0]!.session!;
  const packet = encodeTcp({
    ...{ source: flow.destination, sourcePort: flow.destinationPort },
    ...{ destination: flow.source, destinationPort: flow.sourcePort },
    ...{ sequence: 1, acknowledgement: 0, flags: 0, window: 1 },
  });
  world.deliver(encodeFragmentationNeeded({ packet, nextHopMtu: 700, source: flow.source })!);
  world.behave("silent");
  world.say(program, new Uint8Array(10_000));
  const longest = () => Math.max(...world.packets.map(({ bytes }) => bytes.length));
  expect(longest()).toBe(700);
  world.packets.length = 0;
  world.deliver(encodeFragmentationNeeded({ packet, nextHopMtu: 1, source: flow.source })!);
  world.run(5000);
  expect(longest()).toBe(576);
});
