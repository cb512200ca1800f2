// Programs that people use, at an agent's host, and the servers that they want, at a connector's: through the TUN device
// and through local ports, over paths that lose, delay, double and reorder packets.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { requireBinary } from "../support/binary.ts";
import { type LargeFile, LargeFiles, sha256Of } from "../support/large-files.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { type Ended, runProcess } from "../support/process.ts";
import {
  type RealServer,
  type SshServer,
  startDnsmasq,
  startNginx,
  startPostgres,
  startSshd,
  withoutPostgres,
  withoutSshd,
} from "../support/real-servers.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

const BAD_PATH = { loss: 0.002, delayMs: 0.5, jitterMs: 0.5, duplicate: 0.005, reorder: 0.005, reorderMs: 1 };
/** Ports of the servers; the agent's local ports are 10,000 higher. */
const PORTS = { web: 8080, database: 5432, ssh: 2222, dns: 5353 } as const;
const SOCKS = 1080;
const TEST_MS = 120_000;

const missing = [
  withoutNetworkNamespaces(),
  ...["nginx", "curl", "dig", "dnsmasq"].map(withoutProgram),
  withoutPostgres(),
  withoutSshd(),
];
const here = testUnless(...missing);

const files = new LargeFiles();
let world: TunnelWorld;
let nginx: RealServer;
let sshd: SshServer;
let tenMegabytes: LargeFile;

beforeAll(async () => {
  if (missing.some((reason) => reason !== undefined)) return;
  requireBinary();
  world = await TunnelWorld.open({ seed: 51 });
  const at = (port: number) => ({ prefix: world.hosts.connector.prefix, port });
  nginx = world.use(await startNginx(at(PORTS.web)));
  sshd = world.use(await startSshd(at(PORTS.ssh)));
  world.use(await startPostgres(at(PORTS.database)));
  world.use(await startDnsmasq(at(PORTS.dns)));
  const listeners = Object.values(PORTS).flatMap((port) => ["--listen", `127.0.0.1:${10_000 + port}=lab:${port}`]);
  await world.startAgent([...listeners, "--socks5", `127.0.0.1:${SOCKS}`, "--mode", "tun"]);
  tenMegabytes = files.make("ten", 10_000_000);
  await Bun.write(join(nginx.directory, "files/ten"), Bun.file(tenMegabytes.path));
  await world.impairer.set(BAD_PATH);
}, TEST_MS);

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  files[Symbol.dispose]();
  removeNamespaces();
});

/** On the agent's host. */
function run(...command: readonly string[]): Promise<Ended> {
  return runProcess([...world.hosts.agent.prefix, ...command], { timeoutMs: TEST_MS - 5000 });
}

const WAYS = [
  { way: "the TUN device", host: LAB, portOf: (port: number) => port },
  { way: "local ports", host: "127.0.0.1", portOf: (port: number) => 10_000 + port },
] as const;

