// The demo's private services: two real UDP services on one host's loopback sockets, and word of when they are used.

export interface DemoServices extends Disposable {
  /** "127.0.0.1:PORT" of the service that returns what it is sent. */
  readonly echo: string;
  /** "127.0.0.1:PORT" of the service that answers with the text in capitals. */
  readonly capitals: string;
  /** Whether a request with this text came in. */
  heard(text: string): boolean;
  /** Resolves with the time of the next request, in milliseconds as performance.now() counts them. */
  nextRequest(): Promise<number>;
}

export async function startServices(): Promise<DemoServices> {
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
  return {
    echo: `${LOOPBACK}:${echo.port}`,
    capitals: `${LOOPBACK}:${capitals.port}`,
    heard: (text) => texts.has(text),
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    [Symbol.dispose]() {
      echo.close();
      capitals.close();
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
        socket.send(answer(request), port, address);
      },
    },
  });
}

const LOOPBACK = "127.0.0.1";
const MAX_TEXTS = 10_000;
