// What the doctor looks at on the way to a relay: its name, whether UDP gets there and how large packets may be, and
// whether a handshake succeeds.
import { isIP } from "node:net";
import { Resolver } from "../runtime/resolver.ts";
import { type UdpReach, udpReach } from "../runtime/udp-reach.ts";
import type { PeerEvent } from "../tunnel/peer.ts";
import { closeReason } from "../tunnel/refusal.ts";
import { failure, ok, type Row, warning } from "./doctor-row.ts";
import { type HostPort, hostPortText } from "./option-kinds.ts";
import { explanationsOf } from "./reasons.ts";
import type { Terminal } from "./terminal.ts";

export interface RelayToCheck {
  readonly server: HostPort;
  /** Flags of the test client: names and credentials. */
  readonly flags: readonly string[];
}

export async function relayRows({ server, flags }: RelayToCheck, terminal: Terminal): Promise<readonly Row[]> {
  const resolver = new Resolver({ freshMs: 0, now: () => performance.now() });
  let addresses: readonly string[];
  try {
    addresses = await resolver.resolve(server.host);
  } catch (error) {
    return [judgeName(server.host, error instanceof Error ? error.message : String(error))];
  }
  const reaches = await Promise.all(
    addresses.slice(0, MAX_ADDRESSES).map((address) => udpReach({ address, port: server.port, sizes: SIZES })),
  );
  const reached = reaches.find(({ outcome }) => outcome === "answered") ?? reaches[0] ?? { outcome: "silent" };
  const name = judgeName(server.host, addresses);
  // A handshake would only wait for what is known already.
  const isHopeless = reaches.every(({ outcome }) => outcome === "refused" || outcome === "unsendable");
  if (isHopeless) return [name, judgeReach(server, reached, false)];
  const handshake = await shakeHands(server, flags, terminal);
  return [
    name,
    judgeReach(server, reached, handshake.handshake?.done === true),
    ...judgePath(reached, handshake.max_datagram),
    judgeHandshake(handshake),
  ];
}

export function judgeName(host: string, found: readonly string[] | string): Row {
  if (typeof found === "string") {
    const row = failure("dns", `${host} has no address: ${found}`, "correct the name, or the host's name server");
    return { ...row, unreachable: true };
  }
  if (isIP(host) !== 0) return ok("dns", `${host} is an address`);
  return ok("dns", `${host} is ${found.join(", ")}`);
}

export function judgeReach(server: HostPort, reach: UdpReach, isConnected: boolean): Row {
  const where = `UDP ${hostPortText(server)}`;
  if (reach.outcome === "answered") return ok("udp", `${where} speaks QUIC; answer in ${reach.rttMs.toFixed(1)} ms`);
  if (isConnected) return ok("udp", `${where} takes handshakes, though it answers no version negotiation`);
  const row = {
    refused: () =>
      failure("udp", `${where}: an error came back, nothing listens there`, "start the relay; check host and port"),
    silent: () =>
      failure("udp", `${where}: no answer, UDP is blocked or the host is down`, "let UDP to that port through"),
    unsendable: () => {
      const detail = reach.outcome === "unsendable" ? reach.detail : "";
      return failure("udp", `${where}: the system does not send (${detail})`, "check routes and local firewalls");
    },
  }[reach.outcome]();
  return { ...row, unreachable: true };
}

/** `maxDatagram`: what the connection takes while every packet may have its full size. */
export function judgePath(reach: UdpReach, maxDatagram: number | undefined): readonly Row[] {
  if (reach.outcome !== "answered") return [];
  const usable = maxDatagram === undefined ? undefined : Math.min(maxDatagram, maxDatagram - FULL_SIZE + reach.largest);
  const datagrams = usable === undefined ? "" : `; datagrams up to ${usable} bytes arrive`;
  const detail = `packets of ${reach.largest} bytes reach the relay${datagrams}`;
  if (reach.largest >= FULL_SIZE) return [ok("datagram", detail)];
  const remedy = `raise the MTU on the way to at least ${FULL_SIZE + HEADERS}, or lower that of the agent's device`;
  return [warning("datagram", `${detail}, larger ones are lost`, remedy)];
}

type Disconnected = Extract<PeerEvent, { type: "disconnected" }>;

export interface Handshake {
  readonly max_datagram?: number;
  readonly handshake?: {
    readonly done: boolean;
    readonly us?: number;
    readonly reason?: string;
    readonly detail?: string;
  };
  readonly closed?: Pick<Disconnected, "by" | "layer" | "code" | "reason">;
  /** Why it could not even begin. */
  readonly fault?: string;
}

export function judgeHandshake({ handshake, closed, fault }: Handshake): Row {
  if (fault !== undefined) return failure("handshake", fault, "correct what the sentence names");
  if (handshake?.done !== true) {
    const reason = handshake?.reason ?? "unreachable";
    const row = failure("handshake", `failed: ${handshake?.detail ?? reason}`, remedyOf(reason));
    return reason === "unreachable" ? { ...row, unreachable: true } : row;
  }
  if (closed !== undefined) {
    const reason = closeReason({ type: "disconnected", peer: 0, ...closed });
    return failure("handshake", `the relay closed the connection: ${reason}`, remedyOf(reason));
  }
  return ok("handshake", `done in ${((handshake.us ?? 0) / 1000).toFixed(1)} ms`);
}

function remedyOf(reason: string): string {
  return explanationsOf(reason)[0]?.fix ?? "read the log of the relay";
}

/** The test client connects, waits for a moment whether the relay turns it away, and reports as JSON. */
async function shakeHands(server: HostPort, flags: readonly string[], terminal: Terminal): Promise<Handshake> {
  const { run } = await import("./test-client.ts");
  let document = "";
  const out = (text: string) => {
    document += text;
  };
  const silent: Terminal = { ...terminal, environment: {}, err: () => {}, out };
  const fixed = ["--json", "--strict", "--query-max-size", "--measure-handshake", "--wait", String(LISTEN_MS)];
  try {
    await run(["--server", hostPortText(server), ...fixed, ...flags], silent);
    return (JSON.parse(document) as { readonly agents: readonly Handshake[] }).agents[0] ?? {};
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

const MAX_ADDRESSES = 4;
/** What both ends of ztna send at most, in bytes of UDP payload; tried with what is common below and above. */
const FULL_SIZE = 1350;
const SIZES = [1232, 1280, 1320, FULL_SIZE, 1452];
/** IPv6 and UDP. */
const HEADERS = 48;
const LISTEN_MS = 300;
