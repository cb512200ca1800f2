// Real servers for tests, each with its files in a temporary directory, on a port of its own, ended by its handle.
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type RunningProcess, runProcess, startProcess } from "./process.ts";
import { firstReason, type Reason, withoutProgram } from "./skip.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface ServerOptions {
  /** Put in front of the command: for instance to run it in a network namespace. */
  readonly prefix?: readonly string[];
  readonly port: number;
}

export interface RealServer extends AsyncDisposable {
  readonly port: number;
  readonly process: RunningProcess;
  /** Its files. */
  readonly directory: string;
}

/** Serves its directory's `files`, and takes files with PUT below /upload/ into `files/upload`. */
export async function startNginx({ prefix = [], port }: ServerOptions): Promise<RealServer> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(temporaryDirectory());
  const { path } = directory;
  mkdirSync(join(path, "files/upload"), { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${path};`);
  const server = `server { listen 127.0.0.1:${port}; root ${path}/files; client_max_body_size 0;
    location /upload/ { dav_methods PUT; } }`;
  const http = `http { access_log off; sendfile on; default_type application/octet-stream; ${temporary.join(" ")} ${server} }`;
  const settings = `daemon off; master_process off; pid ${path}/pid; error_log stderr notice; events {} ${http}`;
  const command = [...prefix, "nginx", "-p", path, "-c", directory.write("nginx.conf", settings)];
  const process = owned.use(startProcess(command, { name: "nginx" }));
  await process.line(/notice.* nginx\/\d/);
  return finished({ port, process, directory: path }, owned);
}

/** A database that trusts whoever reaches it: user and database `postgres`. */
export async function startPostgres({ prefix = [], port }: ServerOptions): Promise<RealServer> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(temporaryDirectory());
  const data = join(directory.path, "data");
  mkdirSync(data);
  // It refuses to run as root.
  const nobody =
    process.getuid?.() === 0 ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  if (nobody.length > 0) for (const path of [directory.path, data]) chownSync(path, NOBODY, NOBODY);
  chmodSync(directory.path, 0o755);
  const program = (name: string) => [...nobody, join(POSTGRES_PROGRAMS!, name)];
  const init = ["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C", "-D", data];
  const made = await runProcess([...program("initdb"), ...init], { cwd: directory.path, timeoutMs: 60_000 });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const settings = ["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"];
  const command = [...prefix, ...program("postgres"), "-D", data, "-p", `${port}`, ...settings];
  const running = owned.use(startProcess(command, { cwd: directory.path, name: "postgres" }));
  await running.line(/database system is ready to accept connections/, { timeoutMs: 60_000 });
  // Otherwise it waits for its clients to go.
  owned.defer(async () => void (await running.end("SIGINT")));
  return finished({ port, process: running, directory: directory.path }, owned);
}

export interface SshServer extends RealServer {
  /** Of `ssh` and `scp`: who we are and which host key we expect; the host is called `HOST`. */
  clientOptions(host: string, port: number): readonly string[];
}

/** Lets its own user in, with a key that is made for it. */
export async function startSshd({ prefix = [], port }: ServerOptions): Promise<SshServer> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(temporaryDirectory());
  const { path } = directory;
  for (const key of ["host-key", "user-key"]) {
    const made = await runProcess(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(path, key)]);
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  }
  // Its unprivileged half lives in there.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const settings = [
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${path}/host-key\nAuthorizedKeysFile ${path}/user-key.pub`,
    `PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\nPrintMotd no`,
    `Subsystem sftp internal-sftp\n`,
  ].join("\n");
  const sshd = Bun.which("sshd", { PATH: `${process.env.PATH}:/usr/sbin` })!;
  const command = [...prefix, sshd, "-D", "-e", "-f", directory.write("sshd.conf", settings)];
  const running = owned.use(startProcess(command, { name: "sshd" }));
  await running.line(/Server listening on/);
  const hostKey = (await Bun.file(join(path, "host-key.pub")).text()).trim();
  const clientOptions = (host: string, reached: number) => {
    const known = directory.write(`known-${host}-${reached}`, `[${host}]:${reached} ${hostKey}\n`);
    const options = [`UserKnownHostsFile=${known}`, "BatchMode=yes", "IdentitiesOnly=yes", `Port=${reached}`];
    return ["-F", "none", "-i", `${path}/user-key`, ...options.flatMap((each) => ["-o", each])];
  };
  return { ...finished({ port, process: running, directory: path }, owned), clientOptions };
}

/** A name server for internal.test: big.internal.test has an answer of several kilobytes, which takes TCP. */
export async function startDnsmasq({ prefix = [], port }: ServerOptions): Promise<RealServer> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(temporaryDirectory());
  const files = [
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    "--pid-file=",
    "--log-facility=-",
    "--user=root",
  ];
  const where = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--keep-in-foreground"];
  const big = Array.from({ length: 20 }, (_, i) => `--txt-record=big.internal.test,${i}-${"x".repeat(200)}`);
  const records = ["--address=/db.internal.test/192.0.2.55", ...big, "--local=/internal.test/"];
  const process = owned.use(startProcess([...prefix, "dnsmasq", ...files, ...where, ...records], { name: "dnsmasq" }));
  await process.line(/dnsmasq.*: started, version/);
  return finished({ port, process, directory: directory.path }, owned);
}

export function withoutPostgres(): Reason {
  if (POSTGRES_PROGRAMS === undefined) return "postgresql is not installed";
  return firstReason([withoutProgram("psql"), withoutProgram("setpriv")]);
}

export function withoutSshd(): Reason {
  const sshd = Bun.which("sshd", { PATH: `${process.env.PATH}:/usr/sbin` });
  return sshd === null ? "sshd is not installed" : firstReason([withoutProgram("ssh"), withoutProgram("ssh-keygen")]);
}

function finished(server: Omit<RealServer, keyof AsyncDisposable>, owned: AsyncDisposableStack): RealServer {
  const kept = owned.move();
  return { ...server, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function postgresPrograms(): string | undefined {
  const found = [...new Bun.Glob("/usr/lib/postgresql/*/bin/initdb").scanSync({ absolute: true })].sort();
  return found.at(-1)?.replace(/\/initdb$/, "");
}

const POSTGRES_PROGRAMS = postgresPrograms();
const NOBODY = 65_534;