describe.each(WAYS)("through $way", ({ host, portOf }) => {
  const query = (...args: readonly string[]) =>
    run(
      "psql",
      "-h",
      host,
      "-p",
      `${portOf(PORTS.database)}`,
      "-U",
      "postgres",
      "-v",
      "ON_ERROR_STOP=1",
      "-At",
      ...args,
    );

  here(
    "psql reads a result of ten megabytes",
    async () => {
      const numbers = Array.from({ length: 327_680 }, (_, i) => i);
      const expected = numbers.map((i) => new Bun.CryptoHasher("md5").update(`${i}`).digest("hex")).join("");
      const read = "select string_agg(md5(i::text), '' order by i) from generate_series(0, 327679) i";
      const { status, stdout, stderr } = await query("-c", read);
      expect({ status, stderr, bytes: stdout.length }).toEqual({ status: 0, stderr: "", bytes: 10_485_761 });
      expect(stdout.trimEnd() === expected).toBe(true);
    },
    TEST_MS,
  );

  here(
    "psql copies ten megabytes in",
    async () => {
      const name = `copied_${portOf(0)}`;
      const rows = Array.from({ length: 100_000 }, (_, i) => `${i}\t${"v".repeat(90)}${i}`).join("\n");
      const file = join(world.cwd, name);
      await Bun.write(file, `${rows}\n`);
      const made = await query("-c", `create table ${name} (id int, v text)`, "-c", `\\copy ${name} from '${file}'`);
      expect(made).toMatchObject({ status: 0, stderr: "", stdout: "CREATE TABLE\nCOPY 100000\n" });
      const sums = await query(
        "-c",
        `select count(*), sum(id), sum(length(v)), md5(string_agg(v, '' order by id)) from ${name}`,
      );
      const values = Array.from({ length: 100_000 }, (_, i) => `${"v".repeat(90)}${i}`).join("");
      const md5 = new Bun.CryptoHasher("md5").update(values).digest("hex");
      expect(sums.stdout.trim()).toBe(`100000|4999950000|${values.length}|${md5}`);
    },
    TEST_MS,
  );

  here(
    "ssh runs a command and carries its input and output",
    async () => {
      const options = sshd.clientOptions(host, portOf(PORTS.ssh));
      const remote = await run("ssh", ...options, host, "echo to stdout; echo to stderr >&2; exit 7");
      expect(remote).toMatchObject({ status: 7, stdout: "to stdout\n", stderr: "to stderr\n" });
      const piped = await run("sh", "-c", `ssh ${options.join(" ")} ${host} cat < ${tenMegabytes.path} | sha256sum`);
      expect(piped.stdout.slice(0, 64)).toBe(tenMegabytes.sha256);
    },
    TEST_MS,
  );

  here(
    "scp copies ten megabytes there and back",
    async () => {
      const options = sshd.clientOptions(host, portOf(PORTS.ssh));
      const [there, back] = [join(sshd.directory, `there-${portOf(0)}`), join(world.cwd, `back-${portOf(0)}`)];
      expect(await run("scp", ...options, tenMegabytes.path, `${host}:${there}`)).toMatchObject({
        status: 0,
        stderr: "",
      });
      expect(await sha256Of(there)).toBe(tenMegabytes.sha256);
      expect(await run("scp", ...options, `${host}:${there}`, back)).toMatchObject({ status: 0, stderr: "" });
      expect(await sha256Of(back)).toBe(tenMegabytes.sha256);
    },
    TEST_MS,
  );

  here(
    "curl makes three requests on one connection",
    async () => {
      const url = `http://${host}:${portOf(PORTS.web)}/ten`;
      const to = ["-o", "/dev/null"];
      const { stdout, stderr } = await run(
        "curl",
        "-sS",
        ...to,
        ...to,
        ...to,
        "-w",
        "%{num_connects} %{size_download}\n",
        url,
        url,
        url,
      );
      expect({ stdout, stderr }).toEqual({ stdout: "1 10000000\n0 10000000\n0 10000000\n", stderr: "" });
    },
    TEST_MS,
  );

  here(
    "dig asks over UDP, over TCP, and again over TCP when an answer was cut off",
    async () => {
      const dig = (...args: readonly string[]) =>
        run("dig", `@${host}`, "-p", `${portOf(PORTS.dns)}`, "+time=2", "+tries=5", ...args);
      expect((await dig("+short", "db.internal.test")).stdout).toBe("192.0.2.55\n");
      expect((await dig("+short", "+tcp", "db.internal.test")).stdout).toBe("192.0.2.55\n");
      const { stdout } = await dig("big.internal.test", "TXT");
      expect(stdout).toContain("Truncated, retrying in TCP mode");
      expect(stdout.match(/x{200}/g)).toHaveLength(20);
    },
    TEST_MS,
  );
});

here(
  "curl reaches a service by its name through SOCKS5",
  async () => {
    const through = ["--socks5-hostname", `127.0.0.1:${SOCKS}`, `http://lab:${PORTS.web}/ten`];
    const program = `curl -sS --fail ${through.join(" ")} | sha256sum`;
    const { stdout, stderr } = await run("sh", "-c", program);
    expect({ sha256: stdout.slice(0, 64), stderr }).toEqual({ sha256: tenMegabytes.sha256, stderr: "" });
  },
  TEST_MS,
);

here(
  "curl learns at once that nothing listens",
  async () => {
    const { status, stderr } = await run("curl", "-sS", "--max-time", "20", `http://${LAB}:9/`);
    // A time-out would be 28.
    expect({ status, stderr }).toEqual({ status: 7, stderr: expect.stringMatching(/Failed to connect/) });
  },
  TEST_MS,
);
