// `ztna agent` as a user meets it: the compiled binary makes a TUN device in a network namespace of its own, programs
// reach services by their virtual addresses, and nothing is left behind.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { type Daemon, launchAgent, startAgent, startConnector } from "../support/daemons.ts";
import { openEcho } from "../support/echo-fixture.ts";
import { type NetworkNamespace, removeNamespaces } from "../support/network-namespace.ts";
import { testPki } from "../support/pki.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

const here = testUnless(withoutNetworkNamespaces(), withoutProgram("ping"));
const TEST_MS = 60_000;
/** Generous: what is promised after a relay was away. */
const RECOVERY_MS = 10_000;
const WEB = "10.100.0.2";

const agentOf = (world: TunnelWorld, service = `lab=${LAB}`, flags: readonly string[] = []): Promise<Daemon> =>
  startAgent(world.server, service, { cwd: world.cwd, prefix: world.hosts.agent.prefix, flags });

const launch = (world: TunnelWorld, services = [`lab=${LAB}`], flags: readonly string[] = []) =>
  launchAgent(world.server, services, { cwd: world.cwd, prefix: world.hosts.agent.prefix, flags });

/** Addresses, routes and devices of a host that are not its cable's or its loopback's. */
function traces(host: NetworkNamespace): readonly string[] {
  const lines = ["address", "route", "link"].flatMap((what) => host.run("ip", "-o", what, "show").split("\n"));
  return lines.filter((line) => line !== "" && !/\blo\b|to-relay/.test(line));
}

/** Until three are answered: without a deadline ping waits for the last no longer than two round trips of the others. */
const ping = (host: NetworkNamespace, address: string, ...flags: readonly string[]) =>
  runProcess([...host.prefix, "ping", "-n", "-c", "3", "-i", "0.2", "-w", "15", ...flags, address]);
const ANSWERED = / ([3-9]|[1-9]\d) received/;

/** Sends each payload in turn from one socket and awaits its echo; gives the lengths that came back. */
async function echoes(host: NetworkNamespace, address: string, port: number, lengths: readonly number[]) {
  const program = `
    const { promise, resolve } = Promise.withResolvers(); const lengths = ${JSON.stringify(lengths)}; const got = [];
    const next = (socket) => (got.length === lengths.length ? resolve() : socket.send(new Uint8Array(lengths[got.length])));
    const data = (socket, bytes) => { got.push(bytes.length); next(socket); };
    const socket = await Bun.udpSocket({ connect: { hostname: "${address}", port: ${port} }, socket: { data } });
    next(socket); await promise; socket.close(); console.log(JSON.stringify(got));`;
  const { stdout } = await runProcess([...host.prefix, process.execPath, "-e", program]);
  return JSON.parse(stdout) as number[];
}

