// Many connections at once, and connectors that take ten a second.
import { describe, expect, test } from "bun:test";
import { farText } from "../../support/local-far-end.ts";
import { LocalWorld, SOCKS } from "../../support/local-world.ts";

describe("a connector that takes ten connections a second", () => {
  test("gets fifty at the pace that it takes, and all are served", () => {
    const world = new LocalWorld();
    world.farEnd.perSecond = 10;
    const programs = Array.from({ length: 50 }, (_, at) => world.accept(at % 3 === 0 ? SOCKS : 0));
    for (const [at, program] of programs.entries()) {
      if (at % 3 === 0) world.say(program, "\x05\x01\x00\x05\x01\x00\x03\x03web\x00\x50early");
    }
    world.run(6000);
    expect(world.fars.length).toBe(50);
    expect(programs.filter(({ closed }) => closed !== undefined)).toEqual([]);
    expect(world.fars.filter((far) => farText(far) === "early").length).toBe(17);
    expect(world.flows.stats).toMatchObject({ opened: 50, refused: {} });
  });

  test("refuses ten at once for good, and the others when their turn has come", () => {
    const world = new LocalWorld();
    world.behave("refuse");
    const programs = Array.from({ length: 25 }, () => world.accept(0));
    expect(programs.filter(({ closed }) => closed === "reset").length).toBe(10);
    world.run(1100);
    expect(programs.filter(({ closed }) => closed === "reset").length).toBe(20);
    world.run(1100);
    expect(programs.every(({ closed }) => closed === "reset")).toBe(true);
    expect(world.flows.stats.refused).toEqual({ refused: 25 });
    expect(world.flows.deadline()).toBeUndefined();
  });

  test("slows nobody down who is not refused", () => {
    const world = new LocalWorld();
    for (let i = 0; i < 200; i++) world.accept(0);
    expect(world.fars.length).toBe(200);
  });

  test("is not asked for a program that has gone meanwhile", () => {
    const world = new LocalWorld();
    world.farEnd.perSecond = 10;
    const programs = Array.from({ length: 12 }, () => world.accept(0));
    world.breakOff(programs[10]!);
    world.run(5000);
    expect(world.fars.length).toBe(11);
    expect(world.flows.gauges.connections).toBe(11);
  });
});
