// The agent as README.md shows it to a newcomer, typed in as it stands; only names, addresses and files are those of
// here. What answers is a web server behind the connector.
import { afterAll, beforeAll, expect } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { testPki } from "../support/pki.ts";
import { ROOT, runProcess, startProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

const here = testUnless(withoutNetworkNamespaces(), withoutProgram("curl"));

function commands(): string[] {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const block = /## Services on a laptop\n+```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const lines = block.replace(/\s*\\\n\s*/g, " ").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

async function setUp() {
  const world = await TunnelWorld.open();
  const pki = await testPki();
  copyFileSync(pki.agentForAll.certFile, join(world.cwd, "laptop.crt"));
  copyFileSync(pki.agentForAll.keyFile, join(world.cwd, "laptop.key"));
  copyFileSync(pki.ca.certFile, join(world.cwd, "ca.pem"));
  const body = crypto.getRandomValues(new Uint8Array(65_536));
  const web = world.hosts.connector.enter(() =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        if (request.method === "POST") return new Response(Bun.SHA256.hash(await request.arrayBuffer(), "hex"));
        return new URL(request.url).pathname === "/"
          ? new Response("hello\n")
          : new Response(Buffer.alloc(5_000_000, body));
      },
    }),
  );
  world.use({ [Symbol.asyncDispose]: () => web.stop(true) });
  const { host, port } = world.server;
  const typed = (command: string) =>
    command
      .replace(/^sudo /, "")
      .replace(/^ztna agent/, `${BINARY} agent --server-name ztna-server --metrics-port 0`)
      .replace(/^ztna/, BINARY)
      .replaceAll("relay.example.org:4433", `${host}:${port}`)
      .replaceAll("10.100.0.1", LAB)
      .replaceAll("9999", String(web.port))
      .split(" ");
  const command = (text: string) => [...world.hosts.agent.prefix, ...typed(text)];
  return { world, body: Buffer.alloc(5_000_000, body), port: web.port, command };
}

here(
  "an agent with a TUN device brings a page, the status and large transfers both ways",
  async () => {
    const { world, body, port, command } = await setUp();
    await using _world = world;
    const [start = "", curl = "", status = ""] = commands();
    await using agent = startProcess(command(start), { cwd: world.cwd, name: "agent" });
    await agent.line(/^registered lab$/);
    expect((await runProcess(command(curl))).stdout).toBe("hello\n");
    expect((await runProcess(command(status))).stdout).toContain("lab  ");
    const file = join(world.cwd, "body");
    await Bun.write(file, body);
    const url = `http://${LAB}:${port}/large`;
    const { status: ended } = await runProcess(command(`curl -s -S -o ${join(world.cwd, "got")} ${url}`));
    expect(ended).toBe(0);
    expect(Bun.SHA256.hash(await Bun.file(join(world.cwd, "got")).arrayBuffer(), "hex")).toBe(
      Bun.SHA256.hash(body, "hex"),
    );
    const upload = await runProcess(command(`curl -s -S --data-binary @${file} ${url}`));
    expect(upload.stdout).toBe(Bun.SHA256.hash(body, "hex"));
  },
  90_000,
);

here(
  "an agent without root brings it through its local port and its proxy",
  async () => {
    const { world, command } = await setUp();
    await using _world = world;
    const [, , , start = "", ...curls] = commands();
    await using agent = startProcess(command(start), { cwd: world.cwd, name: "agent" });
    await agent.line(/^registered lab$/);
    expect(curls).toHaveLength(2);
    for (const curl of curls) expect((await runProcess(command(curl))).stdout).toBe("hello\n");
    expect(world.hosts.agent.run("ip", "-o", "link", "show")).not.toContain("ztna0");
  },
  90_000,
);
