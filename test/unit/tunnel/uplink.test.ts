// The client half of a relay connection, step by step: outputs and the next deadline.
import { describe, expect, test } from "bun:test";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { fromHex } from "../../../src/wire/bytes.ts";
import { encodeAck, encodeObservedAddress, encodeRegistration } from "../../../src/wire/tunnel.ts";
import { close, connected, disconnected, events, registration, uplinkByHand } from "../../support/uplink-by-hand.ts";

describe("Uplink, connecting", () => {
  test("dials at once, registers as soon as it is connected, and says when it is registered", () => {
    const { uplink, handle, receive } = uplinkByHand();
    expect(uplink.deadline()).toBe(0);
    expect(uplink.state).toBe("connecting");
    expect(handle(TIMEOUT, 5)).toEqual([{ type: "dial", dial: 1 }]);
    expect(handle({ type: "dialing", dial: 1, peer: 7 }, 6)).toEqual([]);
    const outputs = handle(connected(7), 30);
    expect(outputs).toContainEqual(registration(7));
    expect(outputs.map(({ type }) => type)).toEqual(["notice", "send"]);
    expect([uplink.state, uplink.peer, uplink.maxDatagram]).toEqual(["connected", 7, 1306]);
    expect(uplink.registration("web")?.state).toBe("pending");
    expect(uplink.deadline()).toBe(530); // the registration has not been answered: a ping is next
    expect(events(receive(encodeAck("web"), 40).outputs)).toEqual([{ event: "registered", service: "web" }]);
    expect(uplink.registration("web")?.state).toBe("registered");
    expect(uplink.deadline()).toBe(3040);
  });

  test("an agent registers all its services", () => {
    const { connect } = uplinkByHand({ role: "agent", services: ["web", "db"] });
    const sent = connect(0).filter((output) => output.type === "send");
    expect(sent.map(({ bytes }) => bytes)).toEqual([
      encodeRegistration("agent", "web"),
      encodeRegistration("agent", "db"),
    ]);
  });

  test("an unanswered registration is sent again after two seconds", () => {
    const { handle, connect } = uplinkByHand();
    connect(0);
    handle({ type: "heard", peer: 7 }, 1999);
    expect(handle(TIMEOUT, 1999)).toEqual([]);
    expect(handle(TIMEOUT, 2000)).toEqual([registration(7)]);
  });

  test("a failed attempt is not the end, and is said once", () => {
    const { handle } = uplinkByHand();
    handle(TIMEOUT, 0);
    expect(events(handle({ type: "unresolved", dial: 1, detail: "no such name" }, 10))).toHaveLength(1);
    expect(handle(TIMEOUT, 1000)).toEqual([{ type: "dial", dial: 2 }]);
    expect(handle({ type: "unresolved", dial: 2, detail: "no such name" }, 1010)).toEqual([]);
  });

  test("remembers the address that the relay sees and follows the datagram limit", () => {
    const { uplink, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeObservedAddress(0xcb007105, 54321), 10);
    expect(uplink.observedAddress).toEqual({ address: 0xcb007105, port: 54321 });
    handle({ type: "datagram-limit", peer: 7, maxDatagram: 1156 }, 20);
    handle({ type: "datagram-limit", peer: 8, maxDatagram: 500 }, 20);
    expect(uplink.maxDatagram).toBe(1156);
  });
});

describe("Uplink, data", () => {
  test("an inner packet is handed to the owner, control messages are not", () => {
    const { uplink, receive, connect } = uplinkByHand();
    connect(0);
    const inner = fromHex("4500001c000040004011cc2b644000010a6400019c40270f00080000")!;
    expect(receive(inner, 1).inner).toBe(inner);
    expect(receive(encodeAck("web"), 1).inner).toBeUndefined();
    expect(uplink.stats).toMatchObject({ control: 1, unexpected: 0, acks: 1 });
  });

  test("what a relay never sends to a client is counted and changes nothing", () => {
    const { uplink, receive, connect } = uplinkByHand();
    connect(0);
    const strange = ["", "60", "1003776562", "1103776562", "2f0377656245", "5a1000000000", "01cb00", "1200", "ff"];
    for (const hex of strange) expect(receive(fromHex(hex)!, 1)).toEqual({ inner: undefined, outputs: [] });
    receive(encodeAck("other"), 1);
    expect(uplink.stats).toMatchObject({ control: 0, unexpected: strange.length + 1 });
    expect(uplink.registration("web")?.state).toBe("pending");
  });

  test("sends what fits, only while connected", () => {
    const { uplink, drain, handle, connect } = uplinkByHand();
    const bytes = new Uint8Array(1306);
    expect(uplink.send(bytes, 0)).toBe("not-connected");
    connect(0);
    expect(uplink.send(bytes, 1)).toBe("sent");
    expect(drain()).toEqual([{ type: "send", peer: 7, bytes }]);
    expect(uplink.send(new Uint8Array(1307), 1)).toBe("too-large");
    handle(disconnected(7, "timeout"), 2);
    expect(uplink.send(bytes, 3)).toBe("not-connected");
  });
});

