// A TUN device and local ports in one agent: the kernel's own TCP and ours side by side, each with its own inner address.
import { afterAll, beforeAll, expect } from "bun:test";
import { requireBinary } from "../support/binary.ts";
import { openEcho } from "../support/echo-fixture.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { runProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

testUnless(withoutNetworkNamespaces(), withoutProgram("curl"))(
  "a service answers at its virtual address, at a local port and through SOCKS5 of the same agent, also after a restart",
  async () => {
    await using world = await TunnelWorld.open();
    const length = 2_000_000;
    const body = new Uint8Array(length).fill(7);
    const server = await world.hosts.connector.enter(() =>
      Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body) }),
    );
    const echo = world.use(await world.hosts.connector.enter(() => openEcho()));
    const { port } = server;
    const ports = ["--listen", `8080=lab:${port}`, "--listen", `9009=lab:${echo.port}`, "--socks5", "1080"];
    await using agent = await world.startAgent(["--tun", ...ports]);
    const { prefix } = world.hosts.agent;
    const get = async (...args: readonly string[]) => {
      const command = [
        ...prefix,
        "curl",
        "-sS",
        "--max-time",
        "20",
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        ...args,
      ];
      return Number((await runProcess(command, { timeoutMs: 25_000 })).stdout);
    };
    const all = () =>
      Promise.all([
        get(`http://${LAB}:${port}/`),
        get("http://127.0.0.1:8080/"),
        get("--socks5-hostname", "127.0.0.1:1080", `http://lab:${port}/`),
      ]);
    expect(await all()).toEqual([length, length, length]);
    await world.restartRelay();
    await agent.process.line(/relay-unavailable[\s\S]*registered lab/, { timeoutMs: 20_000 }).catch(() => undefined);
    expect(await all()).toEqual([length, length, length]);
    expect(await agent.total("ztna_agent_forwarded_packets_total", 'hop="tun"')).toBeGreaterThan(0);
    expect(await agent.total("ztna_agent_forwarded_packets_total", 'hop="local"')).toBeGreaterThan(0);
    await server.stop(true);
  },
  60_000,
);
