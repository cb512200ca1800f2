// Connections that programs open through the TUN device. A connector takes ten a second from one agent and resets those
// beyond, which a program would take for a refusal. So the reset of one that was opened in a hurry is kept from it, and
// its SYN goes out again at a pace that every connector takes. Where the connector's limit is higher nothing waits.
import { ExpiringMap } from "../core/expiring-map.ts";
import type { Millis } from "../core/machine.ts";
import type { Ipv4 } from "../wire/address.ts";
import { ipv4Protocol, ipv4Source, PROTOCOL_TCP } from "../wire/ipv4.ts";
import { TCP_ACK, TCP_RST, TCP_SYN, tcpDestinationPort, tcpFlags, tcpSourcePort } from "../wire/tcp.ts";
import { OpeningPace } from "./opening-pace.ts";
import { MAX_HEAD, type Route } from "./routes.ts";

export interface Opening {
  readonly route: Route;
  readonly ports: number;
  /** Its SYN, behind room for MAX_HEAD bytes. */
  readonly bytes: Uint8Array;
}

export class TunOpenings {
  private readonly pace = new OpeningPace<Opening>();
  /** Those that were opened in a hurry and are not answered, and those that wait. */
  private readonly open = new ExpiringMap<number, Opening>({ limit: MAX_OPENINGS, idleMs: OPENING_MS });
  private readonly due: Opening[] = [];

  /** Whether take() has something. */
  get ready(): boolean {
    return this.due.length > 0;
  }

  /** A checked packet of a program, with its checksum. False: it is kept, and goes out when it is its turn. */
  leaves(bytes: Uint8Array, start: number, end: number, route: Route, now: Millis): boolean {
    if (ipv4Protocol(bytes, start) !== PROTOCOL_TCP || end - start < LEAST_SYN) return true;
    if ((tcpFlags(bytes, start) & (TCP_SYN | TCP_ACK)) !== TCP_SYN || end - start > LARGEST_SYN) return true;
    this.forgetOld(now);
    const ports = portsOf(tcpSourcePort(bytes, start), tcpDestinationPort(bytes, start));
    const known = this.find(route.virtualIp, ports);
    if (known !== undefined) {
      if (this.pace.isWaiting(known)) return false; // its program asks again
      this.forget(known);
    }
    const mayLeave = !this.pace.isSlow;
    if (mayLeave && !this.pace.opened(now)) return true;
    const copy = new Uint8Array(MAX_HEAD + end - start);
    copy.set(bytes.subarray(start, end), MAX_HEAD);
    const opening = { route, ports, bytes: copy };
    if (!this.open.set(keyOf(route.virtualIp, ports), opening, now)) return true;
    if (!mayLeave) this.pace.wait(opening, now);
    return mayLeave;
  }

  /** A checked packet of a service. True: it refuses what was opened in a hurry, and no program is to hear of it. */
  isHurriedRefusal(packet: Uint8Array, now: Millis): boolean {
    if (this.open.size === 0 || ipv4Protocol(packet) !== PROTOCOL_TCP || packet.length < LEAST_SYN) return false;
    const opening = this.find(ipv4Source(packet), portsOf(tcpDestinationPort(packet), tcpSourcePort(packet)));
    if (opening === undefined) return false;
    if (this.pace.isWaiting(opening)) return true;
    const refused = (tcpFlags(packet) & TCP_RST) !== 0;
    if (refused) this.pace.wait(opening, now);
    else this.forget(opening);
    return refused;
  }

  deadline(): Millis | undefined {
    return this.pace.deadline();
  }

  timeout(now: Millis): void {
    for (const opening of this.pace.release(now)) {
      // What comes of it now is believed.
      if (this.find(opening.route.virtualIp, opening.ports) === opening) {
        this.forget(opening);
        this.pace.opened(now);
        this.due.push(opening);
      }
    }
    this.forgetOld(now);
  }

  /** The next one whose turn it is. */
  take(): Opening | undefined {
    return this.due.shift();
  }

  private find(service: Ipv4, ports: number): Opening | undefined {
    const opening = this.open.peek(keyOf(service, ports));
    return opening?.route.virtualIp === service && opening.ports === ports ? opening : undefined;
  }

  private forget(opening: Opening): void {
    this.pace.forget(opening);
    this.open.delete(keyOf(opening.route.virtualIp, opening.ports));
  }

  private forgetOld(now: Millis): void {
    for (let old = this.open.takeExpired(now); old !== undefined; old = this.open.takeExpired(now)) {
      this.pace.forget(old[1]);
    }
  }
}

function portsOf(own: number, service: number): number {
  return own * 0x1_0000 + service;
}

/** Services of one agent rarely differ in the high bits of their addresses only; who finds an opening compares. */
function keyOf(service: Ipv4, ports: number): number {
  return (service & 0x1f_ffff) * 0x1_0000_0000 + ports;
}

const MAX_OPENINGS = 256;
/** At ten a second the last of them has its turn by then. */
const OPENING_MS = 30_000;
const LEAST_SYN = 40;
/** Headers of the greatest length. More is data in the SYN, which kernels send only when asked to. */
const LARGEST_SYN = 120;
