// The model of how the reference's clients register: three times in four seconds, then never again on this connection.
import { expect, test } from "bun:test";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { encodeAck, encodeNack } from "../../../src/wire/tunnel.ts";
import { ReferenceUplink } from "../../support/reference-uplink.ts";
import { RELAY_ADDRESS } from "../../support/simulated-relay.ts";

function connected(largestDatagram?: number): ReferenceUplink {
  const limit = largestDatagram === undefined ? {} : { largestDatagram };
  const uplink = new ReferenceUplink({ role: "agent", services: ["web"], ...limit });
  const event = { type: "connected", peer: 1, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram: 1306 } as const;
  uplink.handle(event, 100);
  return uplink;
}

function sends(uplink: ReferenceUplink): string[] {
  const out: string[] = [];
  for (let output = uplink.poll(); output !== undefined; output = uplink.poll()) {
    if (output.type === "send") out.push(Buffer.from(output.bytes).toString("hex"));
    else out.push(output.type);
  }
  return out;
}

const REGISTRATION = "1003776562";

test("a registration is sent at once, after two seconds and after four, and given up after six", () => {
  const uplink = connected();
  expect(sends(uplink)).toEqual([REGISTRATION]);
  for (const [now, expected] of [
    [2100, [REGISTRATION]],
    [4100, [REGISTRATION]],
    [6100, []],
  ] as const) {
    expect(uplink.deadline()).toBe(now);
    uplink.handle({ type: "timeout" }, now);
    expect(sends(uplink)).toEqual([...expected]);
  }
  expect(uplink.registration("web")).toBe("given-up");
  expect(uplink.deadline()).toBe(10_100);
  uplink.handle({ type: "timeout" }, 10_100);
  expect(sends(uplink)).toEqual(["ping"]);
});

test("an answer ends it, whatever it is, until the connection is replaced a second after its end", () => {
  const uplink = connected();
  expect(uplink.receive(encodeNack(2, "web"))).toBeUndefined();
  expect(uplink.registration("web")).toBe("denied");
  uplink.receive(encodeAck("web"));
  expect(uplink.registration("web")).toBe("registered");
  sends(uplink);
  const gone = { type: "disconnected", peer: 1, by: "reset", layer: "transport", code: 0, reason: "" } as const;
  uplink.handle(gone, 500);
  expect(uplink.deadline()).toBe(1500);
  uplink.handle({ type: "timeout" }, 1500);
  expect(sends(uplink)).toEqual(["dial"]);
});

test("what is too large for its library is lost without a word", () => {
  const uplink = connected(1156);
  sends(uplink);
  uplink.send(new Uint8Array(1156));
  uplink.send(new Uint8Array(1157));
  expect(sends(uplink).map((hex) => hex.length / 2)).toEqual([1156]);
  expect(uplink.tooLarge).toBe(1);
});
