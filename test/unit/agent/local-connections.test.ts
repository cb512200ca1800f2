// TCP connections of local programs: opened, joined, ended, bounded.
import { describe, expect, test } from "bun:test";
import { toHex } from "../../../src/wire/bytes.ts";
import { farText } from "../../support/local-far-end.ts";
import { LocalWorld, SOCKS } from "../../support/local-world.ts";

const text = (value: string) => new TextEncoder().encode(value);

describe("a connection to a listener", () => {
  test("leads to the port of its service, and both sides are heard", () => {
    const world = new LocalWorld();
    const program = world.accept(0);
    const [far] = world.fars;
    expect(far?.port).toBe(80);
    expect(program.reading).toBe(true);
    world.say(program, "question");
    expect(farText(far!)).toBe("question");
    far!.toSend = text("answer");
    world.settle();
    expect(program.text).toBe("answer");
    expect(world.flows.stats).toMatchObject({ accepted: 1, opened: 1 });
  });

  test("ends in one direction at a time", () => {
    const world = new LocalWorld();
    const program = world.accept(0);
    const far = world.fars[0]!;
    world.say(program, "question");
    world.end(program);
    expect(far.over).toBe("remote-closed");
    expect(program.ended).toBe(false);
    world.run(30_000);
    far.toSend = new Uint8Array(1_000_000).fill(7);
    far.closes = true;
    world.run(1000);
    expect(program.bytes.length).toBe(1_000_000);
    expect([program.ended, program.closed]).toEqual([true, "graceful"]);
    world.run(60_000);
    expect(world.flows.gauges.connections).toBe(0);
    expect(world.flows.deadline()).toBeUndefined();
  });

  test("is reset when the other side resets it, and the other way round", () => {
    const world = new LocalWorld();
    const first = world.accept(0);
    world.fars[0]!.session!.connection.abort();
    world.stack.touch(world.fars[0]!.session!);
    world.settle();
    expect(first.closed).toBe("reset");

    const second = world.accept(0);
    world.breakOff(second);
    expect(world.fars[1]!.over).toBe("reset");
    expect(world.flows.gauges.connections).toBe(0);
  });

  test("is reset when the service refuses it, and the operator learns it once a minute", () => {
    const world = new LocalWorld();
    world.behave("refuse");
    expect(world.accept(0).closed).toBe("reset");
    expect(world.accept(0).closed).toBe("reset");
    expect(world.notices).toEqual([
      {
        type: "notice",
        level: "warn",
        event: "local-connection-refused",
        fields: { service: "web", reason: "refused" },
      },
    ]);
    expect(world.flows.stats.refused).toEqual({ refused: 2 });
    world.run(60_000);
    world.accept(0);
    expect(world.notices).toHaveLength(2);
  });

  test("does not wait for ever for an answer", () => {
    const world = new LocalWorld();
    world.behave("silent");
    const program = world.accept(0);
    world.run(14_999);
    expect(program.closed).toBeUndefined();
    world.run(2);
    expect(program.closed).toBe("reset");
    expect(world.flows.stats.refused).toEqual({ "timed-out": 1 });
  });

  test("that the program gives up on is forgotten", () => {
    const world = new LocalWorld();
    world.behave("silent");
    const program = world.accept(0);
    world.breakOff(program);
    expect(world.flows.gauges.connections).toBe(0);
    expect(world.flows.stats.refused).toEqual({ abandoned: 1 });
    world.run(1000);
    expect(world.flows.deadline()).toBeUndefined();
  });
});

describe("while the relay is away", () => {
  test("a connection waits a little, and is opened when the relay comes back", () => {
    const world = new LocalWorld();
    world.register("web", "unavailable");
    const program = world.accept(0);
    world.run(2500);
    expect([program.closed, program.reading]).toEqual([undefined, false]);
    world.register("web", "registered");
    expect(world.fars).toHaveLength(1);
    world.say(program, "hello");
    expect(farText(world.fars[0]!)).toBe("hello");
  });

  test("and is refused when it does not", () => {
    const world = new LocalWorld();
    world.register("web", "unavailable");
    const program = world.accept(0);
    expect(world.flows.deadline()).toBe(world.now + 3000);
    world.run(3000);
    expect(program.closed).toBe("reset");
    expect(world.notices[0]?.fields).toEqual({ service: "web", reason: "relay-unavailable" });
    expect(world.flows.deadline()).toBeUndefined();
  });

  test("what a SOCKS5 client said too early arrives, and so does its end", () => {
    const world = new LocalWorld();
    world.register("web", "unavailable");
    const program = world.accept(SOCKS);
    world.say(program, `\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50early`);
    world.say(program, " bytes");
    expect(program.reading).toBe(false);
    world.end(program);
    world.register("web", "registered");
    expect(farText(world.fars[0]!)).toBe("early bytes");
    expect(world.fars[0]!.over).toBe("remote-closed");
  });

  test("no more than two reads are kept of it", () => {
    const world = new LocalWorld();
    world.register("web", "unavailable");
    const program = world.accept(SOCKS);
    world.say(program, `\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50`);
    world.say(program, new Uint8Array(65_536));
    world.say(program, new Uint8Array(65_536));
    expect(program.closed).toBeUndefined();
    world.say(program, new Uint8Array(1));
    expect(program.closed).toBe("graceful");
  });

  test("a connection that is open stays open, and goes on at once afterwards", () => {
    const world = new LocalWorld();
    const program = world.accept(0);
    const far = world.fars[0]!;
    far.toSend = new Uint8Array(3_000_000).fill(1);
    program.room = 100_000;
    world.run(100);
    world.connected = false;
    world.register("web", "unavailable");
    world.drain(program, Number.POSITIVE_INFINITY);
    world.say(program, "meanwhile");
    world.run(40_000);
    expect(program.closed).toBeUndefined();
    world.connected = true;
    world.register("web", "registered");
    world.stack.pathRestored(world.now);
    world.run(2000);
    expect(program.bytes.length).toBe(3_000_000);
    expect(farText(far)).toBe("meanwhile");
  });
});

