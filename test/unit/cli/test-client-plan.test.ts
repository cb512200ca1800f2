// From the flags of the test client to what its agents do: modes and their order, defaults, mistakes and their status.
import { describe, expect, test } from "bun:test";
import { readOptions } from "../../../src/cli/options.ts";
import { TEST_CLIENT } from "../../../src/cli/test-client-options.ts";
import { type TestRun, testRun } from "../../../src/cli/test-client-plan.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

async function planned(...args: readonly string[]): Promise<TestRun> {
  const settings = await readOptions(TEST_CLIENT, args, recordingTerminal());
  if (settings === undefined) throw new Error("help was asked for");
  return testRun(settings);
}

async function activity(...args: readonly string[]) {
  return (await planned(...args)).plan.activity;
}

/** The exit code and the message of a mistake. */
async function mistake(...args: readonly string[]): Promise<{ exitCode: number; message: string }> {
  return planned(...args).then(
    () => ({ exitCode: 0, message: "" }),
    (error: { exitCode: number; message: string }) => error,
  );
}

const DST = ["--dst", "10.100.0.1:9999"] as const;
const FLOW = { source: 0x0a000064, sourcePort: 12_345, destination: 0x0a640001, destinationPort: 9_999 };

test("without flags it connects to the local relay and collects for 2 s", async () => {
  expect(await planned()).toEqual({
    relay: { host: "127.0.0.1", port: 4433 },
    names: ["127.0.0.1", "ztna-server"],
    plan: { activity: { type: "collect" }, collectMs: 2000, expectRejection: false },
    expected: { rejection: false, ack: false, strict: false },
    agents: undefined,
  });
});

describe("the mode", () => {
  const every: readonly (readonly [string, readonly string[]])[] = [
    ["rtt", ["--measure-rtt"]],
    ["interactive", ["--interactive"]],
    ["burst", ["--burst", "5"]],
    ["payload", ["--payload-size", "50"]],
    ["udp", ["--send-udp", "u"]],
    ["text", ["--send", "tt"]],
    ["hex", ["--send-hex", "aabbcc"]],
    ["none", []],
  ];
  const modeOf = async (args: readonly string[]) => {
    const found = await activity(...DST, ...args);
    if (found.type !== "series") return found.type === "collect" ? "none" : found.type;
    if (found.burst) return "burst";
    if (found.content.type !== "bytes") return "payload";
    return { 1: "udp", 2: "text", 3: "hex" }[found.content.bytes.length];
  };

  test("is the first of the reference's order when several are given", async () => {
    for (const [at, [name]] of every.entries()) {
      const later = every.slice(at).flatMap(([, flags]) => flags);
      expect(await modeOf(later)).toBe(name);
    }
  });
});

