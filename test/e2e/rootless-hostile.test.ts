// Local programs that do an agent no good: what they cost is bounded, and others are served meanwhile.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { RootlessWorld } from "../support/rootless-world.ts";
import { SocksClient } from "../support/socks-client.ts";

let world: RootlessWorld;
const opened: Socket[] = [];
beforeAll(async () => {
  world = await RootlessWorld.open(["web:80", "socks5"]);
});
afterAll(async () => {
  for (const socket of opened) socket.destroy();
  await world[Symbol.asyncDispose]();
});

function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  opened.push(socket);
  socket.on("error", () => {});
  return new Promise((done) => socket.once("connect", () => done(socket)).once("close", () => done(socket)));
}

const residentMegabytes = async () => (await world.agent.total("process_resident_memory_bytes")) / 1e6;
const webAnswers = async () => (await fetch(`http://127.0.0.1:${world.ports[0]}/bytes/9`)).text();

test("two thousand connections that say nothing leave room for one that does", async () => {
  const idle = await Promise.all(Array.from({ length: 2000 }, () => dial(world.ports[1]!)));
  using client = await SocksClient.open(world.ports[1]!);
  client.say("050100");
  expect(await client.hear(2)).toBe("0500");
  client.say("05010003037765620050");
  expect(await client.hear(4)).toBe("05000001");
  const accepted = await world.agent.total("ztna_agent_local_connections_accepted_total");
  expect(accepted).toBeGreaterThan(1000);
  expect(await world.agent.total("ztna_agent_local_open", 'kind="connections"')).toBeLessThan(70);
  const pushedOut = await world.agent.total("ztna_agent_local_refused_total", 'reason="handshake-limit"');
  expect(pushedOut).toBeGreaterThan(accepted - 70);
  for (const socket of idle) socket.destroy();
  expect((await webAnswers()).length).toBe(9);
}, 60_000);

test("garbage of every first byte is cut off without an answer", async () => {
  for (let first = 0; first < 256; first++) {
    if (first === 5) continue;
    using client = await SocksClient.open(world.ports[1]!);
    client.socket.write(new Uint8Array(2000).fill(first));
    await client.ended();
    expect(await client.hear(1)).toBe("");
  }
}, 60_000);

test("a program that asks for much and reads nothing for ten seconds costs a bounded amount, and loses nothing", async () => {
  const length = 50_000_000;
  const before = await residentMegabytes();
  const socket = await dial(world.ports[0]!);
  socket.write(`GET /bytes/${length} HTTP/1.0\r\nHost: web\r\n\r\n`);
  await new Promise((done) => socket.once("readable", done));
  socket.pause();
  await Bun.sleep(10_000);
  expect((await residentMegabytes()) - before).toBeLessThan(40);
  let received = 0;
  socket.on("data", (data: Buffer) => (received += data.length));
  socket.resume();
  await new Promise((done) => socket.once("end", done));
  expect(received).toBeGreaterThan(length);
}, 60_000);