describe("with a TUN device", () => {
  here(
    "a service answers at its virtual address, and the host gets one device, one address and one route for it",
    async () => {
      await using world = await TunnelWorld.open();
      const host = world.hosts.agent;
      await using agent = await agentOf(world);
      const pinged = await ping(host, LAB);
      expect(pinged.stdout).toMatch(ANSWERED);
      const echo = world.use(await world.hosts.connector.enter(() => openEcho()));
      expect(await echoes(host, LAB, echo.port, [0, 1, 1000, 1273])).toEqual([0, 1, 1000, 1273]);

      expect(host.run("ip", "-4", "-o", "address", "show", "ztna0")).toContain("inet 100.64.0.1/32");
      expect(host.run("ip", "-6", "-o", "address", "show", "ztna0")).toBe("");
      expect(host.run("ip", "-o", "link", "show", "ztna0")).toContain("mtu 1301");
      const routes = host.run("ip", "-o", "route", "show", "table", "all", "dev", "ztna0");
      expect(routes.match(/^(?!local |broadcast |multicast |ff00).+$/gm)).toEqual([
        expect.stringMatching(/^10\.100\.0\.3 proto static scope link src 100\.64\.0\.1\s*$/),
      ]);
      expect(await agent.total("ztna_dropped_total", 'hop="tun"')).toBe(0);
    },
    TEST_MS,
  );

  here(
    "a packet that is too large is refused by the host itself, with the size that gets through",
    async () => {
      await using world = await TunnelWorld.open();
      await using _agent = await agentOf(world);
      const fits = await ping(world.hosts.agent, LAB, "-M", "do", "-s", String(1301 - 28));
      expect(fits.stdout).toMatch(ANSWERED);
      const tooLarge = await ping(world.hosts.agent, LAB, "-M", "do", "-s", String(1301 - 27));
      expect(tooLarge.stdout + tooLarge.stderr).toContain("mtu=1301");
    },
    TEST_MS,
  );

  here(
    "Ctrl-C ends it with 0 and leaves no device, address or route",
    async () => {
      await using world = await TunnelWorld.open();
      const before = traces(world.hosts.agent);
      const agent = await agentOf(world);
      expect(traces(world.hosts.agent).length).toBeGreaterThan(before.length);
      const { status, stderr } = await agent.process.end("SIGINT");
      expect(status).toBe(0);
      expect(stderr).toContain("stopped");
      expect(traces(world.hosts.agent)).toEqual(before);
    },
    TEST_MS,
  );

  here(
    "kill -9 leaves nothing either, and the next start works",
    async () => {
      await using world = await TunnelWorld.open();
      const before = traces(world.hosts.agent);
      const agent = await agentOf(world);
      await agent.process.end("SIGKILL");
      expect(traces(world.hosts.agent)).toEqual(before);
      await using _again = await agentOf(world);
      expect((await ping(world.hosts.agent, LAB)).stdout).toMatch(ANSWERED);
    },
    TEST_MS,
  );

  here(
    "two agents on one host have a device and an address each",
    async () => {
      await using world = await TunnelWorld.open();
      const place = { cwd: world.cwd, prefix: world.hosts.connector.prefix };
      const flags = ["--service", "web", "--service-ip", WEB, "--forward", "127.0.0.1"];
      const dialled = { host: "10.99.2.1", port: world.impairer.port("connector") };
      await using _connector = await startConnector(dialled, "web", { ...place, flags });
      const host = world.hosts.agent;
      await using _first = await agentOf(world);
      await using _second = await agentOf(world, `web=${WEB}`);
      expect(host.run("ip", "-o", "address", "show", "ztna0")).toContain("100.64.0.1/32");
      expect(host.run("ip", "-o", "address", "show", "ztna1")).toContain("100.64.0.2/32");
      const both = await Promise.all([ping(host, LAB), ping(host, WEB)]);
      for (const { stdout } of both) expect(stdout).toMatch(ANSWERED);

      const third = await launch(world);
      const { status, stderr } = await third.ended;
      expect(status).toBe(1);
      expect(stderr).toContain(`there is a route ${LAB} already, perhaps of another agent`);
      expect((await ping(host, LAB)).stdout).toMatch(ANSWERED);
    },
    TEST_MS,
  );

  here(
    "the name is the operator's to choose, and one that is taken is refused",
    async () => {
      await using world = await TunnelWorld.open();
      await using _agent = await agentOf(world, undefined, ["--tun", "office", "--tun-address", "100.64.7.7"]);
      expect(world.hosts.agent.run("ip", "-o", "address", "show", "office")).toContain("100.64.7.7/32");
      const other = await launch(world, [`web=${WEB}`], ["--tun", "office"]);
      const { status, stderr } = await other.ended;
      expect([status, stderr]).toEqual([1, expect.stringContaining("there is an interface office already")]);
    },
    TEST_MS,
  );

  here(
    "a service that the relay refuses is named with the reason, and programs are told at once",
    async () => {
      await using world = await TunnelWorld.open();
      const pki = await testPki();
      const place = { cwd: world.cwd, prefix: world.hosts.agent.prefix, credential: pki.agent };
      await using agent = await launchAgent(world.server, [`lab=${LAB}`, `web=${WEB}`], place);
      await agent.line(/registration-denied .*service=lab .*reason=not-granted/);
      await agent.line(/^registered web$/);
      const { stdout } = await ping(world.hosts.agent, LAB);
      expect(stdout).toContain("Packet filtered");
    },
    TEST_MS,
  );

  here(
    "a socket that was opened before the relay was restarted goes on",
    async () => {
      await using world = await TunnelWorld.open();
      const echo = world.use(await world.hosts.connector.enter(() => openEcho()));
      const host = world.hosts.agent;
      await using agent = await agentOf(world);
      const program = `
        let seen = 0, answers = 0; let answered = () => {};
        const data = (_socket, bytes) => { seen = Number(new TextDecoder().decode(bytes)); answered(); };
        const socket = await Bun.udpSocket({ connect: { hostname: "${LAB}", port: ${echo.port} }, socket: { data } });
        for (let sent = 1; ; sent++) {
          const answer = new Promise((resolve) => { answered = resolve; });
          socket.send(String(sent));
          await Promise.race([answer, Bun.sleep(1000)]);
          if (seen === sent) console.log("answers: " + ++answers);
        }`;
      await using client = startProcess([...host.prefix, process.execPath, "-e", program]);
      await client.line(/^answers: 3$/);
      await world.restartRelay();
      const before = client.stdout.split("\n").length;
      await client.line(new RegExp(`^answers: ${before + 10}$`), { timeoutMs: RECOVERY_MS });
      expect(await agent.total("ztna_agent_reconnections_total")).toBe(1);
    },
    TEST_MS,
  );
});

