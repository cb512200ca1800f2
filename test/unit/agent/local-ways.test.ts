// The stacks of all services side by side.
import { expect, test } from "bun:test";
import { LocalServices } from "../../../src/agent/local-services.ts";
import { LocalWays } from "../../../src/agent/local-ways.ts";
import { tcpShared } from "../../../src/tunnel/tcp-shared.ts";
import { ipv4Destination } from "../../../src/wire/ipv4.ts";
import { tcpSourcePort } from "../../../src/wire/tcp.ts";

const ADDRESS = 0x6460_0007;

function ways(random = () => 0) {
  const services = new LocalServices([
    { id: "web", virtualIp: 0x0a64_0001 },
    { id: "db", virtualIp: 0x0a64_0002 },
    { id: "twin", virtualIp: 0x0a64_0001 },
  ]);
  const shared = tcpShared(() => 1, {}, 1e9);
  return { services, ways: new LocalWays<string>(services.all(), shared, ADDRESS, random) };
}

/** Everything that has something to say says it. */
function drain(all: LocalWays<string>): { readonly service: string; readonly packet: Uint8Array }[] {
  for (const { stack } of all) {
    for (let session = stack.takeTouched(); session !== undefined; session = stack.takeTouched())
      stack.settle(session, true);
  }
  const out = new Uint8Array(1500);
  const sent: { service: string; packet: Uint8Array }[] = [];
  for (let length = all.transmit(out, 0, 0); length > 0; length = all.transmit(out, 0, 0)) {
    sent.push({ service: all.service, packet: out.slice(0, length) });
  }
  return sent;
}

test("each segment is said to go to its service, and its service alone", () => {
  const { ways: all, services } = ways();
  for (const id of ["web", "db", "web", "db"]) all.connect(services.get(id)!, 80, id, 0);
  const sent = drain(all);
  expect(sent).toHaveLength(4);
  for (const { service, packet } of sent) {
    expect(ipv4Destination(packet)).toBe(services.get(service)!.virtualIp);
  }
});

test("no two connections to one address and port share a source port, twins included", () => {
  const { ways: all, services } = ways();
  for (const id of ["web", "twin", "web", "twin"]) all.connect(services.get(id)!, 80, id, 0);
  all.connect(services.get("web")!, 81, "web", 0);
  const ports = drain(all).map(({ packet }) => tcpSourcePort(packet));
  expect(ports.toSorted()).toEqual([1024, 1024, 1025, 1026, 1027]);
});

test("a service with much to send does not keep another waiting", () => {
  const { ways: all, services } = ways(Math.random);
  for (let i = 0; i < 200; i++) all.connect(services.get("web")!, 80, "web", 0);
  for (let i = 0; i < 3; i++) all.connect(services.get("db")!, 80, "db", 0);
  const order = drain(all).map(({ service }) => service);
  expect(order).toHaveLength(203);
  expect(order.lastIndexOf("db")).toBeLessThan(40);
});

test("nothing is sent when there is nothing, however often it is asked for", () => {
  const { ways: all } = ways();
  expect(drain(all)).toEqual([]);
  expect(
    drain(
      new LocalWays<string>(
        [],
        tcpShared(() => 1, {}, 1),
        ADDRESS,
        () => 0,
      ),
    ),
  ).toEqual([]);
});
