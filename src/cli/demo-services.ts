// The demo's private services: two real UDP services on one host's loopback sockets, and word of when they are used.

export interface DemoServices extends Disposable {
  /** "127.0.0.1:PORT" of the service that returns what it is sent. */
  readonly echo: string;
  /** "127.0.0.1:PORT" of the service that answers with the text in capitals. */
  readonly capitals: string;
  /** How many requests came in. */
  readonly requests: number;
  /** Resolves with the time of the next request, in milliseconds as performance.now() counts them. */
  nextRequest(): Promise<number>;
}

export async function startServices(): Promise<DemoServices> {
  let requests = 0;
  let waiting: ((at: number) => void)[] = [];
  const note = () => {
    requests++;
    const resolving = waiting;
    waiting = [];
    for (const resolve of resolving) resolve(performance.now());
  };
  const echo = await answering(note, (request) => request);
  const capitals = await answering(note, (request) => request.toString("utf8").toUpperCase());
  return {
    echo: `${LOOPBACK}:${echo.port}`,
    capitals: `${LOOPBACK}:${capitals.port}`,
    get requests() {
      return requests;
    },
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    [Symbol.dispose]() {
      echo.close();
      capitals.close();
    },
  };
}

function answering(note: () => void, answer: (request: Buffer) => Buffer | string) {
  return Bun.udpSocket({
    hostname: LOOPBACK,
    port: 0,
    socket: {
      data(socket, request, port, address) {
        note();
        socket.send(answer(request), port, address);
      },
    },
  });
}

const LOOPBACK = "127.0.0.1";
