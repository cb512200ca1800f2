// From the options of `ztna test-client` to what its agents are to do and what is expected of them. The reference
// client's order of modes: round trips, interactive, burst, generated payloads, UDP, text, bytes, nothing.
import { parseCloseExpectation } from "../agent/close-expectation.ts";
import type { ActivityPlan, InnerFlow, PayloadPattern, ProbePlan, SeriesContent } from "../agent/probe-plan.ts";
import type { Expectations } from "../agent/verdict.ts";
import { type HostPort, parseHostPort, parseIpv4 } from "../wire/address.ts";
import { fromHex } from "../wire/bytes.ts";
import { encodeServiceId } from "../wire/tunnel.ts";
import { CommandError, EXIT, UsageError } from "./errors.ts";
import type { SizeRange, TestClientSettings } from "./test-client-options.ts";

export interface TestRun {
  readonly relay: HostPort;
  /** Any of these must be in the relay's certificate. */
  readonly names: readonly string[];
  readonly plan: ProbePlan;
  readonly expected: Expectations;
  /** Absent: one, which reports line by line. */
  readonly agents: number | undefined;
}

/** Throws a CommandError: mistakes that the reference client ends with 1 do so here, unless `--strict` is given. */
export function testRun(settings: TestClientSettings): TestRun {
  const { values } = settings;
  const { service, routed, expectAck, expectNack, expectClose, agents } = values;
  if (service !== undefined && encodeServiceId(service) === undefined) {
    throw mistake(settings, "--service must be at most 255 bytes long");
  }
  checkCombinations(settings);
  const activity = activityPlan(settings);
  const expect = expectAck ? "ack" : expectNack === undefined ? "any" : "nack";
  const registration =
    service === undefined ? undefined : ({ service, expect, answerMs: answerMs(values.wait) } as const);
  const relay = relayAddress(settings);
  return {
    relay,
    names: values.serverName === undefined ? [relay.host, "ztna-server"] : [values.serverName],
    plan: {
      ...(registration === undefined ? {} : { registration }),
      ...(routed && service !== undefined ? { routedTo: service } : {}),
      activity,
      collectMs: collectMs(settings, activity),
      expectRejection: values.expectFail,
    },
    expected: {
      rejection: values.expectFail,
      ack: expectAck,
      strict: values.strict,
      ...(expectNack === undefined ? {} : { nack: expectNack }),
      ...(expectClose === undefined ? {} : { close: parseCloseExpectation(expectClose) }),
    },
    agents,
  };
}

function checkCombinations({ values }: TestClientSettings): void {
  const { service, routed, expectAck, expectNack, agents, interactive, measureRtt, alpn } = values;
  if (alpn !== undefined && (alpn === "" || encode(alpn).length > 255)) {
    throw new UsageError("--alpn must be 1 to 255 bytes long");
  }
  if (service === undefined) {
    if (routed) throw new UsageError("--routed names the service in each datagram: give --service");
    if (expectAck || expectNack !== undefined) {
      throw new UsageError("--expect-ack and --expect-nack are about a registration: give --service");
    }
  }
  if (expectAck && expectNack !== undefined) throw new UsageError("expect --expect-ack or --expect-nack, not both");
  if (agents !== undefined && interactive && !measureRtt) {
    throw new UsageError("--interactive has one person at its prompt: leave --agents out");
  }
}

function relayAddress(settings: TestClientSettings): HostPort {
  const { server } = settings.values;
  const relay = parseHostPort(server);
  if (relay === undefined || relay.port === 0) {
    throw mistake(settings, `--server is ${JSON.stringify(server)}, but must be HOST:PORT`);
  }
  return relay;
}