describe("ztna status", () => {
  here(
    "shows the agent to its owner, and nothing once it is gone",
    async () => {
      await using world = await TunnelWorld.open();
      const directory = join(world.cwd, "control");
      const status = (...flags: readonly string[]) =>
        runProcess([BINARY, "status", "--control-dir", directory, ...flags]);
      const agent = await agentOf(world, undefined, ["--control-dir", directory]);
      await ping(world.hosts.agent, LAB);
      const shown = await status("--json");
      expect(shown.status).toBe(0);
      const [daemon] = JSON.parse(shown.stdout).daemons;
      expect(daemon).toMatchObject({
        command: "agent",
        not_ready: null,
        relay: { state: "connected", largest_datagram: 1306, reconnections: 0 },
        tun: { name: "ztna0", address: "100.64.0.1", mtu: 1301 },
        services: [{ service: "lab", virtual_ip: LAB, state: "registered", reason: null, largest_packet: 1301 }],
      });
      expect(daemon.relay.observed_address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(daemon.hops).toContainEqual({ hop: "tun", received: 3, forwarded: 3, dropped: {} });
      expect(daemon.credentials.map(({ certificate }: { certificate: string }) => certificate)).toEqual([
        "client",
        "ca",
      ]);
      expect((await status()).stdout).toContain(`service      lab  ${LAB}       registered`);
      await agent.process.end("SIGINT");
      expect((await status()).status).toBe(1);
      expect(readdirSync(directory)).toEqual([]);
    },
    TEST_MS,
  );

  here(
    "an agent whose device is taken away says so and ends",
    async () => {
      await using world = await TunnelWorld.open();
      const agent = await agentOf(world);
      world.hosts.agent.run("ip", "link", "delete", "ztna0");
      const { status, stderr } = await agent.process.ended;
      expect([status, stderr]).toEqual([1, expect.stringContaining("the TUN device was taken away")]);
    },
    TEST_MS,
  );
});

describe("without root", () => {
  here(
    "it says which flags do the same",
    async () => {
      await using world = await TunnelWorld.open();
      const pki = await testPki();
      const nobody = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
      const prefix = [...world.hosts.agent.prefix, ...nobody];
      const agent = await launchAgent(world.server, [`lab=${LAB}`], { cwd: world.cwd, prefix, credential: pki.agent });
      const { status, stderr } = await agent.ended;
      expect(status).toBe(1);
      expect(stderr).toContain("a TUN device takes root, or the capability CAP_NET_ADMIN");
      expect(stderr).toContain("--listen 127.0.0.1:PORT=SERVICE");
      expect(stderr).toContain("--socks5 127.0.0.1:1080");
    },
    TEST_MS,
  );
});
