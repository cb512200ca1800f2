// SOCKS5 clients of an agent: what they ask for, what they are told, and what they cannot do.
import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/wire/bytes.ts";
import { farText } from "../../support/local-far-end.ts";
import { DNS, LocalWorld, type Program, SOCKS } from "../../support/local-world.ts";

const GREETING = "050100";
const web = (port = "0050") => `05010003${"03"}${toHex(new TextEncoder().encode("web"))}${port}`;
const sayHex = (world: LocalWorld, program: Program, hex: string) => world.say(program, fromHex(hex)!);

describe("CONNECT", () => {
  test("reaches a service by name; the answer comes when the connection is there", () => {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    sayHex(world, program, GREETING);
    expect(toHex(program.bytes)).toBe("0500");
    sayHex(world, program, web());
    expect(world.fars[0]?.port).toBe(80);
    expect(toHex(program.bytes)).toMatch(/^050005000001646[0-9a-f]{9}$/);
    world.say(program, "GET /");
    expect(farText(world.fars[0]!)).toBe("GET /");
    world.fars[0]!.toSend = new TextEncoder().encode("200");
    world.settle();
    expect(program.text.endsWith("200")).toBe(true);
  });

  test("reaches a service by its virtual address, on any port", () => {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    sayHex(world, program, `${GREETING}050100010a6400021f90`);
    expect(world.fars[0]?.port).toBe(8080);
    expect(world.fars[0]?.session?.flow.source).toBe(DNS.virtualIp);
  });

  const cases: readonly (readonly [string, string, string, string, (world: LocalWorld) => void])[] = [
    [
      "a host that is no service",
      `05010003${"0b"}${toHex(new TextEncoder().encode("example.org"))}0050`,
      "02",
      "unknown-target",
      () => {},
    ],
    ["an address of no service", "050100017f0000010016", "02", "unknown-target", () => {}],
    ["IPv6", `05010004${"00".repeat(16)}0050`, "08", "unknown-address-type", () => {}],
    [
      "a service that the relay denies",
      web(),
      "02",
      "service-denied",
      (world) => world.register("web", "denied", "not-granted"),
    ],
    ["a relay that stays away", web(), "03", "relay-unavailable", (world) => world.register("web", "unavailable")],
    ["a service that refuses", web(), "05", "refused", (world) => world.behave("refuse")],
    ["a service that does not answer", web(), "04", "timed-out", (world) => world.behave("silent")],
  ];
  for (const [name, request, code, reason, prepare] of cases) {
    test(`${name} is answered with ${code}, then closed`, () => {
      const world = new LocalWorld();
      prepare(world);
      const program = world.accept(SOCKS);
      sayHex(world, program, GREETING + request);
      world.run(20_000);
      expect(toHex(program.bytes)).toBe(`0500${"05"}${code}0001000000000000`);
      expect(program.closed).toBe("graceful");
      expect(world.flows.stats.refused).toEqual({ [reason]: 1 });
      expect(world.notices.map(({ fields }) => fields.reason)).toEqual([reason]);
    });
  }
});

describe("a client that does not come to the point", () => {
  test("has ten seconds in all, however it drips", () => {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    for (let second = 0; second < 9; second++) {
      world.run(1000);
      sayHex(world, program, ["05", "01", "00", "05", "01", "00", "03", "ff", "61"][second]!);
    }
    expect(program.closed).toBeUndefined();
    world.run(1000);
    expect(program.closed).toBe("reset");
    expect(world.flows.stats.refused).toEqual({ "handshake-timeout": 1 });
    expect(world.flows.deadline()).toBeUndefined();
  });

  test("makes room for others when there are too many like it", () => {
    const world = new LocalWorld({ connections: { handshakes: 3 } });
    const idle = [0, 1, 2].map(() => world.accept(SOCKS));
    const good = world.accept(SOCKS);
    expect([...idle, good].map(({ closed }) => closed)).toEqual(["reset", undefined, undefined, undefined]);
    sayHex(world, good, GREETING + web());
    world.accept(SOCKS);
    expect(idle[1]!.closed).toBeUndefined();
    world.accept(SOCKS);
    expect(idle[1]!.closed).toBe("reset");
    expect(good.closed).toBeUndefined();
  });

  test("or speaks something else is cut off without an answer", () => {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    world.say(program, "GET http://web/ HTTP/1.1\r\nHost: 127.0.0.1:1080\r\n\r\n");
    expect([program.closed, program.text]).toEqual(["reset", ""]);
    expect(world.fars).toHaveLength(0);
  });

  test("or leaves is forgotten", () => {
    const world = new LocalWorld();
    world.end(world.accept(SOCKS));
    const broken = world.accept(SOCKS);
    sayHex(world, broken, GREETING);
    world.breakOff(broken);
    expect(world.flows.gauges.connections).toBe(0);
    expect(world.flows.deadline()).toBeUndefined();
    expect(world.flows.stats.refused).toEqual({ abandoned: 2 });
  });
});

