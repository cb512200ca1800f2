// Repetition of unanswered and refused registrations, and what is said about them.
import { describe, expect, test } from "bun:test";
import { Outbox } from "../../../src/core/outbox.ts";
import type { Notice } from "../../../src/tunnel/peer.ts";
import { Registrations } from "../../../src/tunnel/registrations.ts";

function setUp(services: string[], random: () => number = () => 0) {
  const out = new Outbox<Notice>();
  const registrations = new Registrations(services, random, out);
  const take = (now: number) => {
    const due: string[] = [];
    for (let id = registrations.takeDue(now); id !== undefined; id = registrations.takeDue(now)) due.push(id);
    return due;
  };
  const notices = () => {
    const all: Notice[] = [];
    for (let notice = out.shift(); notice !== undefined; notice = out.shift()) all.push(notice);
    return all.map(({ event, fields }): Record<string, string | number> => ({ event, ...fields }));
  };
  const sendTimes = (until: number) => {
    const times: number[] = [];
    for (let at = registrations.deadline(); at !== undefined && at < until; at = registrations.deadline()) {
      for (const _ of take(at)) times.push(at);
    }
    return times;
  };
  return { registrations, take, notices, sendTimes };
}

describe("Registrations", () => {
  test("nothing is sent without a connection", () => {
    const { registrations, take } = setUp(["web"]);
    expect(take(1_000_000)).toEqual([]);
    expect(registrations.deadline()).toBeUndefined();
  });

  test("every service is registered at once on a new connection", () => {
    const { registrations, take } = setUp(["web", "db", ""]);
    registrations.connected(50);
    expect(take(50).sort()).toEqual(["", "db", "web"]);
    expect(registrations.deadline()).toBe(2050);
  });

  test("an unanswered registration is repeated after 2 s, then ever more slowly, for ever", () => {
    const { registrations, sendTimes, notices } = setUp(["web"]);
    registrations.connected(0);
    const times = sendTimes(200_000);
    expect(times.slice(0, 9)).toEqual([0, 2000, 4000, 6000, 10_000, 18_000, 34_000, 64_000, 94_000]);
    expect(times.at(-1)).toBe(184_000);
    expect(notices()).toEqual([{ event: "registration-unanswered", service: "web" }]);
  });

  test("chance only shortens the later delays", () => {
    const { registrations, sendTimes } = setUp(["web"], () => 0.999);
    registrations.connected(0);
    const times = sendTimes(100_000);
    expect(times.slice(0, 4)).toEqual([0, 2000, 4000, 6000]);
    const gaps = times.slice(4).map((at, index) => at - times[index + 3]!);
    expect(gaps[0]).toBeGreaterThan(2999);
    expect(Math.max(...gaps)).toBeLessThan(23_000);
  });

  test("an acknowledgement ends the repetition and is announced once", () => {
    const { registrations, take, notices } = setUp(["web"]);
    registrations.connected(0);
    take(0);
    expect(registrations.acknowledged("web", 0)).toBe(true);
    expect(registrations.acknowledged("web", 0)).toBe(true);
    expect(registrations.get("web")?.state).toBe("registered");
    expect(registrations.deadline()).toBeUndefined();
    expect(notices()).toEqual([{ event: "registered", service: "web" }]);
  });

  test("an answer about a service that is not ours changes nothing", () => {
    const { registrations, take } = setUp(["web"]);
    registrations.connected(0);
    take(0);
    expect(registrations.acknowledged("db", 0)).toBe(false);
    expect(registrations.refused(2, "db", 0)).toBe(false);
    expect(registrations.get("web")?.state).toBe("pending");
  });

  test("a refusal is retried after 30 to 60 s, said once, and mends itself", () => {
    const { registrations, take, notices } = setUp(["web"], () => 0.5);
    registrations.connected(0);
    take(0);
    expect(registrations.refused(2, "web", 100)).toBe(true);
    expect(registrations.get("web")).toMatchObject({ state: "denied", reason: "not-granted" });
    expect(registrations.deadline()).toBe(45_100);
    expect(take(45_100)).toEqual(["web"]);
    expect(registrations.deadline()).toBe(90_100);
    registrations.refused(2, "web", 45_200);
    expect(notices().map(({ event }) => event)).toEqual(["registration-denied"]);
    take(registrations.deadline()!);
    registrations.acknowledged("web", 0);
    expect(registrations.get("web")).toMatchObject({ state: "registered", reason: undefined });
    expect(notices()).toEqual([{ event: "registered", service: "web" }]);
  });

  test("a refusal for another reason is news", () => {
    const { registrations, take, notices } = setUp(["web"]);
    registrations.connected(0);
    take(0);
    registrations.refused(2, "web", 1);
    registrations.refused(3, "web", 2);
    registrations.refused(9, "web", 3);
    expect(notices().map((notice) => notice.reason)).toEqual(["not-granted", "limit", "status-9"]);
  });

  test("a refusal is news again after a success", () => {
    const { registrations, take, notices } = setUp(["web"]);
    registrations.connected(0);
    take(0);
    registrations.refused(2, "web", 1);
    registrations.acknowledged("web", 0);
    registrations.refused(2, "web", 2);
    expect(notices().map(({ event }) => event)).toEqual(["registration-denied", "registered", "registration-denied"]);
  });

  test("a relay that changes its mind all the time fills no log", () => {
    const { registrations, notices } = setUp(["web"]);
    registrations.connected(0);
    for (let now = 0; now < 10_000; now++) {
      registrations.acknowledged("web", now);
      registrations.refused(now % 2 === 0 ? 2 : 3, "web", now);
    }
    expect(notices()).toHaveLength(21);
    registrations.acknowledged("web", 20_000);
    expect(notices()).toEqual([{ event: "registered", service: "web" }]);
  });

  test("a refusal without an id counts for the only service, and for none of several", () => {
    const one = setUp(["web"]);
    one.registrations.connected(0);
    expect(one.registrations.refused(1, "", 0)).toBe(true);
    expect(one.registrations.get("web")).toMatchObject({ state: "denied", reason: "malformed" });
    const two = setUp(["web", "db"]);
    two.registrations.connected(0);
    expect(two.registrations.refused(1, "", 0)).toBe(false);
  });

  test("a new connection starts over", () => {
    const { registrations, take } = setUp(["web", "db"]);
    registrations.connected(0);
    take(0);
    registrations.acknowledged("web", 0);
    registrations.refused(2, "db", 0);
    registrations.disconnected();
    expect(registrations.deadline()).toBeUndefined();
    expect([...registrations.all()].map(({ state }) => state)).toEqual(["pending", "pending"]);
    registrations.connected(500);
    expect(take(500).sort()).toEqual(["db", "web"]);
  });

  test("three services, one denied, one acknowledged late: two registered and one denied", () => {
    const { registrations, take } = setUp(["a", "b", "c"]);
    registrations.connected(0);
    take(0);
    registrations.acknowledged("a", 0);
    registrations.refused(2, "b", 10);
    expect(take(2000)).toEqual(["c"]);
    registrations.acknowledged("c", 0);
    expect([...registrations.all()].map(({ state }) => state)).toEqual(["registered", "denied", "registered"]);
  });
});
