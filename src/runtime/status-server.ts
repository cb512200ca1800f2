// Health, readiness and metrics over HTTP, for probes and scrapers of every age: requests without a Host are answered,
// every answer has a length and ends its connection, and a client that dawdles cannot keep others out.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface StatusServerOptions {
  readonly host: string;
  readonly port: number;
  /** Why this process should not get work now; undefined when it should. */
  readonly notReady: () => string | undefined;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** How long one connection may take in all. */
  readonly connectionMs?: number;
}

/** Rejects with the system's error when the address cannot be bound. */
export async function openStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const server = new StatusServer(options);
  await server.listen();
  return server;
}

export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #server: Server;
  /** Oldest first. */
  readonly #open = new Set<Socket>();

  constructor(options: StatusServerOptions) {
    this.#options = options;
    const settings = { requireHostHeader: false, maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 1 };
    this.#server = createServer(settings, (request, response) => void this.#answer(request, response));
    this.#server.on("connection", (socket) => this.#admit(socket));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  get local(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  get connections(): number {
    return this.#open.size;
  }

  close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** The newest is let in and the oldest put out: whoever holds a connection longest is the one that dawdles. */
  #admit(socket: Socket): void {
    const [oldest] = this.#open;
    if (this.#open.size >= MAX_CONNECTIONS) oldest?.destroy();
    this.#open.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#options.connectionMs ?? CONNECTION_MS);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      this.#open.delete(socket);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?", 1)[0];
    if (request.method !== "GET") return send(response, 404, "", "");
    switch (path) {
      case "/healthz":
        return send(response, 200, TEXT, "ok\n");
      case "/readyz": {
        const reason = this.#options.notReady();
        return reason === undefined ? send(response, 200, TEXT, "ok\n") : send(response, 503, TEXT, `${reason}\n`);
      }
      case "/metrics": {
        const metrics = await this.#options.metrics().catch(() => undefined);
        return metrics === undefined ? send(response, 500, "", "") : send(response, 200, METRICS_TEXT, metrics);
      }
      default:
        return send(response, 404, "", "");
    }
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body);
  const contentType = type === "" ? {} : { "Content-Type": type };
  response.writeHead(status, { ...contentType, "Content-Length": bytes.length, Connection: "close" });
  response.end(bytes);
}

const TEXT = "text/plain";
const METRICS_TEXT = "text/plain; version=0.0.4";
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 64;
const CONNECTION_MS = 10_000;