describe("what is sent", () => {
  test("is raw text or bytes, or text in an inner packet", async () => {
    const raw = { type: "series", count: 1, delayMs: 0, burst: false, verify: false } as const;
    const bytes = (...values: number[]) => ({ type: "bytes", bytes: Uint8Array.from(values) });
    expect(await activity("--send", "hé")).toEqual({ ...raw, content: bytes(0x68, 0xc3, 0xa9) } as never);
    expect(await activity("--send", "")).toEqual({ ...raw, content: bytes() } as never);
    expect(await activity("--send-hex", "00Ff")).toEqual({ ...raw, content: bytes(0, 255) } as never);
    expect(await activity("--send-udp", "h", ...DST)).toEqual({ ...raw, flow: FLOW, content: bytes(0x68) } as never);
    const flow = { ...FLOW, source: 0xc0000204, sourcePort: 5 };
    expect(await activity("--send-udp", "h", ...DST, "--src", "192.0.2.4:5")).toMatchObject({ flow });
  });

  test("is generated: repeated, paced, verified on request, bare without a destination", async () => {
    const series = { type: "series", count: 1, delayMs: 0, burst: false, verify: false } as const;
    const content = { type: "pattern", pattern: "sequential", size: { bytes: 5 } } as const;
    expect(await activity("--payload-size", "5")).toEqual({ ...series, content });
    expect(await activity("--payload-size", "5", "--verify-echo")).toEqual({ ...series, content });
    expect(await activity("--payload-size", "5", "--verify-echo", ...DST)).toEqual({
      ...series,
      flow: FLOW,
      content,
      verify: true,
    });
    const many = ["--payload-size", "max-1", "--repeat", "7", "--delay", "3", "--payload-pattern", "ones", ...DST];
    expect(await activity(...many)).toEqual({
      ...series,
      count: 7,
      delayMs: 3,
      flow: FLOW,
      content: { type: "pattern", pattern: "ones", size: { beyondLargest: -1 } },
    });
  });

  test("is one payload when none are asked for, and sequential when the pattern is not known", async () => {
    const found = await activity("--payload-size", "5", "--repeat", "0", "--payload-pattern", "plaid");
    expect(found).toMatchObject({ count: 1, content: { pattern: "sequential" } });
  });

  test.each([
    ["0", { bytes: 0 }],
    ["max", { beyondLargest: 0 }],
    ["max+1", { beyondLargest: 1 }],
  ])("takes %p as a size", async (text, size) => {
    expect(await activity("--payload-size", text)).toMatchObject({ content: { size } });
  });

  test("is a burst of 100-byte payloads unless told otherwise, and none when it is 0", async () => {
    expect(await activity("--burst", "9", ...DST)).toMatchObject({
      count: 9,
      burst: true,
      content: { size: { bytes: 100 } },
    });
    expect(await activity("--burst", "9", "--payload-size", "8", ...DST)).toMatchObject({
      content: { size: { bytes: 8 } },
    });
    expect(await activity("--burst", "9", "--agents", "2", ...DST)).toMatchObject({
      content: { least: { bytes: 100 }, most: { bytes: 100 } },
    });
    expect(await activity("--burst", "0")).toEqual({ type: "collect" });
  });

  test("is 10 probes of 64 bytes when round trips are measured", async () => {
    const rtt = { type: "rtt", samples: 10, flow: FLOW, size: { bytes: 64 }, pattern: "sequential" } as const;
    expect(await activity("--measure-rtt", ...DST)).toEqual(rtt);
    const given = await activity("--measure-rtt", "--rtt-count", "3", "--payload-size", "max", ...DST);
    expect(given).toEqual({ ...rtt, samples: 3, size: { beyondLargest: 0 } });
  });

  test("is numbered with several agents or a range of sizes, and then always verified", async () => {
    const range = { type: "numbered", least: { bytes: 0 }, most: { beyondLargest: 0 } };
    expect(await activity("--payload-size", "0..max", ...DST)).toMatchObject({ content: range, verify: true });
    expect(await activity("--payload-size", "0..max")).toMatchObject({ content: range, verify: false });
    const agents = await planned("--agents", "10", "--payload-size", "20", ...DST);
    const content = { type: "numbered", least: { bytes: 20 }, most: { bytes: 20 } };
    expect(agents).toMatchObject({ agents: 10, plan: { activity: { content, verify: true } } });
    expect(await activity("--agents", "1", "--burst", "5", ...DST)).toMatchObject({
      content: { type: "numbered" },
      verify: true,
    });
  });

  test("is held back by a window when one is given", async () => {
    const flags = ["--payload-size", "0..max", ...DST];
    expect(await activity(...flags, "--window", "8")).toMatchObject({ window: 8 });
    expect(await activity(...flags)).not.toHaveProperty("window");
  });

  test("is wrapped for the service when routed", async () => {
    expect((await planned("--service", "web", "--routed")).plan.routedTo).toBe("web");
    expect((await planned("--service", "web")).plan.routedTo).toBeUndefined();
  });
});

describe("the registration", () => {
  test("is looked at only when something is expected of it, and then given time", async () => {
    const plan = async (...args: string[]) => (await planned("--service", "web", ...args)).plan.registration;
    expect(await plan()).toEqual({ service: "web", expect: "any", answerMs: 2000 });
    expect(await plan("--expect-ack", "--wait", "50")).toEqual({ service: "web", expect: "ack", answerMs: 2000 });
    expect(await plan("--expect-nack", "0x02", "--wait", "9000")).toEqual({
      service: "web",
      expect: "nack",
      answerMs: 9000,
    });
    expect((await planned("--service", "")).plan.registration?.service).toBe("");
  });

  test("is all there is to a check of it: nothing is collected afterwards unless that is asked for", async () => {
    const collect = async (...args: string[]) => (await planned("--service", "web", ...args)).plan.collectMs;
    expect(await collect("--expect-ack")).toBe(0);
    expect(await collect("--expect-nack", "2")).toBe(0);
    expect(await collect("--expect-ack", "--wait", "2000")).toBe(2000);
    expect(await collect("--expect-ack", "--expect-close", "0")).toBe(2000);
    expect(await collect("--expect-ack", "--send", "x")).toBe(2000);
    expect(await collect()).toBe(2000);
  });
});

