// The demo's private services on one host's loopback sockets: two over UDP, a web server, and word of when they are used.

export interface DemoServices extends Disposable {
  /** "127.0.0.1:PORT" of the service that returns what it is sent. */
  readonly echo: string;
  /** "127.0.0.1:PORT" of the service that answers with the text in capitals. */
  readonly capitals: string;
  /** "127.0.0.1:PORT" of a web server. */
  readonly page: string;
  /** Whether a request with this text came in. */
  heard(text: string): boolean;
  /** Resolves with the time of the next request, in milliseconds as performance.now() counts them. */
  nextRequest(): Promise<number>;
}

/** What the web server says of the host that it is on. */
export function pageOf(host: string): string {
  return `A private page on host ${host}`;
}

export async function startServices(host: string): Promise<DemoServices> {
  const texts = new Set<string>();
  let waiting: ((at: number) => void)[] = [];
  const note = (request: Buffer) => {
    if (texts.size < MAX_TEXTS) texts.add(request.toString("utf8"));
    const resolving = waiting;
    waiting = [];
    for (const resolve of resolving) resolve(performance.now());
  };
  const echo = await answering(note, (request) => request);
  const capitals = await answering(note, (request) => request.toString("utf8").toUpperCase());
  const page = Bun.serve({ hostname: LOOPBACK, port: 0, fetch: () => new Response(pageOf(host)) });
  return {
    page: `${LOOPBACK}:${page.port}`,
    echo: `${LOOPBACK}:${echo.port}`,
    capitals: `${LOOPBACK}:${capitals.port}`,
    heard: (text) => texts.has(text),
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    [Symbol.dispose]() {
      echo.close();
      capitals.close();
      void page.stop(true);
    },
  };
}

function answering(note: (request: Buffer) => void, answer: (request: Buffer) => Buffer | string) {
  return Bun.udpSocket({
    hostname: LOOPBACK,
    port: 0,
    socket: {
      data(socket, request, port, address) {
        note(request);
        try {
          socket.send(answer(request), port, address);
        } catch {
          // The connector that asked was ended meanwhile.
        }
      },
      error() {},
    },
  });
}

const LOOPBACK = "127.0.0.1";
const MAX_TEXTS = 10_000;