describe("UDP ASSOCIATE", () => {
  const client = { host: "127.0.0.1", port: 5000 };
  const question = fromHex(`0000000303${toHex(new TextEncoder().encode("dns"))}0035abcd`)!;

  function associated(announced = "0000"): { world: LocalWorld; program: Program; socket: number } {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    sayHex(world, program, `${GREETING}0503000100000000${announced}`);
    const opened = world.sockets[0]!;
    expect(opened).toEqual({ type: "local-udp-open", socket: 0x10000, listener: SOCKS });
    world.flows.handle({ type: "local-udp-opened", socket: opened.socket, host: "127.0.0.1", port: 0x1234 }, world.now);
    world.settle();
    return { world, program, socket: opened.socket };
  }

  test("gives the client a socket, and services answer through it", () => {
    const { world, program, socket } = associated();
    expect(toHex(program.bytes)).toBe("0500050000017f0000011234");
    world.datagram(socket, client, question);
    expect(world.packets).toHaveLength(1);
    expect(world.packets[0]!.service).toBe("dns");
    expect(toHex(world.packets[0]!.bytes.subarray(28))).toBe("abcd");
    expect(world.flows.gauges).toEqual({ connections: 1, flows: 1, associations: 1 });
  });

  test("is for one program: nobody else's datagrams go through it", () => {
    const { world, socket } = associated();
    world.datagram(socket, { host: "192.168.1.9", port: 5000 }, question);
    expect(world.packets).toHaveLength(0);
    world.datagram(socket, client, question);
    world.datagram(socket, { ...client, port: 5001 }, question);
    world.datagram(socket, { ...client }, question);
    expect(world.packets).toHaveLength(2);
    expect(world.flows.stats.dropped).toEqual({ "foreign-client": 2 });
    expect(world.flows.stats).toMatchObject({ received: 4, forwarded: 2 });
  });

  test("is for the port that the client announced, if it did", () => {
    const { world, socket } = associated("1388");
    world.datagram(socket, { ...client, port: 5001 }, question);
    world.datagram(socket, client, question);
    expect(world.packets).toHaveLength(1);
  });

  test("leads to services only, and takes no fragments", () => {
    const { world, socket } = associated();
    world.datagram(socket, client, fromHex("000000017f0000010035ab")!);
    world.datagram(socket, client, fromHex("000001010a6400020035ab")!);
    world.datagram(socket, client, fromHex("0000")!);
    world.datagram(socket, client, fromHex("000000010a6400020000ab")!);
    expect(world.flows.stats.dropped).toEqual({ "unknown-target": 2, "socks-fragment": 1, "socks-malformed": 1 });
    expect(world.packets).toHaveLength(0);
  });

  test("ends with its connection", () => {
    for (const how of ["end", "breakOff"] as const) {
      const { world, program, socket } = associated();
      world.datagram(socket, client, question);
      world[how](program);
      expect(world.sockets.at(-1)).toEqual({ type: "local-udp-close", socket });
      expect(world.flows.gauges).toEqual({ connections: 0, flows: 0, associations: 0 });
      world.datagram(socket, client, question);
      expect(world.flows.stats.dropped).toEqual({ "foreign-client": 1 });
    }
  });

  test("whatever is said on its connection means nothing", () => {
    const { world, program } = associated();
    for (let round = 0; round < 100; round++) world.say(program, new Uint8Array(65_536));
    expect(program.closed).toBeUndefined();
    expect(world.fars).toHaveLength(0);
  });

  test("without a socket is refused", () => {
    const world = new LocalWorld();
    const program = world.accept(SOCKS);
    sayHex(world, program, `${GREETING}05030001000000000000`);
    world.flows.handle({ type: "local-udp-failed", socket: 0x10000 }, world.now);
    world.settle();
    expect(toHex(program.bytes)).toBe("050005010001000000000000");
    expect([program.closed, world.sockets.length]).toEqual(["graceful", 1]);
  });

  test("has a limit", () => {
    const world = new LocalWorld();
    const programs = Array.from({ length: 65 }, () => {
      const program = world.accept(SOCKS);
      sayHex(world, program, `${GREETING}05030001000000000000`);
      return program;
    });
    expect(world.sockets).toHaveLength(64);
    expect(programs[64]!.closed).toBe("graceful");
    expect(world.flows.stats.refused).toEqual({ "connection-limit": 1 });
  });
});