test("round trips and the prompt collect nothing, but wait for a close that is expected", async () => {
  expect((await planned("--measure-rtt", ...DST)).plan.collectMs).toBe(0);
  expect((await planned("--interactive")).plan.collectMs).toBe(0);
  expect((await planned("--interactive", "--expect-close", "0")).plan.collectMs).toBe(2000);
});

test("expectations are what the flags say", async () => {
  const { expected, plan } = await planned("--expect-fail", "--expect-close", "0x174", "--strict");
  expect(expected).toEqual({ rejection: true, ack: false, strict: true, close: { code: 0x174 } });
  expect(plan.expectRejection).toBe(true);
  expect((await planned("--service", "a", "--expect-nack", "2")).expected.nack).toBe(2);
});

test("the relay is named by host and port, and its certificate by the host or as the operator says", async () => {
  expect(await planned("--server", "relay.example.org:443")).toMatchObject({
    relay: { host: "relay.example.org", port: 443 },
    names: ["relay.example.org", "ztna-server"],
  });
  expect((await planned("--server", "[::1]:4433")).relay).toEqual({ host: "::1", port: 4433 });
  expect((await planned("--server-name", "relay")).names).toEqual(["relay"]);
});

describe("a mistake", () => {
  const reference: readonly (readonly [string, readonly string[]])[] = [
    ["a relay without a port", ["--server", "127.0.0.1"]],
    ["a relay's port out of range", ["--server", "127.0.0.1:70000"]],
    ["port 0", ["--server", "127.0.0.1:0"]],
    ["an address out of range", ["--server", "300.0.0.1:1"]],
    ["a destination that is a name", ["--dst", "localhost:9", "--send-udp", "x"]],
    ["a destination without a port", ["--dst", "10.0.0.1", "--send-udp", "x"]],
    ["a source that is no address", [...DST, "--src", "x:1", "--send-udp", "x"]],
    ["a missing destination for UDP", ["--send-udp", "x"]],
    ["a missing destination for a burst", ["--burst", "1"]],
    ["a missing destination for round trips", ["--measure-rtt"]],
    ["a service id over 255 bytes", ["--service", "é".repeat(128)]],
    ["half a byte", ["--send-hex", "abc"]],
    ["no hexadecimal digit", ["--send-hex", "zz"]],
  ];

  test.each(reference)("with status 1 as in the reference, 2 when strict: %s", async (_name, args) => {
    const { exitCode, message } = await mistake(...args);
    expect(exitCode).toBe(1);
    expect(message).not.toBe("");
    expect(await mistake(...args, "--strict")).toMatchObject({ exitCode: 2, message });
  });

  const ours: readonly (readonly [string, readonly string[]])[] = [
    ["routed to nothing", ["--routed"]],
    ["an answer expected to no registration", ["--expect-ack"]],
    ["a refusal expected of no registration", ["--expect-nack", "2"]],
    ["both answers expected", ["--service", "a", "--expect-ack", "--expect-nack", "2"]],
    ["several people at one prompt", ["--agents", "2", "--interactive"]],
    ["a status out of range", ["--service", "a", "--expect-nack", "256"]],
    ["a size that is none", ["--payload-size", "big"]],
    ["a range from more to less", ["--payload-size", "9..5"]],
    ["a range of three", ["--payload-size", "1..2..3"]],
    ["no agents", ["--agents", "0"]],
    ["a negative wait", ["--wait", "-1"]],
    ["an empty protocol", ["--alpn", ""]],
    ["a protocol too long to offer", ["--alpn", "a".repeat(256)]],
    ["half a range", ["--payload-size", "5.."]],
    ["more agents than a payload can name", ["--agents", "1001"]],
    ["a flag that is not known", ["--repaet", "3"]],
  ];

  test.each(ours)("of a flag of ours has status 2: %s", async (_name, args) => {
    expect((await mistake(...args)).exitCode).toBe(2);
  });

  test.each([
    ["the longest protocol", ["--alpn", "a".repeat(255)]],
    ["the highest status", ["--service", "a", "--expect-nack", "255"]],
    ["the most agents", ["--agents", "1000"]],
  ])("begins only behind the limit: %s", async (_name, args) => {
    expect((await mistake(...args)).exitCode).toBe(0);
  });

  test("in a mode that is not used is none", async () => {
    expect((await mistake("--interactive", "--send-udp", "x", "--send-hex", "z")).exitCode).toBe(0);
  });
});
