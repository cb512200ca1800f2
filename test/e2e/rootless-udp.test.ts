// UDP through local ports of a rootless agent, from the compiled binary: datagrams, name servers, SOCKS5 associations.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { startAgent, startConnector } from "../support/daemons.ts";
import { RootlessWorld } from "../support/rootless-world.ts";
import { SocksClient } from "../support/socks-client.ts";

let world: RootlessWorld;
const opened: Socket[] = [];
beforeAll(async () => {
  world = await RootlessWorld.open(["echo:9", "gone:9", "socks5"]);
});
afterAll(async () => {
  for (const socket of opened) socket.close();
  await world[Symbol.asyncDispose]();
});

function program() {
  const socket = createSocket("udp4");
  opened.push(socket);
  const received: Buffer[] = [];
  let wake: (() => void) | undefined;
  socket.on("message", (data) => {
    received.push(data);
    wake?.();
  });
  return {
    say: (bytes: string | Uint8Array, port: number) => void socket.send(bytes, port, "127.0.0.1"),
    hear: async () => {
      while (received.length === 0) await new Promise<void>((done) => (wake = done));
      return received.shift()!;
    },
  };
}

test("each program gets its own answers", async () => {
  const programs = Array.from({ length: 20 }, program);
  for (const [at, one] of programs.entries()) one.say(`question of ${at}`, world.ports[0]!);
  const answers = await Promise.all(programs.map((one) => one.hear()));
  expect(answers.map(String)).toEqual(programs.map((_, at) => `question of ${at}`));
});

test("payloads go through from nothing to what the tunnel takes, and longer ones are counted", async () => {
  const one = program();
  // 1306 of the datagram, less the wrapper of "echo", less the headers of IPv4 and UDP.
  const longest = 1306 - 6 - 28;
  for (const length of [0, 1, longest]) {
    one.say(new Uint8Array(length).fill(7), world.ports[0]!);
    expect((await one.hear()).length).toBe(length);
  }
  one.say(new Uint8Array(longest + 1), world.ports[0]!);
  one.say("still there", world.ports[0]!);
  expect(String(await one.hear())).toBe("still there");
  expect(await world.agent.total("ztna_dropped_total", 'reason="too-large"')).toBe(1);
});

test("a SOCKS5 client reaches services by name and address through its association", async () => {
  using client = await SocksClient.open(world.ports[2]!);
  const port = await client.associate();
  const one = program();
  const toName = Buffer.concat([Buffer.from("0000000304", "hex"), Buffer.from("echo"), Buffer.from("0009", "hex")]);
  one.say(Buffer.concat([toName, Buffer.from("by name")]), port);
  const answer = await one.hear();
  expect(answer.subarray(0, 10).toString("hex")).toBe("000000010a6400040009");
  expect(String(answer.subarray(10))).toBe("by name");
  one.say(Buffer.concat([answer.subarray(0, 10), Buffer.from("by address")]), port);
  expect(String((await one.hear()).subarray(10))).toBe("by address");
});

test("a service sees a source of its own for each target of an association, and only the target answers", async () => {
  const sources: number[] = [];
  const server = createSocket("udp4", (_, { port }) => {
    sources.push(port);
    server.send(`you are ${port}`, port, "127.0.0.1");
  });
  const stranger = createSocket("udp4");
  opened.push(server, stranger);
  await Promise.all([server, stranger].map((one) => new Promise<void>((done) => one.bind(0, "127.0.0.1", done))));
  const offer = ["--service", "stun", "--service-ip", "10.100.0.9", "--forward", `127.0.0.1:${server.address().port}`];
  await using _connector = await startConnector(world.relay, "stun", { cwd: world.cwd, flags: offer });
  const flags = ["--socks5", "127.0.0.1:0"];
  await using agent = await startAgent(world.relay, "stun=10.100.0.9", { cwd: world.cwd, flags });
  const [, socks] = await agent.process.line(/^listening 127\.0\.0\.1:(\d+)$/);
  using client = await SocksClient.open(Number(socks));
  const port = await client.associate();
  const one = program();
  const header = (target: number) => Buffer.from(`000000010a640009${target.toString(16).padStart(4, "0")}`, "hex");
  const ask = async (target: number) => {
    one.say(Buffer.concat([header(target), Buffer.from("who am I?")]), port);
    return String((await one.hear()).subarray(10));
  };
  const [first, second] = [await ask(3478), await ask(3479)];
  expect([first, second]).toEqual([`you are ${sources[0]}`, `you are ${sources[1]}`]);
  expect(first).not.toBe(second);
  await new Promise((done) => stranger.send("call", sources[0]!, "127.0.0.1", done));
  expect(await ask(3478)).toBe(first);
});

test("an association is for the program that opened it, and ends with its connection", async () => {
  const client = await SocksClient.open(world.ports[2]!);
  const port = await client.associate();
  const header = Buffer.from("000000010a6400040009", "hex");
  const [one, other] = [program(), program()];
  one.say(Buffer.concat([header, Buffer.from("mine")]), port);
  await one.hear();
  const before = await world.agent.total("ztna_dropped_total", 'reason="foreign-client"');
  other.say(Buffer.concat([header, Buffer.from("not mine")]), port);
  one.say(Buffer.concat([header, Buffer.from("mine again")]), port);
  expect(String((await one.hear()).subarray(10))).toBe("mine again");
  expect(await world.agent.total("ztna_dropped_total", 'reason="foreign-client"')).toBe(before + 1);
  client[Symbol.dispose]();
  const free = createSocket("udp4");
  opened.push(free);
  await world.agent.total("ztna_agent_local_open");
  await bound(free, port);
});

/** Resolves once nobody else has the port. */
async function bound(socket: Socket, port: number): Promise<void> {
  const attempt = () =>
    new Promise<boolean>((done) => {
      socket.once("error", () => done(false));
      socket.bind(port, "127.0.0.1", () => done(true));
    });
  while (!(await attempt())) await world.agent.metrics();
}
