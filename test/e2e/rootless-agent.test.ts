// `ztna agent` with local ports as its operator meets it: without root, with a name server behind it, with a service that
// its certificate does not grant, and with options that cannot work.
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { startAgent, startConnector, startRelay } from "../support/daemons.ts";
import { startNameServer } from "../support/name-server.ts";
import { type TestCredential, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { RootlessWorld } from "../support/rootless-world.ts";
import { testUnless, withoutProgram, withoutRoot } from "../support/skip.ts";
import { SocksClient } from "../support/socks-client.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(() => requireBinary());
const TEST_MS = 60_000;
const NOBODY = 65_534;

testUnless(withoutProgram("dnsmasq"), withoutProgram("dig"))(
  "dig asks a real name server through a local port, over UDP and over TCP",
  async () => {
    using cwd = temporaryDirectory();
    const server = await startNameServer();
    await using _ = server.process;
    await using relay = await startRelay({ cwd: cwd.path });
    const services = [{ id: "dns", virtualIp: "10.100.0.53", ports: [53], backend: `127.0.0.1:${server.port}` }];
    const config = cwd.write("connector.json", JSON.stringify({ services }));
    await using _connector = await startConnector(relay, "dns", { cwd: cwd.path, flags: ["--config", config] });
    const flags = ["--listen", "0=dns:53"];
    await using agent = await startAgent(relay, "dns=10.100.0.53", { cwd: cwd.path, flags });
    const [, port] = await agent.process.line(/^listening 127\.0\.0\.1:(\d+)$/);
    const dig = async (...more: readonly string[]) => {
      const where = ["@127.0.0.1", "-p", port!, "+short", "+tries=1", "+timeout=10"];
      return (await runProcess(["dig", ...where, ...more], { timeoutMs: 20_000 })).stdout.trim();
    };
    expect(await dig("db.internal.test")).toBe("192.0.2.55");
    expect(await dig("+tcp", "db.internal.test", "TXT")).toBe('"owner=platform"');
  },
  TEST_MS,
);

test(
  "a service that the certificate does not grant is refused at once, and the log says why",
  async () => {
    const { agent: webOnly } = await testPki();
    await using world = await RootlessWorld.open(["secret:80", "socks5"], ["web", "secret"], webOnly);
    await world.agent.process.line(/registration-denied/);
    const socket = connect({ port: world.ports[0]!, host: "127.0.0.1" });
    const how = await new Promise((done) => socket.on("error", ({ code }: NodeJS.ErrnoException) => done(code)));
    expect(how).toBe("ECONNRESET");
    const [line] = await world.agent.process.line(/local-connection-refused.*/);
    expect(line).toContain("service=secret reason=service-denied detail=not-granted");
    using client = await SocksClient.open(world.ports[1]!);
    client.say(`0501000501000306${Buffer.from("secret").toString("hex")}0050`);
    expect(await client.hear(12)).toBe("050005020001000000000000");
  },
  TEST_MS,
);

testUnless(withoutRoot(), withoutProgram("setpriv"))(
  "it needs no privilege at all",
  async () => {
    using cwd = temporaryDirectory();
    chmodSync(cwd.path, 0o755);
    await using relay = await startRelay({ cwd: cwd.path });
    const { agentForAll, ca } = await testPki();
    const own = (from: string, name: string) => {
      const to = join(cwd.path, name);
      copyFileSync(from, to);
      chownSync(to, NOBODY, NOBODY);
      return to;
    };
    const files = { certFile: own(agentForAll.certFile, "a.crt"), keyFile: own(agentForAll.keyFile, "a.key") };
    const credential: TestCredential = { ...agentForAll, ...files };
    const prefix = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--no-new-privs"];
    const flags = ["--listen", "0=web:80", "--ca-cert", own(ca.certFile, "ca.pem")];
    await using agent = await startAgent(relay, "web=10.100.0.1", {
      ...{ cwd: cwd.path, credential, flags },
      prefix: [...prefix, "env", "-u", "TMPDIR"],
    });
    expect(agent.process.stderr).toMatch(/^listening 127\.0\.0\.1:\d+$/m);
  },
  TEST_MS,
);

describe("options that cannot work end with a sentence", () => {
  const run = async (...flags: readonly string[]) => {
    const { agentForAll, ca } = await testPki();
    const { certFile, keyFile } = agentForAll;
    const files = ["--client-cert", certFile, "--client-key", keyFile, "--ca-cert", ca.certFile];
    const where = ["--server", "127.0.0.1:9", "--service", "db=10.100.0.2", "--metrics-port", "0"];
    const { status, stderr } = await runProcess([BINARY, "agent", ...where, ...files, ...flags], { timeoutMs: 20_000 });
    return [status, stderr.trim()];
  };

  test("2: an address that others reach", async () => {
    const [status, sentence] = await run("--listen", "0.0.0.0:5432=db");
    expect(status).toBe(2);
    expect(sentence).toBe(
      "ztna: --listen 0.0.0.0:5432=db:5432 would lend this agent's access to whoever reaches 0.0.0.0: listen on 127.0.0.1 or [::1], or say --allow-remote-clients",
    );
  });

  test("2: a service that is not there", async () => {
    expect(await run("--listen", "5432=bd")).toEqual([
      2,
      'ztna: --listen 127.0.0.1:5432=bd:5432: there is no service "bd"; did you mean "db"?',
    ]);
  });

  test("1: a port that is taken", async () => {
    const server = createServer();
    const port = await new Promise<number>((done) =>
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port)),
    );
    const [status, sentence] = await run("--socks5", String(port));
    server.close();
    expect(status).toBe(1);
    expect(sentence).toBe(`ztna: cannot listen on 127.0.0.1:${port} (local port): another process listens there`);
  });
});
