// What the demo shows, and the proof of each step: allowed requests, a refused one, and a connector that goes away.
import { fromHex } from "../wire/bytes.ts";
import { checkIpv4 } from "../wire/ipv4.ts";
import { NACK_NOT_GRANTED, parseTunnelDatagram } from "../wire/tunnel.ts";
import { udpPayloadEnd, udpPayloadStart } from "../wire/udp.ts";
import { type CAPITALS, type DemoHost, type DemoNetwork, ECHO, PAGE } from "./demo-network.ts";
import { DemoFailure, type DemoProcess } from "./demo-process.ts";
import { pageOf } from "./demo-services.ts";

export interface Allowed {
  readonly client: string;
  readonly service: string;
  readonly sent: string;
  readonly received: string;
}

/** A page of the private web server, fetched over TCP through a local port of the laptop's agent. */
export interface Fetched {
  readonly client: string;
  readonly service: string;
  readonly url: string;
  readonly status: number;
  readonly body: string;
}

export interface Refused {
  readonly client: string;
  readonly service: string;
  readonly status: number;
  readonly reason: string;
}

/** As `--json` prints it, like the two above. */
export interface FailOver {
  /** The host whose connector was ended, and the one that served on. */
  readonly from: string;
  readonly to: string;
  readonly signal: string;
  /** From the signal until a request reached the other host. */
  readonly gap_ms: number;
  readonly sent: number;
  readonly answered: number;
}

/** A client with a grant gets its answer, byte for byte as the service on the private host gave it. */
export async function showAllowed(network: DemoNetwork, service: typeof ECHO | typeof CAPITALS): Promise<Allowed> {
  const { id, address, port } = service;
  const sent = "hello from the laptop";
  const expected = service === ECHO ? sent : sent.toUpperCase();
  const request = ["--service", id, "--expect-ack", "--dst", `${address}:${port}`, "--send-udp", sent];
  let [client, status] = [network.startClient("laptop", [...request, "--wait", "100"]), 0];
  // A client collects answers for as long as it is told: a busy machine may need more.
  for (const wait of ["1000", "4000", undefined]) {
    status = await client.exited;
    if (status === 0 && innerPayloads(client.output).includes(expected)) {
      return { client: "laptop", service: id, sent, received: expected };
    }
    if (wait !== undefined) client = network.startClient("laptop", [...request, "--wait", wait]);
  }
  throw unexpected(client, status, `no "${expected}" came back`);
}

/** Any program of the laptop reaches the private web server at the agent's local port, with HTTP over TCP. */
export async function showPage(network: DemoNetwork): Promise<Fetched> {
  const url = `http://${await network.startAgent()}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) }).catch((error: Error) => error);
  if (response instanceof Error) throw new DemoFailure(`${url} could not be fetched: ${response.message}`);
  const body = await response.text();
  if (!network.hosts.some(({ name }) => body === pageOf(name))) throw new DemoFailure(`${url} answered "${body}"`);
  return { client: "laptop", service: PAGE.id, url, status: response.status, body };
}

/** A client without a grant is told why, and nothing of it reaches a service. */
export async function showRefused(network: DemoNetwork): Promise<Refused> {
  const expected = String(NACK_NOT_GRANTED);
  const request = "let me in";
  const client = network.startClient("visitor", [
    ...[
      "--service",
      ECHO.id,
      "--expect-nack",
      expected,
      "--dst",
      `${ECHO.address}:${ECHO.port}`,
      "--send-udp",
      request,
    ],
    ...["--wait", "100"],
  ]);
  const status = await client.exited;
  const [refusal] = datagrams(client.output).filter((datagram) => datagram.type === "nack");
  if (status !== 0 || refusal === undefined) throw unexpected(client, status, "it was not refused");
  if (network.hosts.some(({ services }) => services.heard(request)))
    throw unexpected(client, status, "its request reached a service");
  return { client: "visitor", service: ECHO.id, status: refusal.status, reason: "not-granted" };
}

/** Ends the connector that serves a running client and measures until the other host is reached. */
export async function showFailOver(network: DemoNetwork, signal: "SIGTERM" | "SIGKILL"): Promise<FailOver> {
  const sent = signal === "SIGKILL" ? 500 : 50;
  const client = network.startClient("laptop", [
    ...["--service", ECHO.id, "--expect-ack", "--dst", `${ECHO.address}:${ECHO.port}`, "--verify-echo"],
    ...["--payload-size", "64..64", "--repeat", String(sent), "--delay", String(PAUSE_MS), "--wait", "100"],
  ]);
  const status = client.exited;
  const clientEnded = status.then((code) => Promise.reject(unexpected(client, code, "it ended too early")));
  const from = await Promise.race([...network.hosts.map(nextServed), clientEnded]);
  // A few requests more, so that the connector is in the middle of its work.
  for (let i = 0; i < REQUESTS_BEFORE; i++) await Promise.race([from.services.nextRequest(), clientEnded]);
  const to = network.hosts.find((host) => host !== from) as DemoHost;
  const served = to.services.nextRequest();
  const endedAt = performance.now();
  const ended = from.connector.end(signal);
  const gap = (await Promise.race([served, clientEnded])) - endedAt;
  await ended;
  if ((await status) !== 0) throw unexpected(client, await status, "its echoes were not verified");
  const answered = Number(/^VERIFY_MATCHES:(\d+)$/m.exec(client.output)?.[1] ?? 0);
  return { from: from.name, to: to.name, signal, gap_ms: Math.round(gap * 10) / 10, sent, answered };
}

async function nextServed(host: DemoHost): Promise<DemoHost> {
  await host.services.nextRequest();
  return host;
}

/** What a test client received, from its lines RECV:HEX. */
function datagrams(output: string) {
  const lines = [...output.matchAll(/^RECV:([0-9a-f]*)$/gm)];
  return lines.map(([, hex]) => parseTunnelDatagram(fromHex(hex as string) ?? new Uint8Array()));
}

/** The texts of the UDP packets that it received. */
function innerPayloads(output: string): string[] {
  const texts: string[] = [];
  for (const datagram of datagrams(output)) {
    if (datagram.type !== "inner" || checkIpv4(datagram.bytes) !== undefined) continue;
    const { bytes } = datagram;
    texts.push(new TextDecoder().decode(bytes.subarray(udpPayloadStart(bytes), udpPayloadEnd(bytes))));
  }
  return texts;
}

function unexpected(client: DemoProcess, status: number, what: string): DemoFailure {
  return new DemoFailure(`${client.name}: ${what} (status ${status})\n${client.lastLines}`);
}

const PAUSE_MS = 10;
const FETCH_MS = 5000;
const REQUESTS_BEFORE = 10;
