// One run of the test client: its phases, their limits, and what it reports, in virtual time.
import { describe, expect, test } from "bun:test";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { toHex } from "../../../src/wire/bytes.ts";
import { encodeAck, encodeNack, encodeObservedAddress } from "../../../src/wire/tunnel.ts";
import { echoOf, FLOW, ProbeWorld, peerOf } from "../../support/probe-world.ts";
import { RELAY_ADDRESS } from "../../support/simulated-relay.ts";

const AT_RELAY = { identity: ANONYMOUS, address: RELAY_ADDRESS };
const CONNECTED = { type: "connected", peer: peerOf(0), maxDatagram: 1306, ...AT_RELAY } as const;
const OBSERVED = encodeObservedAddress(0xcb007105, 54_321);
const HELLO = { type: "bytes", bytes: new TextEncoder().encode("hello") } as const;
const ONE = { type: "series", count: 1, delayMs: 0, content: HELLO, burst: false, verify: false } as const;
const REGISTER = { service: "echo-service", expect: "any", answerMs: 2000 } as const;

describe("the handshake", () => {
  test("is dialled once and timed from the moment that the name is known", () => {
    const world = new ProbeWorld({ dial: "held" });
    expect(world.outputs).toEqual([{ at: 0, output: { type: "dial", dial: 0 } }]);
    world.run(700);
    world.input({ type: "dialing", dial: 0, peer: peerOf(0) });
    world.later(12.3456, CONNECTED);
    world.run(20);
    expect(world.events("handshake")).toEqual([{ type: "handshake", micros: 12_346 }]);
    expect(world.events("sizes")).toEqual([{ type: "sizes", datagram: 1306, payload: 1278 }]);
  });

  test("is given up 5 s after the start, and its connection closed", () => {
    const world = new ProbeWorld({ dial: "held" });
    world.input({ type: "dialing", dial: 0, peer: peerOf(0) });
    expect(world.deadline()).toBe(5000);
    world.run(4999);
    expect(world.finishedAt()).toBeUndefined();
    world.run(1);
    const detail = "no connection within 5 s";
    expect(world.report().handshake).toEqual({ done: false, reason: "unreachable", detail });
    expect(world.closes()).toHaveLength(1);
    expect(world.deadline()).toBeUndefined();
  });

  test("that fails ends the run with its reason and code, and nothing is left to close", () => {
    const world = new ProbeWorld({ dial: "held" });
    world.input({ type: "dialing", dial: 0, peer: peerOf(0) });
    world.input({ type: "dial-failed", peer: peerOf(0), reason: "alpn", detail: "the server refused", code: 0x178 });
    expect(world.report().handshake).toEqual({
      done: false,
      reason: "alpn",
      detail: "the server refused",
      code: 0x178,
    });
    expect(world.closes()).toHaveLength(0);
  });

  test("of a name that does not resolve has failed", () => {
    const world = new ProbeWorld({ dial: "held" });
    world.input({ type: "unresolved", dial: 0, detail: "no such name" });
    expect(world.report().handshake).toEqual({ done: false, reason: "unreachable", detail: "no such name" });
  });

  test("that starts after the run was given up is closed at once", () => {
    const world = new ProbeWorld({ dial: "held" });
    world.run(5000);
    expect(world.closes()).toHaveLength(0);
    world.input({ type: "dialing", dial: 0, peer: 42 });
    expect(world.closes()).toMatchObject([{ type: "close", peer: 42, layer: "application", code: 0 }]);
    world.input({ type: "dialing", dial: 0, peer: 43 });
    expect(world.closes()).toHaveLength(1);
  });

  test("of another dial is not closed when the run is over", () => {
    const world = new ProbeWorld({ dial: "held" });
    world.run(5000);
    world.input({ type: "dialing", dial: 1, peer: 42 });
    world.datagram(OBSERVED);
    expect(world.closes()).toHaveLength(0);
    const ended = new ProbeWorld({ plan: { collectMs: 10 } });
    ended.run(100);
    ended.input({ type: "dialing", dial: 0, peer: 42 });
    expect(ended.closes()).toMatchObject([{ peer: peerOf(0) }]);
  });

  test("that is said to be complete or failed once more changes nothing", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER } });
    world.run(50);
    const before = world.outputs.length;
    world.input(CONNECTED);
    world.input({ type: "dial-failed", peer: peerOf(0), reason: "refused", detail: "" });
    expect(world.outputs).toHaveLength(before);
    expect(world.deadline()).toBe(202);
    world.datagram(OBSERVED);
    expect(world.events("received")).toHaveLength(1);
  });
});

