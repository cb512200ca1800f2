// A relay, a connector and a rootless agent on loopback, from the compiled binary, and real servers behind them: for tests
// of what local programs meet. Services: "web" (HTTP), "late" (answers only after the end of the question), "gone"
// (nobody listens), "echo" (UDP), "secret" (not granted to the agent).
import { createServer, type Server } from "node:net";
import { type Daemon, startAgent, startConnector, startRelay } from "./daemons.ts";
import { openEcho } from "./echo-fixture.ts";
import { type TestCredential, testPki } from "./pki.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Bytes that tell where they stand. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 2_654_435_761) >>> 24;
  return bytes;
}

export const LATE_BYTES = 1_000_000;

export class RootlessWorld implements AsyncDisposable {
  readonly agent: Daemon;
  readonly connector: Daemon;
  /** Of the listeners, in the order of the flags. */
  readonly ports: readonly number[];
  /** Bytes that the HTTP server received in bodies of POST. */
  readonly web: HttpServer;
  readonly cwd: string;
  relay: Daemon;
  readonly #owned: AsyncDisposableStack;

  /**
   * `listeners`: what follows the local address in --listen, or "socks5"; all on port 0. With a credential of its own
   * only the first service has to be registered.
   */
  static async open(
    listeners: readonly string[],
    services = ["web", "late", "gone", "echo"],
    credential?: TestCredential,
  ): Promise<RootlessWorld> {
    await using owned = new AsyncDisposableStack();
    const directory = owned.use(temporaryDirectory());
    const { path: cwd } = directory;
    const web = owned.use(startHttp());
    const late = await startLate();
    owned.defer(() => void late.close());
    const echo = await openEcho();
    owned.defer(() => echo.close());
    const backends = [web.port, portOf(late), await unusedPort(), echo.port, web.port];
    const offered = SERVICES.map((id, at) => ({ id, virtualIp: virtualIp(id), backend: `127.0.0.1:${backends[at]}` }));
    const config = directory.write("connector.json", JSON.stringify({ services: offered }));
    const relay = await startRelay({ cwd });
    const connector = owned.use(await startConnector(relay, "secret", { cwd, flags: ["--config", config] }));
    for (const id of SERVICES) await connector.process.line(new RegExp(`^registered ${id}$`));
    const asked = listeners.flatMap((listener) =>
      listener === "socks5" ? ["--socks5", "127.0.0.1:0"] : ["--listen", `127.0.0.1:0=${listener}`],
    );
    const [first = "web", ...others] = services;
    const named = (id: string) => `${id}=${virtualIp(id)}`;
    const flags = [...others.flatMap((id) => ["--service", named(id)]), ...asked];
    const { agentForAll } = await testPki();
    const place = { cwd, flags, credential: credential ?? agentForAll };
    const agent = owned.use(await startAgent({ port: relay.port }, named(first), place));
    if (credential === undefined) {
      for (const id of others) await agent.process.line(new RegExp(`^registered ${id}$`));
    }
    const ports = listeningPorts(agent.process.stderr).slice(0, listeners.length);
    return new RootlessWorld({ agent, connector, relay, ports, web, cwd, owned: owned.move() });
  }

  private constructor(parts: {
    readonly agent: Daemon;
    readonly connector: Daemon;
    readonly relay: Daemon;
    readonly ports: readonly number[];
    readonly web: HttpServer;
    readonly cwd: string;
    readonly owned: AsyncDisposableStack;
  }) {
    this.agent = parts.agent;
    this.connector = parts.connector;
    this.relay = parts.relay;
    this.ports = parts.ports;
    this.web = parts.web;
    this.cwd = parts.cwd;
    this.#owned = parts.owned;
  }

  /** Ends the relay at once, as a power cut would. */
  async killRelay(): Promise<void> {
    await this.relay.process.end("SIGKILL");
  }

  /** On the port of the one before. */
  async startRelay(): Promise<void> {
    this.relay = await startRelay({ cwd: this.cwd, port: this.relay.port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
    await this.relay[Symbol.asyncDispose]();
  }
}

export function virtualIp(service: string): string {
  return `10.100.0.${SERVICES.indexOf(service) + 1}`;
}

function listeningPorts(log: string): readonly number[] {
  return [...log.matchAll(/^listening 127\.0\.0\.1:(\d+)$/gm)].map(([, port]) => Number(port));
}

export interface HttpServer extends Disposable {
  readonly port: number;
  readonly uploads: Uint8Array[];
}

/** GET /bytes/N gives pattern(N), POST takes bytes, GET /count how many connections there were. */
function startHttp(): HttpServer {
  const uploads: Uint8Array[] = [];
  const peers = new Set<string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 120,
    maxRequestBodySize: 1e9,
    async fetch(request, at) {
      const { pathname } = new URL(request.url);
      const peer = at.requestIP(request);
      peers.add(`${peer?.address} ${peer?.port}`);
      if (request.method === "POST") {
        const body = new Uint8Array(await request.arrayBuffer());
        uploads.push(body);
        return new Response(`${body.length}\n`);
      }
      if (pathname === "/count") return new Response(`${peers.size}\n`);
      return new Response(pattern(Number(pathname.split("/")[2] ?? 0)));
    },
  });
  return { port: server.port ?? 0, uploads, [Symbol.dispose]: () => void server.stop(true) };
}

/** Says nothing until the question has ended, then its length and a lot more. */
function startLate(): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let asked = 0;
    socket.on("error", () => {});
    socket.on("data", (data) => (asked += data.length));
    socket.on("end", () => socket.end(Buffer.concat([Buffer.from(`${asked}\n`), pattern(LATE_BYTES)])));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const port = portOf(server);
  await new Promise((done) => server.close(done));
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const SERVICES: readonly string[] = ["web", "late", "gone", "echo", "secret"];
