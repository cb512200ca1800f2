// The impairer's process on real sockets: what arrives is what its counters say, and that is what was asked for.
import { describe, expect, test } from "bun:test";
import type { PathConditions } from "../../support/impaired-link.ts";
import { Impairer } from "../../support/impairer.ts";

/** A client and a target, and between them a path called "path". */
class Ends implements AsyncDisposable {
  /** Numbers in the order in which they came. */
  readonly atTarget: number[] = [];
  readonly atClient: number[] = [];
  readonly impairer: Impairer;
  readonly client: Bun.udp.Socket<"buffer">;
  readonly target: Bun.udp.Socket<"buffer">;
  #sent = 0;
  /** Called for each arrival. */
  arrived: () => void = () => {};

  static async open(answers = false): Promise<Ends> {
    const received: { ends?: Ends } = {};
    const listen = { host: "127.0.0.1", port: 0 };
    const target = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: (socket, packet, port, host) => {
          received.ends?.atTarget.push(packet.readUInt32BE(0));
          received.ends?.arrived();
          if (answers) socket.send(packet, port, host);
        },
      },
    });
    const impairer = await Impairer.start({
      seed: 11,
      paths: { path: { listen, target: { ...listen, port: target.port } } },
    });
    const client = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: (_socket, packet) => {
          received.ends?.atClient.push(packet.readUInt32BE(0));
          received.ends?.arrived();
        },
      },
    });
    received.ends = new Ends(impairer, client, target);
    return received.ends;
  }

  private constructor(impairer: Impairer, client: Bun.udp.Socket<"buffer">, target: Bun.udp.Socket<"buffer">) {
    this.impairer = impairer;
    this.client = client;
    this.target = target;
  }

  async path() {
    return (await this.impairer.report()).reports.path!;
  }

  /** Numbered packets, in bursts that no socket's buffer is too small for. */
  async send(count: number, burst = 100): Promise<void> {
    for (const end = this.#sent + count; this.#sent < end; ) {
      for (let i = 0; i < burst && this.#sent < end; i++) {
        const packet = Buffer.alloc(100);
        packet.writeUInt32BE(this.#sent++);
        this.client.send(packet, this.impairer.port("path"), "127.0.0.1");
      }
      while ((await this.path()).up.received < this.#sent);
    }
  }

  /** When so many have come. */
  async arrivals(at: number[], count: number): Promise<void> {
    while (at.length < count) await new Promise<void>((resolve) => (this.arrived = resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.impairer[Symbol.asyncDispose]();
    this.client.close();
    this.target.close();
  }
}

const PACKETS = 20_000;

async function through(conditions: Partial<PathConditions>): Promise<{ arrived: number[]; ends: Ends }> {
  const ends = await Ends.open();
  await ends.impairer.set(conditions);
  await ends.send(PACKETS);
  return { arrived: ends.atTarget, ends };
}

describe.concurrent("a path", () => {
  test("that is perfect delivers every packet once, in order, and back again", async () => {
    await using ends = await Ends.open(true);
    await ends.send(1000);
    await ends.arrivals(ends.atClient, 1000);
    const inOrder = Array.from({ length: 1000 }, (_, i) => i);
    expect(ends.atTarget).toEqual(inOrder);
    expect(ends.atClient).toEqual(inOrder);
    expect(await ends.path()).toMatchObject({ up: { forwarded: 1000 }, down: { forwarded: 1000 }, kernelDrops: 0 });
  });

  test("with 5 % loss loses 5 % and counts exactly what it lost", async () => {
    const { arrived, ends } = await through({ loss: 0.05 });
    await using _ = ends;
    const { up, kernelDrops } = await ends.path();
    await ends.arrivals(arrived, up.forwarded);
    expect(kernelDrops).toBe(0);
    expect(up.lost).toBe(PACKETS - new Set(arrived).size);
    expect(up.lost / PACKETS).toBeGreaterThan(0.045);
    expect(up.lost / PACKETS).toBeLessThan(0.055);
  });

  test("with duplicates and reordering delivers everything, some twice, some late", async () => {
    const { arrived, ends } = await through({ duplicate: 0.02, reorder: 0.05, reorderMs: 1 });
    await using _ = ends;
    const { up } = await ends.path();
    await ends.arrivals(arrived, PACKETS + up.duplicated);
    expect(new Set(arrived).size).toBe(PACKETS);
    expect(arrived.length).toBe(PACKETS + up.duplicated);
    const overtaken = arrived.filter((number, i) => i > 0 && number < arrived[i - 1]!).length;
    expect(overtaken).toBeGreaterThan(0);
    expect(up.reordered).toBeGreaterThan(0.045 * PACKETS);
  });

  test("with a delay delivers late, and in a black-out not at all", async () => {
    await using ends = await Ends.open();
    await ends.impairer.set({ delayMs: 50 });
    const start = performance.now();
    await ends.send(1);
    await ends.arrivals(ends.atTarget, 1);
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
    await ends.impairer.blackOut(60_000);
    await ends.send(10);
    await ends.impairer.blackOut(0);
    await ends.send(1);
    await ends.arrivals(ends.atTarget, 2);
    expect(ends.atTarget).toEqual([0, 11]);
    expect((await ends.path()).up).toMatchObject({ blackedOut: 10, forwarded: 2 });
  });

  test("keeps its clients apart: each gets its own answers", async () => {
    await using ends = await Ends.open(true);
    const port = ends.impairer.port("path");
    const sockets = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const { promise, resolve } = Promise.withResolvers<Buffer>();
        const data = (_socket: unknown, packet: Buffer) => resolve(packet);
        const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data } });
        socket.send(Buffer.from([0, 0, 0, number]), port, "127.0.0.1");
        return { socket, answer: promise };
      }),
    );
    const answers = await Promise.all(sockets.map(({ answer }) => answer));
    for (const { socket } of sockets) socket.close();
    expect(answers.map((answer) => answer[3])).toEqual([1, 2, 3]);
  });
});
