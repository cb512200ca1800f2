// A local socket that tells its owner, and nobody else, how a daemon is. It answers every connection with one document
// and ends it; what clients send is thrown away, so that nobody can ask for anything else.
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

export interface ControlSocketOptions {
  /** Made if it does not exist; its parent has to be there. */
  readonly directory: string;
  /** Of the socket, without its ending: letters, digits and hyphens. */
  readonly name: string;
  /** What is told. */
  readonly document: () => string;
  /** How long a client may take to read it. */
  readonly connectionMs?: number;
}

export class ControlSocket {
  readonly path: string;
  readonly #options: ControlSocketOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  /** Throws when the directory is not ours alone, or the system's error when the socket cannot be made. */
  static async open(options: ControlSocketOptions): Promise<ControlSocket> {
    ownDirectory(options.directory);
    await Promise.all(socketsIn(options.directory).map(removeDead));
    const socket = new ControlSocket(options);
    await socket.#listen();
    return socket;
  }

  private constructor(options: ControlSocketOptions) {
    this.#options = options;
    this.path = join(options.directory, `${options.name}${ENDING}`);
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#answer(client));
  }

  /** Clients that are being answered. */
  get connections(): number {
    return this.#open.size;
  }

  async close(): Promise<void> {
    for (const client of this.#open) client.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.path, { force: true });
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.path, () => {
        this.#server.off("error", reject);
        // Nobody else can get into the directory anyway.
        chmodSync(this.path, 0o600);
        resolve();
      });
    });
  }

  #answer(client: Socket): void {
    client.on("error", () => client.destroy());
    if (this.#open.size >= MAX_CONNECTIONS) {
      client.destroy();
      return;
    }
    this.#open.add(client);
    const timer = setTimeout(() => client.destroy(), this.#options.connectionMs ?? CONNECTION_MS);
    client.on("close", () => {
      clearTimeout(timer);
      this.#open.delete(client);
    });
    let ignored = 0;
    client.on("data", (bytes) => {
      ignored += bytes.length;
      if (ignored > MAX_IGNORED_BYTES) client.destroy();
    });
    // It has read everything, or wants no more.
    client.on("end", () => client.destroySoon());
    client.end(this.#options.document());
  }
}

export interface ReadSocket {
  readonly path: string;
  /** What the daemon behind it says; undefined when it does not answer. */
  readonly document: string | undefined;
  /** There is no daemon behind it any more. */
  readonly dead: boolean;
}

/** Every socket in the directory. Throws the system's error when that cannot be read, EACCES when it is another user's. */
export async function readControlSockets(directory: string): Promise<readonly ReadSocket[]> {
  const uid = process.getuid?.();
  // In a directory for temporary files anybody could have made it, and tell what they like.
  if (uid !== 0 && statSync(directory).uid !== uid) {
    throw Object.assign(new Error(`${directory} is another user's`), { code: "EACCES" });
  }
  return Promise.all(socketsIn(directory).map(readOne));
}

function socketsIn(directory: string): readonly string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(ENDING));
  return names.slice(0, MAX_SOCKETS).map((name) => join(directory, name));
}

/** A connection alone tells, and a daemon that hangs takes one too: no start waits for another daemon's answer. */
function removeDead(path: string): Promise<void> {
  return new Promise((resolve) => {
    const client = connect(path, () => client.destroy());
    client.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") rmSync(path, { force: true });
    });
    client.on("close", () => resolve());
  });
}

async function readOne(path: string): Promise<ReadSocket> {
  try {
    return { path, document: await readControlSocket(path), dead: false };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, document: undefined, dead: code === "ECONNREFUSED" || code === "ENOENT" };
  }
}

/** The document behind a socket. Rejects with the system's error, or when it is too long or too slow. */
export function readControlSocket(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const client = connect(path);
    const timer = setTimeout(() => client.destroy(new Error("no answer in time")), CONNECTION_MS);
    client.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > MAX_DOCUMENT_BYTES) client.destroy(new Error("the answer is too long"));
    });
    client.on("error", reject);
    client.on("close", () => {
      clearTimeout(timer);
      if (length === 0) reject(new Error("no answer"));
      else resolve(Buffer.concat(chunks).toString("utf8"));
    });
  });
}

/** Makes it if need be. A directory that others could write to would let them stand in for us. */
function ownDirectory(directory: string): void {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const { uid, mode } = lstatSync(directory);
  const isOurs = lstatSync(directory).isDirectory() && uid === process.getuid?.();
  if (!isOurs || (mode & 0o077) !== 0) throw new Error(`${directory} is not a directory of this user alone (0700)`);
}

const ENDING = ".sock";
const MAX_CONNECTIONS = 8;
const CONNECTION_MS = 2000;
const MAX_IGNORED_BYTES = 4096;
const MAX_SOCKETS = 64;
const MAX_DOCUMENT_BYTES = 1024 * 1024;