describe("a service that the relay denies", () => {
  test("is refused at once, with the relay's reason for the operator", () => {
    const world = new LocalWorld();
    world.register("web", "denied", "not-granted");
    expect(world.accept(0).closed).toBe("reset");
    expect(world.notices[0]?.fields).toEqual({ service: "web", reason: "service-denied", detail: "not-granted" });
  });

  test("takes with it what waits for it and what was open, and nothing else", () => {
    const world = new LocalWorld();
    const open = world.accept(0);
    const other = world.accept(1);
    world.register("web", "unavailable");
    const waiting = world.accept(0);
    world.register("web", "denied", "not-granted");
    expect([open.closed, waiting.closed, other.closed]).toEqual(["reset", "reset", undefined]);
  });
});

describe("memory is bounded", () => {
  test("a program that does not read slows the service down, and loses nothing", () => {
    const world = new LocalWorld();
    const program = world.accept(0);
    const far = world.fars[0]!;
    program.room = 1000;
    far.toSend = new Uint8Array(5_000_000).map((_, at) => at % 251);
    world.run(10_000);
    expect(program.bytes.length).toBe(1000);
    expect(far.toSend.length).toBeGreaterThan(3_000_000);
    for (let drained = 0; drained < 200; drained++) {
      world.drain(program, 50_000);
      world.run(5);
    }
    world.run(10_000);
    expect(program.bytes.length).toBe(5_000_000);
    expect(program.bytes.every((byte, at) => byte === at % 251)).toBe(true);
  });

  test("a service that does not read slows the program down, and loses nothing", () => {
    const world = new LocalWorld();
    const program = world.accept(0);
    const far = world.fars[0]!;
    far.reads = false;
    let said = 0;
    while (program.reading && said < 100) {
      world.say(program, new Uint8Array(65_536).fill(said));
      said += 1;
    }
    expect(said).toBeLessThan(25);
    far.reads = true;
    world.stack.touch(far.session!);
    world.run(1000);
    expect(program.reading).toBe(true);
    expect(farText(far).length).toBe(said * 65_536);
  });

  test("when all memory is held for slow readers, each of them still gets a little, and all of it in the end", () => {
    const world = new LocalWorld({ memoryBytes: 300_000 });
    const programs = Array.from({ length: 20 }, () => world.accept(0));
    for (const far of world.fars) far.reads = false;
    const piece = new Uint8Array(30_000);
    let said = 0;
    for (let round = 0; round < 60; round++) {
      for (const program of programs) {
        if (!program.reading) continue;
        world.say(program, piece);
        said += piece.length;
      }
    }
    expect(programs.every(({ reading }) => !reading)).toBe(true);
    // Each: what the other end holds for a service that does not read, and the little that is always allowed.
    expect(said).toBeLessThan(20 * (512 * 1024 + 64 * 1024 + 2 * piece.length));
    for (const far of world.fars) {
      far.reads = true;
      if (far.session !== undefined) world.stack.touch(far.session);
    }
    world.run(2000);
    expect(programs.every(({ reading }) => reading)).toBe(true);
    expect(world.fars.reduce((sum, far) => sum + farText(far).length, 0)).toBe(said);
  });

  test("there are so many connections at once, of one listener and in all", () => {
    const world = new LocalWorld({ connections: { connections: 5, connectionsPerListener: 3 } });
    const web = [0, 0, 0, 0].map((listener) => world.accept(listener));
    expect(web.map(({ closed }) => closed)).toEqual([undefined, undefined, undefined, "reset"]);
    const dns = [1, 1, 1].map((listener) => world.accept(listener));
    expect(dns.map(({ closed }) => closed)).toEqual([undefined, undefined, "reset"]);
    expect(world.flows.stats.refused).toEqual({ "connection-limit": 2 });
    world.breakOff(web[0]!);
    expect(world.accept(1).closed).toBeUndefined();
  });

  test("a thousand connections that come and go leave nothing", () => {
    const world = new LocalWorld();
    for (let round = 0; round < 1000; round++) world.breakOff(world.accept(round % 3));
    expect(world.flows.gauges).toEqual({ connections: 0, flows: 0, associations: 0 });
    world.run(1000);
    expect(world.flows.deadline()).toBeUndefined();
  });
});

test("every refusal to a listener's program is a reset, and no stream is told anything after its end", () => {
  // LocalWorld throws when a command reaches a dead stream: this plays what comes late.
  const world = new LocalWorld();
  world.behave("refuse");
  const program = world.accept(0);
  world.say(program, "late");
  world.end(program);
  world.breakOff(program);
  expect(program.closed).toBe("reset");
  expect(toHex(program.bytes)).toBe("");
});