describe("registration", () => {
  test("is sent once after the handshake; what comes is shown for 200 ms before anything else is sent", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER, activity: ONE, collectMs: 0 } });
    world.run(2);
    expect(world.sent().map(toHex)).toEqual(["100c6563686f2d73657276696365"]);
    expect(world.deadline()).toBe(202);
    world.datagram(OBSERVED);
    world.datagram(encodeAck("echo-service"));
    world.run(199);
    expect(world.sent()).toHaveLength(1);
    world.run(5);
    expect(world.sentAt()).toEqual([2, 202]);
    expect(world.events("received").map(({ bytes }) => toHex(bytes))).toEqual([
      "01cb007105d431",
      "12000c6563686f2d73657276696365",
    ]);
    expect(world.report()).toMatchObject({ registration: { type: "acknowledged" }, sent: 1, answers: 0 });
  });

  test("goes on without an answer unless one is expected", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER, activity: ONE, collectMs: 0 } });
    world.run(300);
    expect(world.report()).toMatchObject({ registration: { type: "unanswered" }, sent: 1 });
  });

  test.each(["ack", "nack"] as const)("goes on as soon as the expected %s is there", (expected) => {
    const registration = { ...REGISTER, expect: expected };
    const world = new ProbeWorld({ plan: { registration, activity: ONE } });
    world.run(3);
    world.datagram(encodeAck("another"));
    world.datagram(OBSERVED);
    expect(world.sent()).toHaveLength(1);
    world.datagram(expected === "ack" ? encodeAck("echo-service") : encodeNack(2, "echo-service"));
    expect(world.sentAt()).toEqual([2, 3]);
  });

  test("gives up when the other answer comes, and sends nothing more", () => {
    const world = new ProbeWorld({ plan: { registration: { ...REGISTER, expect: "ack" }, activity: ONE } });
    world.run(3);
    world.datagram(encodeNack(2, "echo-service"));
    expect(world.finishedAt()).toBe(3);
    expect(world.report()).toMatchObject({ registration: { type: "refused", status: 2 }, sent: 0 });
    const other = new ProbeWorld({ plan: { registration: { ...REGISTER, expect: "nack" }, activity: ONE } });
    other.run(3);
    other.datagram(encodeAck("echo-service"));
    expect(other.report()).toMatchObject({ registration: { type: "acknowledged" }, sent: 0 });
  });

  test("waits for an expected answer as long as it is told to", () => {
    const registration = { ...REGISTER, expect: "ack", answerMs: 700 } as const;
    const world = new ProbeWorld({ plan: { registration, activity: ONE } });
    world.run(2);
    expect(world.deadline()).toBe(702);
    world.run(700);
    expect(world.finishedAt()).toBe(702);
    expect(world.report()).toMatchObject({ registration: { type: "unanswered" }, sent: 0 });
  });

  test("takes a refusal without an id, which is all that a relay can say to a malformed request", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER } });
    world.run(3);
    world.datagram(encodeNack(1, ""));
    world.run(2300);
    expect(world.report().registration).toEqual({ type: "refused", status: 1 });
  });

  test("ignores answers that nobody asked for", () => {
    const world = new ProbeWorld();
    world.run(3);
    world.datagram(encodeNack(1, ""));
    world.datagram(encodeAck("echo-service"));
    world.run(2300);
    expect(world.report()).toMatchObject({ registration: { type: "none" }, answers: 0 });
  });
});

describe("collecting", () => {
  test("lasts as long as it is told to, then says goodbye with application code 0", () => {
    const world = new ProbeWorld({ plan: { activity: ONE, collectMs: 2000 } });
    world.run(1000);
    world.datagram(echoOf(new Uint8Array(33).fill(0x45)));
    expect(world.deadline()).toBe(2003);
    world.run(1100);
    expect(world.finishedAt()).toBe(2003);
    expect(world.closes()).toMatchObject([{ peer: peerOf(0), layer: "application", code: 0 }]);
    expect(world.events("received")).toHaveLength(1);
    expect(world.report()).toMatchObject({ sent: 1, answers: 1 });
    world.datagram(OBSERVED);
    expect(world.events("received")).toHaveLength(1);
  });

  test("ends when the connection does, which is said and not answered", () => {
    const world = new ProbeWorld();
    world.run(500);
    world.close(0x174, "no-client-cert");
    const closed = { by: "peer", layer: "transport", code: 0x174, reason: "no-client-cert" } as const;
    expect(world.events("closed")).toEqual([{ type: "closed", closed }]);
    expect(world.finishedAt()).toBe(500);
    expect(world.report()).toMatchObject({ closed, interrupted: false });
    expect(world.closes()).toHaveLength(0);
  });

  test("that a close ends sends nothing again", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER, activity: ONE } });
    world.run(500);
    world.close(0, "", "application");
    expect(world.report()).toMatchObject({ sent: 1 });
    expect(world.sent()).toHaveLength(2);
    expect(world.events("finished")).toHaveLength(1);
  });

  test("is cut short by an interrupt, which still says goodbye", () => {
    const world = new ProbeWorld();
    world.run(500);
    world.input({ type: "interrupt" });
    expect(world.report()).toMatchObject({ interrupted: true, handshake: { done: true } });
    expect(world.closes()).toHaveLength(1);
  });
});

