// Who is pinged when, and when a peer counts as gone.
import { describe, expect, test } from "bun:test";
import { Liveness } from "../../../src/tunnel/liveness.ts";

describe("Liveness", () => {
  test("an idle peer is never checked", () => {
    const peer = new Liveness();
    expect(peer.deadline()).toBeUndefined();
    expect(peer.check(1_000_000)).toBe("ok");
    peer.sent(1_000_000);
    peer.heard(1_000_001);
    expect(peer.deadline()).toBeUndefined();
    expect(peer.check(2_000_000)).toBe("ok");
  });

  test("a quiet peer is pinged after 1 s and 2 s and is dead after 3 s", () => {
    const peer = new Liveness();
    peer.sent(100);
    expect(peer.deadline()).toBe(1100);
    expect(peer.check(1099)).toBe("ok");
    expect(peer.check(1100)).toBe("ping");
    expect(peer.check(1100)).toBe("ok");
    expect(peer.unansweredPings).toBe(1);
    expect(peer.deadline()).toBe(2100);
    expect(peer.check(2100)).toBe("ping");
    expect(peer.deadline()).toBe(3100);
    expect(peer.check(3099)).toBe("ok");
    expect(peer.check(3100)).toBe("dead");
    expect(peer.dead).toBe(true);
    expect(peer.deadline()).toBeUndefined();
  });

  test("later sends do not postpone the verdict on the first", () => {
    const peer = new Liveness();
    peer.sent(0);
    peer.sent(900);
    expect(peer.deadline()).toBe(1000);
  });

  test("an answer ends the wait, and the next send starts a new one", () => {
    const peer = new Liveness();
    peer.sent(0);
    peer.check(1000);
    peer.check(2000);
    peer.heard(2500);
    expect(peer.unansweredPings).toBe(0);
    expect(peer.deadline()).toBeUndefined();
    peer.sent(2600);
    expect(peer.check(3599)).toBe("ok");
    expect(peer.check(3600)).toBe("ping");
  });

  test("a dead peer stays dead whatever is sent to it, and lives again when heard", () => {
    const peer = new Liveness();
    peer.sent(0);
    for (const at of [1000, 2000, 3000]) peer.check(at);
    peer.sent(4000);
    expect(peer.deadline()).toBeUndefined();
    expect(peer.check(9000)).toBe("dead");
    peer.heard(9001);
    expect(peer.dead).toBe(false);
    expect(peer.check(9002)).toBe("ok");
  });

  test("a process that was stalled pings before it judges", () => {
    const peer = new Liveness();
    peer.sent(0);
    expect(peer.check(60_000)).toBe("ping");
    expect(peer.check(120_000)).toBe("ping");
    expect(peer.check(120_999)).toBe("ok");
    expect(peer.check(121_000)).toBe("dead");
  });

  test("the rhythm is an option", () => {
    const peer = new Liveness({ intervalMs: 500, pings: 5 });
    peer.sent(0);
    const verdicts = [500, 1000, 1500, 2000, 2500, 3000].map((at) => peer.check(at));
    expect(verdicts).toEqual(["ping", "ping", "ping", "ping", "ping", "dead"]);
  });
});