function activityPlan(settings: TestClientSettings): ActivityPlan {
  const { values } = settings;
  const { payloadSize, repeat, delay, burst, sendUdp, send, sendHex, agents } = values;
  const numbered = agents !== undefined || payloadSize?.isRange === true;
  if (values.measureRtt) {
    const flow = neededFlow(settings, "--measure-rtt");
    const size = payloadSize?.least ?? { bytes: RTT_BYTES };
    return { type: "rtt", samples: values.rttCount, flow, size, pattern: pattern(values.payloadPattern) };
  }
  if (values.interactive) return { type: "interactive" };
  if (burst > 0) {
    const flow = neededFlow(settings, "--burst");
    const content = generated(settings, payloadSize ?? BURST_SIZE, numbered);
    return { type: "series", count: burst, delayMs: 0, flow, content, burst: true, verify: numbered };
  }
  if (payloadSize !== undefined) {
    const flow = innerFlow(settings);
    const content = generated(settings, payloadSize, numbered);
    const series = {
      ...({ type: "series", count: Math.max(1, repeat), delayMs: delay, content, burst: false } as const),
      ...(values.window === undefined ? {} : { window: values.window }),
    };
    if (flow === undefined) return { ...series, verify: false };
    return { ...series, flow, verify: numbered || values.verifyEcho };
  }
  if (sendUdp !== undefined) return { ...single(encode(sendUdp)), flow: neededFlow(settings, "--send-udp") };
  if (send !== undefined) return single(encode(send));
  if (sendHex === undefined) return { type: "collect" };
  const bytes = fromHex(sendHex);
  if (bytes === undefined) throw mistake(settings, "--send-hex must be an even number of hexadecimal digits");
  return single(bytes);
}

function single(bytes: Uint8Array) {
  const content = { type: "bytes", bytes } as const;
  return { type: "series", count: 1, delayMs: 0, content, burst: false, verify: false } as const;
}

function generated({ values }: TestClientSettings, { least, most }: SizeRange, numbered: boolean): SeriesContent {
  if (numbered) return { type: "numbered", least, most };
  return { type: "pattern", pattern: pattern(values.payloadPattern), size: least };
}

/** As the reference does with names that it does not know. */
function pattern(name: string): PayloadPattern {
  return PATTERNS.find((known) => known === name) ?? "sequential";
}

function neededFlow(settings: TestClientSettings, by: string): InnerFlow {
  const flow = innerFlow(settings);
  if (flow === undefined) throw mistake(settings, `${by} sends inner packets: give their destination with --dst`);
  return flow;
}

function innerFlow(settings: TestClientSettings): InnerFlow | undefined {
  const { dst, src } = settings.values;
  if (dst === undefined) return undefined;
  const [destination, destinationPort] = innerAddress(settings, "--dst", dst);
  const [source, sourcePort] = innerAddress(settings, "--src", src);
  return { source, sourcePort, destination, destinationPort };
}

function innerAddress(settings: TestClientSettings, option: string, text: string): [number, number] {
  const parsed = parseHostPort(text);
  const address = parsed && parseIpv4(parsed.host);
  if (parsed === undefined || address === undefined) {
    throw mistake(settings, `${option} is ${JSON.stringify(text)}, but must be an IPv4 address and a port`);
  }
  return [address, parsed.port];
}

/** Round trips and the prompt wait for their answers themselves; a check of the registration alone needs no more. */
function collectMs(settings: TestClientSettings, activity: ActivityPlan): number {
  const { wait, expectAck, expectNack, expectClose } = settings.values;
  if (activity.type === "rtt" || activity.type === "interactive") return expectClose === undefined ? 0 : wait;
  const isCheck = activity.type === "collect" && (expectAck || expectNack !== undefined) && expectClose === undefined;
  return isCheck && settings.source("wait") === "default" ? 0 : wait;
}

/** An expected answer may take its time, also where answers to data are not waited for. */
function answerMs(wait: number): number {
  return Math.max(wait, ANSWER_MS);
}

function mistake({ values }: TestClientSettings, message: string): CommandError {
  return new CommandError(message, values.strict ? EXIT.usage : EXIT.failed);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const PATTERNS: readonly PayloadPattern[] = ["zeros", "ones", "sequential", "random"];
const RTT_BYTES = 64;
const BURST_SIZE: SizeRange = { least: { bytes: 100 }, most: { bytes: 100 }, isRange: false };
const ANSWER_MS = 2000;