describe("a rejection that is expected", () => {
  const plan = { expectRejection: true, registration: REGISTER, activity: ONE };

  test("is seen after the handshake, when the relay judges the certificate; nothing is sent meanwhile", () => {
    const world = new ProbeWorld({ plan });
    world.run(40);
    expect(world.deadline()).toBe(1002);
    world.close(0x174, "");
    expect(world.finishedAt()).toBe(40);
    expect(world.report()).toMatchObject({ handshake: { done: true }, closed: { code: 0x174 } });
    expect(world.sent()).toHaveLength(0);
  });

  test("did not come when the relay says anything at all", () => {
    const world = new ProbeWorld({ plan });
    world.run(40);
    world.datagram(OBSERVED);
    expect(world.finishedAt()).toBe(40);
    expect(world.report().closed).toBeUndefined();
    expect(world.events("received")).toHaveLength(0);
  });

  test("did not come when a second has passed", () => {
    const world = new ProbeWorld({ plan });
    world.run(2000);
    expect(world.finishedAt()).toBe(1002);
    expect(world.report().closed).toBeUndefined();
    expect(world.sent()).toHaveLength(0);
  });
});

describe("what is sent", () => {
  test("is wrapped for its service, and the wrapping takes its room", () => {
    const content = { type: "pattern", pattern: "zeros", size: { beyondLargest: 0 } } as const;
    const activity = { ...ONE, flow: FLOW, content };
    const world = new ProbeWorld({ plan: { routedTo: "echo-service", activity, collectMs: 0 } });
    world.run(10);
    expect(world.events("sizes")).toEqual([{ type: "sizes", datagram: 1306, payload: 1264 }]);
    const [datagram] = world.sent();
    expect(datagram).toHaveLength(1306);
    expect(toHex(datagram!.subarray(0, 14))).toBe("2f0c6563686f2d73657276696365");
    expect(datagram![14]).toBe(0x45);
  });

  test("follows a limit that changes on the way", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER, activity: ONE } });
    world.run(10);
    world.input({ type: "datagram-limit", peer: peerOf(0), maxDatagram: 4 });
    world.run(1000);
    expect(world.report().sendFailure).toBe("a datagram of 5 bytes is too large: 4 fit");
    expect(world.closes()).toHaveLength(1);
  });

  test("fails once the connection is gone, also when it went during registration", () => {
    const world = new ProbeWorld({ plan: { registration: REGISTER, activity: ONE } });
    world.run(10);
    world.close(0, "server shutting down", "application");
    expect(world.finishedAt()).toBe(10);
    expect(world.report()).toMatchObject({ sendFailure: "the connection is closed", sent: 0 });
  });
});

test("events of other connections and of earlier dials change nothing", () => {
  const world = new ProbeWorld({ plan: { registration: REGISTER } });
  world.run(3);
  const before = world.outputs.length;
  world.input({ type: "datagram", peer: 7, bytes: OBSERVED });
  world.input({ type: "disconnected", peer: 7, by: "peer", layer: "transport", code: 1, reason: "" });
  world.input({ type: "dialing", dial: 0, peer: 8 });
  world.input({ type: "unresolved", dial: 9, detail: "" });
  world.datagram(OBSERVED);
  world.input({ type: "datagram", peer: 8, bytes: OBSERVED });
  expect(world.outputs).toHaveLength(before + 1);
  expect(world.deadline()).toBe(202);
});

test("a dial of somebody else is not taken for ours", () => {
  const world = new ProbeWorld({ dial: "held" });
  world.input({ type: "dialing", dial: 9, peer: 8 });
  world.input({ ...CONNECTED, peer: 8 });
  expect(world.events("handshake")).toHaveLength(0);
  world.input({ type: "dialing", dial: 0, peer: peerOf(0) });
  world.input(CONNECTED);
  expect(world.events("handshake")).toHaveLength(1);
});
