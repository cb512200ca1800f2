// One end of a conversation, in a process of its own: the endpoint, driver and socket that the product has.
//   trip-end.ts CONFIG      prints "ready [PORT]" when it listens or is registered
//   NUMBER COUNT            on standard input of an agent: so many round trips; answers with NUMBER and a line of JSON
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DEFAULT_ADMISSION } from "../../src/quic/admission.ts";
import { Endpoint, type EndpointOptions } from "../../src/quic/endpoint.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { Driver } from "../../src/runtime/driver.ts";
import { openUdp } from "../../src/runtime/open-udp.ts";
import { type TripInput, type TripOutput, TripRole } from "./trip-role.ts";

export interface TripConfig {
  readonly role: "agent" | "connector" | "server";
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Where a client dials. */
  readonly port?: number;
}

export interface TripResult {
  readonly p50Us: number;
  readonly p99Us: number;
}

function endpointOptions({ role, ca, cert, key }: TripConfig): Pick<EndpointOptions, "server" | "client"> {
  const read = (path: string) => new Uint8Array(readFileSync(path));
  const tls = { ca: read(ca), certChain: read(cert), key: read(key) };
  if (role !== "server") return { client: { verifyPeer: true, tls } };
  const door = { retry: undefined, retriesPerSecond: 1000, admission: DEFAULT_ADMISSION };
  return { server: { clientAuth: "required", tls, ...door } };
}

async function main(config: TripConfig): Promise<void> {
  const random = (bytes: Uint8Array) => randomFillSync(bytes);
  const environment = { rotationMs: 300_000, random, wallNow: () => Date.now() };
  const secret = randomFillSync(new Uint8Array(32));
  const endpoint = new Endpoint({ ...endpointOptions(config), ...environment, secret }, monotonicClock.now());
  const driver = new Driver<TripInput, TripOutput>({
    role: new TripRole(config.role),
    endpoint,
    clock: monotonicClock,
    perform: (output) => console.log(answerTo(output)),
  });
  const { socket } = await openUdp([{ host: "127.0.0.1", port: 0 }], driver, { io: "auto" });
  driver.attach(socket);
  if (config.port === undefined) console.log(`ready ${socket.local[0]!.port}`);
  else endpoint.connect(socket.remote("127.0.0.1", config.port), ["ztna-server"], monotonicClock.now());
  driver.wake();
  for await (const line of createInterface({ input: process.stdin })) {
    const [number = "", count] = line.split(" ");
    driver.feed({ type: "trips", number, count: Number(count) });
  }
  process.exit(0);
}

function answerTo(output: TripOutput): string {
  if (output.type === "ready") return "ready";
  if (output.type === "lost-peer") throw new Error(`the benchmark lost a connection: ${output.reason}`);
  const sorted = output.us.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return `${output.number} ${JSON.stringify({ p50Us: at(0.5), p99Us: at(0.99) } satisfies TripResult)}`;
}

await main(JSON.parse(process.argv[2] ?? "{}") as TripConfig);
