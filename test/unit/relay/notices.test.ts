// What may be logged: by whom it was caused, how often, and what never appears in it.
import { describe, expect, test } from "bun:test";
import { anonymous, certificate, RelayWorld, request } from "../../support/relay-world.ts";

describe("notices", () => {
  test("a minute of relaying says nothing, and nothing that is said at any level names an address", () => {
    const world = new RelayWorld();
    world.connector("web", { host: "198.51.100.77" });
    const agent = world.agent("web", { host: "203.0.113.44" });
    world.register(world.connect({ identity: certificate("bare", []) }), "agent", "web");
    world.connector("web");
    const before = world.notices.length;
    for (let i = 0; i < 600; i += 1) {
      world.routed(agent, "web", request());
      world.datagram(agent, new Uint8Array([i & 0xff]));
      world.advance(100);
    }
    expect(world.notices).toHaveLength(before);
    const text = JSON.stringify(world.notices);
    expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+|:\d{4,5}|100\.64|hello/);
  });

  test("strangers cause none above debug, except that a take-over is said", () => {
    const world = new RelayWorld();
    for (let i = 0; i < 20; i += 1) {
      const stranger = world.agent("web", anonymous(`203.0.113.${i}`));
      world.register(stranger, "connector", `service-${i}`);
      world.datagram(stranger, new Uint8Array([0x10]));
      world.disconnect(stranger);
    }
    expect(world.notices.length).toBeGreaterThan(0);
    expect(world.notices.filter(({ level }) => level !== "debug")).toEqual([]);
    world.connector("web", anonymous("203.0.113.1"));
    world.connector("web", anonymous("203.0.113.2"));
    expect(world.notices.filter(({ level }) => level !== "debug").map(({ event }) => event)).toEqual(["takeover"]);
  });

  test("each kind is limited on its own, and what is left out is counted", () => {
    const world = new RelayWorld();
    for (let i = 0; i < 700; i += 1) world.agent("web");
    expect(world.noticesOf("registered")).toHaveLength(500);
    expect(world.relay.stats.noticesSuppressed).toBe(200);
    world.register(world.connect({ identity: certificate("bare", []) }), "agent", "web");
    expect(world.noticesOf("registration-denied")).toHaveLength(1);
    world.advance(1000);
    world.agent("web");
    expect(world.noticesOf("registered")).toHaveLength(501);
  });
});
