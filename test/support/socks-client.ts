// A SOCKS5 client for tests, as plain as can be: it sends bytes and gives what comes back.
import { connect, type Socket } from "node:net";

export class SocksClient implements Disposable {
  readonly socket: Socket;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private over = false;

  static async open(port: number): Promise<SocksClient> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await new Promise<void>((done, fail) => socket.once("connect", done).once("error", fail));
    return new SocksClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.wake?.();
    });
    const end = () => {
      this.over = true;
      this.wake?.();
    };
    socket.on("end", end).on("error", end).on("close", end);
  }

  /** Sends hexadecimal bytes. */
  say(hex: string): void {
    this.socket.write(Buffer.from(hex, "hex"));
  }

  /** The next bytes as hexadecimal; fewer when the other side ends before. */
  async hear(length: number): Promise<string> {
    while (this.received.length < length && !this.over) await new Promise<void>((done) => (this.wake = done));
    const bytes = this.received.subarray(0, length);
    this.received = this.received.subarray(bytes.length);
    return bytes.toString("hex");
  }

  /** Resolves when the other side has ended or reset the connection. */
  async ended(): Promise<void> {
    while (!this.over) await new Promise<void>((done) => (this.wake = done));
  }

  /** Asks for an association; returns its port. */
  async associate(): Promise<number> {
    this.say("050100");
    await this.hear(2);
    this.say("05030001000000000000");
    const answer = await this.hear(10);
    if (!answer.startsWith("050000017f000001")) throw new Error(`no association: ${answer}`);
    return Number.parseInt(answer.slice(-4), 16);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
