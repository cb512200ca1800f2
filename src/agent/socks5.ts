// What a SOCKS5 client says before its connection carries data (RFC 1928, without authentication): a greeting with its
// methods, then one request. Bytes may come in any pieces; whatever a client sends, no more than one message is kept.
//
//   greeting  05 | count | methods            answer  05 | method, ff: none of them
//   request   05 | command | 00 | target      answer  05 | reply | 00 | bound address
import type { Ipv4 } from "../wire/address.ts";
import { readSocksTarget, type SocksTarget, socksAddressLength, writeSocksAddress } from "./socks5-address.ts";

export type SocksCommand = "connect" | "udp-associate";

/** Reply codes (RFC 1928 section 6). */
export const SOCKS_SUCCEEDED = 0x00;
export const SOCKS_FAILED = 0x01;
export const SOCKS_NOT_ALLOWED = 0x02;
export const SOCKS_NETWORK_UNREACHABLE = 0x03;
export const SOCKS_HOST_UNREACHABLE = 0x04;
export const SOCKS_REFUSED = 0x05;
export const SOCKS_UNKNOWN_COMMAND = 0x07;
export const SOCKS_UNKNOWN_ADDRESS_TYPE = 0x08;

/** Why a client is turned away before it asked for anything that could be looked up. */
export type SocksFault = "not-socks5" | "no-method" | "malformed-request" | "unknown-command" | "unknown-address-type";

export type SocksProgress =
  /** Send `answer`, which may be empty, and read on. */
  | { readonly type: "more"; readonly answer: Uint8Array }
  /** Send `answer`, then what became of the request. `rest` is the first of what is meant for the target. */
  | {
      readonly type: "request";
      readonly answer: Uint8Array;
      readonly command: SocksCommand;
      readonly target: SocksTarget;
      readonly rest: Uint8Array;
    }
  /** Send `answer`, which may be empty, and close. */
  | { readonly type: "refused"; readonly answer: Uint8Array; readonly fault: SocksFault };

/** Not to be asked again after "request" or "refused". */
export class SocksHandshake {
  /** The message that is under way, and how much of it is there. */
  private readonly held = new Uint8Array(MAX_MESSAGE);
  private length = 0;
  private greeted = false;

  receive(bytes: Uint8Array): SocksProgress {
    let taken = 0;
    let answer = NOTHING;
    for (;;) {
      const count = Math.min(bytes.length - taken, MAX_MESSAGE - this.length);
      this.held.set(bytes.subarray(taken, taken + count), this.length);
      this.length += count;
      taken += count;
      const message = this.held.subarray(0, this.length);
      const read = this.greeted ? readRequest(message) : readGreeting(message);
      if (read === "short") return { type: "more", answer };
      if ("fault" in read) return { type: "refused", answer: join(answer, read.answer), fault: read.fault };
      // What was taken behind the message's end belongs to what follows it.
      taken -= this.length - read.end;
      this.length = 0;
      if (read.command !== undefined) {
        const { command, target } = read;
        return { type: "request", answer, command, target, rest: bytes.subarray(taken) };
      }
      this.greeted = true;
      answer = NO_AUTHENTICATION;
    }
  }
}

/** `bound` is an IPv4 address or the 16 bytes of an IPv6 address. */
export function socksReply(code: number, bound: Ipv4 | Uint8Array = 0, port = 0): Uint8Array {
  const out = new Uint8Array(3 + socksAddressLength(bound));
  out[0] = VERSION;
  out[1] = code;
  writeSocksAddress(out, 3, bound, port);
  return out;
}

type Refusal = { readonly answer: Uint8Array; readonly fault: SocksFault };

interface Greeting {
  readonly command: undefined;
  readonly end: number;
}

function readGreeting(message: Uint8Array): Greeting | Refusal | "short" {
  // A web page can make a browser speak HTTP to any local port, but not begin with a byte of its choice.
  if (message.length > 0 && message[0] !== VERSION) return { answer: NOTHING, fault: "not-socks5" };
  if (message.length < 2) return "short";
  const end = 2 + (message[1] as number);
  if (message.length < end) return "short";
  if (!message.subarray(2, end).includes(METHOD_NONE)) return { answer: NO_METHOD, fault: "no-method" };
  return { command: undefined, end };
}

interface Request {
  readonly command: SocksCommand;
  readonly target: SocksTarget;
  readonly end: number;
}

/** A client that cannot be understood is told as soon as that is clear: it may be waiting for the answer. */
function readRequest(message: Uint8Array): Request | Refusal | "short" {
  const [version, command, reserved] = message;
  if (version !== undefined && version !== VERSION) return refusal(SOCKS_FAILED, "malformed-request");
  if (command === undefined || reserved === undefined) return "short";
  const known = COMMANDS[command];
  if (known === undefined) return refusal(SOCKS_UNKNOWN_COMMAND, "unknown-command");
  if (reserved !== 0) return refusal(SOCKS_FAILED, "malformed-request");
  const read = readSocksTarget(message, 3);
  if (read === "unknown-type") return refusal(SOCKS_UNKNOWN_ADDRESS_TYPE, "unknown-address-type");
  return read === "short" ? "short" : { command: known, ...read };
}

function refusal(code: number, fault: SocksFault): Refusal {
  return { answer: socksReply(code), fault };
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

const VERSION = 5;
const METHOD_NONE = 0;
const COMMANDS: Readonly<Record<number, SocksCommand>> = { 1: "connect", 3: "udp-associate" };
/** The longest request: a name of 255 bytes. A greeting with all methods has 257. */
const MAX_MESSAGE = 262;
const NOTHING = new Uint8Array(0);
const NO_AUTHENTICATION = new Uint8Array([VERSION, METHOD_NONE]);
const NO_METHOD = new Uint8Array([VERSION, 0xff]);
