// The options of `ztna test-client`: the reference client's, then ours. What they amount to is in test-client-plan.ts.
import type { PayloadSize } from "../agent/probe-plan.ts";
import { CONGESTION_OPTION } from "./daemon-options.ts";
import { count, file, host, type Kind } from "./option-kinds.ts";
import { type CommandSpec, flag, option, optional, type Settings } from "./options.ts";

const WHAT = "What is sent";
const CREDENTIALS = "Credentials";
const REPORT = "What is reported";
const EXPECTED = "What is expected (else the status is 1)";

export interface SizeRange {
  readonly least: PayloadSize;
  readonly most: PayloadSize;
  /** Whether it was written as one. */
  readonly isRange: boolean;
}

/** Also the empty text: services, texts and payloads may be empty. */
const anyText: Kind<string> = {
  placeholder: "TEXT",
  expected: "a text",
  parse: (value) => value,
  schema: (z) => z.string(),
};

const named = (placeholder: string): Kind<string> => ({ ...anyText, placeholder });

const payloadSize: Kind<SizeRange> = {
  placeholder: "SIZE",
  expected: "a number of bytes, max, max-1, max+1, or a range of them such as 0..max",
  parse: parseSizes,
  schema: (z) => z.union([z.string(), z.number()]),
};

const code: Kind<number> = {
  placeholder: "CODE",
  expected: "a status from 0 to 255, decimal or as 0x02",
  parse: (value) => (/^(0x[0-9a-f]{1,2}|\d{1,3})$/i.test(value) && Number(value) <= 255 ? Number(value) : undefined),
  schema: (z) => z.union([z.string(), z.number()]),
};

const millis: Kind<number> = { ...count(0, 86_400_000), placeholder: "MS" };

export const TEST_CLIENT_OPTIONS = {
  server: option(named("HOST:PORT"), { default: "127.0.0.1:4433", help: "the relay", group: "Relay" }),
  service: optional(named("ID"), { help: "register as its agent, then show what comes for 200 ms", group: "Relay" }),
  alpn: optional(anyText, { help: "offer another protocol than ztna-v1", group: "Relay" }),
  serverName: optional(host, {
    help: "name that its certificate must carry (default the host, or ztna-server)",
    group: "Relay",
  }),
  ...CONGESTION_OPTION,

  send: optional(anyText, { help: "one raw datagram with this text", group: WHAT }),
  sendHex: optional(named("HEX"), { help: "one raw datagram with these bytes", group: WHAT }),
  sendUdp: optional(anyText, { help: "one inner UDP packet with this text; needs --dst", group: WHAT }),
  dst: optional(named("IP:PORT"), { help: "inner destination", group: WHAT }),
  src: option(named("IP:PORT"), { default: "10.0.0.100:12345", help: "inner source", group: WHAT }),
  interactive: flag("each line of input is one datagram; quit, exit or the end of input ends it", { group: WHAT }),
  payloadSize: optional(payloadSize, {
    help: "generated payload; max fits exactly; a range goes through its sizes, numbered",
    group: WHAT,
  }),
  payloadPattern: option(named("PATTERN"), {
    default: "sequential",
    help: "zeros, ones, sequential or random",
    group: WHAT,
  }),
  repeat: option(count(0, 1e6), { default: 1, help: "how many generated payloads", group: WHAT }),
  delay: option(millis, { default: 0, help: "pause between them", group: WHAT }),
  window: optional(count(1, 1e6), {
    help: "numbered payloads on their way at once; the next waits for one to come back (default no limit)",
    group: WHAT,
  }),
  burst: option(count(0, 1e6), { default: 0, help: "this many without a pause; needs --dst", group: WHAT }),
  routed: flag("name the service in each datagram (0x2f) instead of sending it raw", { group: WHAT }),
  agents: optional(count(1, 1000), {
    help: "so many agents at once, each on its own connection, each payload with agent and number",
    group: WHAT,
  }),

  clientCert: optional(file, { help: "own certificate chain", group: CREDENTIALS }),
  clientKey: optional(file, { help: "its private key", group: CREDENTIALS }),
  caCert: optional(file, { help: "CA of the relay; without it any relay is accepted", group: CREDENTIALS }),
  allowOpenKeys: flag("accept a private key that everybody may read", { group: CREDENTIALS }),

  wait: option(millis, { default: 2000, help: "time to collect answers", group: REPORT }),
  verifyEcho: flag("compare answers; with --payload-size and --dst", { group: REPORT }),
  queryMaxSize: flag("sizes of the largest datagram and of the largest inner payload", { group: REPORT }),
  measureRtt: flag("round-trip times; needs --dst", { group: REPORT }),
  rttCount: option(count(0, 1e6), { default: 10, help: "how many", group: REPORT }),
  measureHandshake: flag("time of the handshake", { group: REPORT }),
  json: flag("one JSON document instead of lines", { group: REPORT }),

  expectFail: flag("the relay turns us away, during the handshake or right after it", { group: EXPECTED }),
  expectAck: flag("the registration is acknowledged; nothing is sent before", { group: EXPECTED }),
  expectNack: optional(code, { help: "the registration is refused with this status", group: EXPECTED }),
  expectClose: optional(named("CODE"), {
    help: "the connection is closed: 0x174 (a TLS alert), 1, or a reason such as no-client-cert",
    group: EXPECTED,
  }),
  strict: flag("everything that did not work is a failure, with the exit codes of ztna", { group: EXPECTED }),
} as const;

export const TEST_CLIENT: CommandSpec<typeof TEST_CLIENT_OPTIONS> = {
  command: "test-client",
  summary: "a scripted agent for CI and scripts",
  options: TEST_CLIENT_OPTIONS,
  examples: [
    "ztna test-client --server 127.0.0.1:4433 --service web --dst 10.100.0.1:9999 --send-udp hello",
    "ztna test-client --service web --dst 10.100.0.1:9999 --measure-rtt --rtt-count 100 --strict \\",
    "  --client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem",
    "ztna test-client --expect-close 0x174",
  ],
};

export type TestClientSettings = Settings<typeof TEST_CLIENT_OPTIONS>;

function parseSizes(text: string): SizeRange | undefined {
  const [first = "", last, ...more] = text.split("..");
  const least = parseSize(first);
  const most = last === undefined ? least : parseSize(last);
  if (least === undefined || most === undefined || more.length > 0) return undefined;
  const isInverted = "bytes" in least && "bytes" in most && least.bytes > most.bytes;
  return isInverted ? undefined : { least, most, isRange: last !== undefined };
}

function parseSize(text: string): PayloadSize | undefined {
  if (/^\d{1,9}$/.test(text)) return { bytes: Number(text) };
  const match = /^max([+-]\d{1,5})?$/.exec(text);
  return match === null ? undefined : { beyondLargest: Number(match[1] ?? 0) };
}
