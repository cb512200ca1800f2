// What an agent says after a reconnection, so that the relay knows its addresses again.
import { expect, test } from "bun:test";
import { Announcements } from "../../../src/agent/announcements.ts";
import type { Route } from "../../../src/agent/routes.ts";
import { encodeEchoReply } from "../../../src/wire/icmp.ts";
import { checkIpv4, ipv4Destination, ipv4Source } from "../../../src/wire/ipv4.ts";
import { encodeUdp } from "../../../src/wire/udp.ts";

const route = (id: string, virtualIp: number): Route => ({
  ...{ id, virtualIp, head: new Uint8Array(0) },
  registration: { service: id, state: "registered", reason: undefined },
});
const WEB = route("web", 0x0a64_0001);
const DB = route("db", 0x0a64_0002);
const [TUN, LOCAL] = [0x6440_0001, 0x6460_0007];

function all(announcements: Announcements, now: number): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let next = announcements.take(now); next !== undefined; next = announcements.take(now))
    packets.push(next.packet);
  return packets;
}

test("every address of ours says something to the service, at once and then less and less often", () => {
  const announcements = new Announcements([TUN, LOCAL], 77);
  expect(announcements.deadline()).toBeUndefined();
  announcements.begin(WEB, 1000);
  const times: number[] = [];
  for (let at = announcements.deadline(); at !== undefined; at = announcements.deadline()) {
    times.push(at - 1000);
    const packets = all(announcements, at);
    expect(packets.map((packet) => checkIpv4(packet))).toEqual([undefined, undefined]);
    expect(packets.map((packet) => ipv4Source(packet)).toSorted()).toEqual([TUN, LOCAL]);
    expect(packets.map((packet) => ipv4Destination(packet))).toEqual([WEB.virtualIp, WEB.virtualIp]);
  }
  expect(times).toEqual([0, 250, 1000, 3000, 8000]);
});

test("an address that hears anything from the service stops, and no other", () => {
  const announcements = new Announcements([TUN, LOCAL], 77);
  announcements.begin(WEB, 0);
  announcements.begin(DB, 0);
  expect(all(announcements, 0)).toHaveLength(4);
  const data = {
    source: WEB.virtualIp,
    destination: TUN,
    sourcePort: 1,
    destinationPort: 2,
    payload: new Uint8Array(3),
  };
  expect(announcements.heard(encodeUdp(data))).toBe(false);
  expect(all(announcements, 250)).toHaveLength(3);
});

test("an answer to it is nobody else's; other echoes are", () => {
  const announcements = new Announcements([LOCAL], 77);
  announcements.begin(WEB, 0);
  const [request] = all(announcements, 0);
  expect(announcements.heard(encodeEchoReply(request!)!)).toBe(true);
  expect(announcements.deadline()).toBeUndefined();
  const [ping] = all(begun(new Announcements([LOCAL], 78)), 0);
  expect(announcements.heard(encodeEchoReply(ping!)!)).toBe(false);
});

test("what begins again does not go on as well", () => {
  const announcements = new Announcements([LOCAL], 77);
  for (let round = 0; round < 100; round++) announcements.begin(WEB, round);
  expect(all(announcements, 1000)).toHaveLength(1);
});

function begun(announcements: Announcements): Announcements {
  announcements.begin(WEB, 0);
  return announcements;
}
