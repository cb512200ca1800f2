// An agent is a machine like any other, whatever its relay and its host do.
import { test } from "bun:test";
import fc from "fast-check";
import { Agent } from "../../../src/agent/agent.ts";
import { SERVICES, TUN_ADDRESS, tunRead } from "../../support/agent-world.ts";
import { damaged, tcpPacket, udpPacket } from "../../support/arbitraries.ts";
import { clientEvent } from "../../support/client-arbitraries.ts";
import { udp } from "../../support/connector-world.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { Random } from "../../support/random.ts";

const gsoSize = fc.integer({ min: 0, max: 400 });
const ours = fc.constantFrom(udp("100.64.0.1:1", "10.100.0.2:80"), udp("100.64.0.1:1", "10.100.0.1:7", "longer"));
const read = fc
  .tuple(fc.oneof(ours, damaged(fc.oneof(tcpPacket, udpPacket))), fc.constantFrom(0, 1, 5), gsoSize)
  .map(([packet, gsoType, size]) => tunRead(packet, { gsoType, gsoSize: size }));

test.each([0, 1000])("an agent whose relay connection takes %d datagrams obeys the machine laws", (room) => {
  checkMachineLaws({
    create: () => {
      const random = new Random(3);
      return new Agent({ services: SERVICES, random: () => random.next(), room: () => room, tunAddress: TUN_ADDRESS });
    },
    input: fc.oneof(
      { weight: 3, arbitrary: clientEvent(SERVICES.map(({ id }) => id)) },
      { weight: 2, arbitrary: read },
    ),
    runs: 100,
  });
});