describe("Uplink, losing the relay", () => {
  test("an idle connection is pinged every three seconds", () => {
    const { uplink, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeAck("web"), 10);
    expect(uplink.deadline()).toBe(3010);
    expect(handle(TIMEOUT, 3009)).toEqual([]);
    expect(handle(TIMEOUT, 3010)).toEqual([{ type: "ping", peer: 7 }]);
    handle({ type: "heard", peer: 7 }, 3030);
    expect(uplink.deadline()).toBe(6030);
  });

  test("silence after a send: a ping, a suspicion with a second connection, death", () => {
    const { uplink, drain, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeAck("web"), 10);
    uplink.send(new Uint8Array(1), 1000);
    drain();
    expect(uplink.deadline()).toBe(1500);
    expect(handle(TIMEOUT, 1500)).toEqual([{ type: "ping", peer: 7 }]);
    expect(handle(TIMEOUT, 2000)).toEqual([
      { type: "ping", peer: 7 },
      { type: "dial", dial: 2 },
    ]);
    expect(uplink.state).toBe("connected");
    handle(TIMEOUT, 2500);
    expect(handle(TIMEOUT, 3000)).toContainEqual({ type: "dial", dial: 3 });
    handle(TIMEOUT, 3500);
    const outputs = handle(TIMEOUT, 4000);
    expect(outputs).toContainEqual(close(7, "timeout"));
    expect(outputs).toContainEqual({ type: "dial", dial: 4 });
    expect(uplink.state).toBe("connecting");
    expect(uplink.registration("web")?.state).toBe("pending");
  });

  test("an answer ends the suspicion and the attempts that it started", () => {
    const { uplink, drain, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeAck("web"), 10);
    uplink.send(new Uint8Array(1), 1000);
    drain();
    handle(TIMEOUT, 1500);
    handle(TIMEOUT, 2000);
    handle({ type: "dialing", dial: 2, peer: 8 }, 2001);
    expect(handle({ type: "heard", peer: 7 }, 2100)).toEqual([close(8, "superseded")]);
    expect(uplink.deadline()).toBe(5100);
  });

  test("a replacement that connects first takes over and registers again", () => {
    const { uplink, drain, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeAck("web"), 10);
    uplink.send(new Uint8Array(1), 1000);
    drain();
    handle(TIMEOUT, 1500);
    handle(TIMEOUT, 2000);
    handle({ type: "dialing", dial: 2, peer: 8 }, 2001);
    const outputs = handle(connected(8), 2050);
    expect(outputs).toContainEqual(close(7, "superseded"));
    expect(outputs).toContainEqual(registration(8));
    expect(uplink.peer).toBe(8);
    expect(handle(disconnected(7, "us"), 2060)).toEqual([]);
    expect(uplink.stats).toMatchObject({ dials: 2, connections: 2, reconnections: 1 });
  });

  test("a stateless reset is followed by a dial at once", () => {
    const { uplink, handle, receive, connect } = uplinkByHand();
    connect(0);
    receive(encodeAck("web"), 10);
    expect(events(handle(disconnected(7, "reset"), 9000))).toEqual([{ event: "relay-unavailable", reason: "reset" }]);
    expect(uplink.deadline()).toBe(9000);
    expect(handle(TIMEOUT, 9000)).toEqual([{ type: "dial", dial: 2 }]);
  });

  test("a relay that says goodbye is dialled within a third of a second, not by all in the same instant", () => {
    const { uplink, handle, receive, connect } = uplinkByHand({ random: () => 0.5 });
    connect(0);
    receive(encodeAck("web"), 10);
    handle(disconnected(7, "peer", 0, "server shutting down", "application"), 9000);
    expect(uplink.deadline()).toBe(9150);
  });

  test("a relay that closes every connection at once is not flooded with new ones", () => {
    const { uplink, handle } = uplinkByHand();
    let dials = 0;
    let peer = 100;
    for (let now = 0; now < 120_000; now = uplink.deadline()!) {
      const dial = handle(TIMEOUT, now).find((output) => output.type === "dial")?.dial;
      if (dial === undefined) continue;
      dials++;
      handle({ type: "dialing", dial, peer: ++peer }, now);
      handle(connected(peer), now);
      handle(disconnected(peer, "peer", 0, "busy", "application"), now);
    }
    expect(dials).toBeLessThanOrEqual(61 + 13);
  });

  test("a relay that closes with ever new reasons fills no log", () => {
    const { handle, connect } = uplinkByHand();
    let said = 0;
    for (let n = 0; n < 100; n++) {
      connect(n * 10_000, 100 + n);
      const outputs = handle(disconnected(100 + n, "peer", 0, `reason ${n}`, "application"), n * 10_000 + 1);
      said += events(outputs).filter(({ event }) => event === "relay-unavailable").length;
    }
    expect(said).toBe(16);
  });

  test("stopping says goodbye on every connection and asks for nothing more", () => {
    const { uplink, drain, handle, connect } = uplinkByHand();
    connect(0);
    uplink.stop(10);
    expect(drain()).toEqual([close(7, "stopped")]);
    expect(uplink.state).toBe("stopped");
    expect(uplink.deadline()).toBeUndefined();
    expect(handle(disconnected(7, "us"), 20)).toEqual([]);
    expect(handle(TIMEOUT, 9000)).toEqual([]);
    expect(uplink.send(new Uint8Array(1), 9000)).toBe("not-connected");
    expect(uplink.deadline()).toBeUndefined();
  });

  test("an attempt that was being resolved when it stopped is closed when it appears", () => {
    const { uplink, handle } = uplinkByHand();
    handle(TIMEOUT, 0);
    uplink.stop(10);
    expect(handle({ type: "dialing", dial: 1, peer: 7 }, 20)).toEqual([close(7, "superseded")]);
    expect(handle(connected(7), 30)).toEqual([]);
  });
});
