// The compiled test client against a real relay: its lines, its statuses, and how it ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../src/wire/bytes.ts";
import { checkIpv4 } from "../../src/wire/ipv4.ts";
import { BINARY } from "../support/binary.ts";
import { startRelay } from "../support/daemons.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { figure, received, testClient } from "../support/test-client.ts";
import { startWebService, TO_WEB, type WebService } from "../support/web-service.ts";

let pki: TestPki;
let web: WebService;
beforeAll(async () => {
  pki = await testPki();
  web = await startWebService();
});
afterAll(() => web[Symbol.asyncDispose]());

describe("lines and statuses of the reference", () => {
  test("a datagram and its echo, between the handshake and the sizes that were asked for", async () => {
    const run = await web.client([
      ...TO_WEB,
      "--send-udp",
      "hello",
      "--wait",
      "300",
      "--measure-handshake",
      "--query-max-size",
    ]);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    const [handshake, datagram, payload, observed, ack, answer, ...more] = run.stdout.trimEnd().split("\n");
    expect(handshake).toMatch(/^HANDSHAKE_US:[1-9]\d*$/);
    expect([datagram, payload]).toEqual(["MAX_DGRAM_SIZE:1306", "MAX_UDP_PAYLOAD:1278"]);
    expect(observed).toMatch(/^RECV:017f000001[0-9a-f]{4}$/);
    expect(ack).toBe("RECV:120003776562");
    const inner = fromHex(answer!.slice("RECV:".length))!;
    expect(checkIpv4(inner)).toBeUndefined();
    expect(toHex(inner.subarray(12, 20))).toBe("0a6400010a000064");
    expect(toHex(inner.subarray(20, 26))).toBe("270f3039000d");
    expect(new TextDecoder().decode(inner.subarray(28))).toBe("hello");
    expect(more).toEqual([]);
  });

  test("the largest payload comes back whole; one byte more is refused by ourselves", async () => {
    const fits = await web.client([...TO_WEB, "--payload-size", "max", "--verify-echo", "--wait", "300"]);
    expect(fits.stdout).toEndWith("VERIFY_MATCHES:1\nVERIFY_MISMATCHES:0\nVERIFY_TOTAL:1\nVERIFY_RESULT:PASS\n");
    expect(received(fits).at(-1)).toHaveLength(2 * 1306);
    const exceeds = await web.client([...TO_WEB, "--payload-size", "max+1", "--wait", "300"]);
    expect(exceeds.status).toBe(1);
    expect(exceeds.stderr).toBe("ztna: Sending failed: a datagram of 1307 bytes is too large: 1306 fit.\n");
  });

  test("a service's name in each datagram takes its room from the payload", async () => {
    const flags = [
      ...TO_WEB,
      "--routed",
      "--payload-size",
      "max",
      "--verify-echo",
      "--query-max-size",
      "--wait",
      "300",
    ];
    const run = await web.client(flags);
    expect(figure(run, "MAX_UDP_PAYLOAD")).toBe(1278 - 5);
    expect(run.stdout).toContain("VERIFY_RESULT:PASS\n");
  });

  test("round trips are measured to the echo, not to the acknowledgement", async () => {
    const run = await web.client([...TO_WEB, "--measure-rtt", "--rtt-count", "20"]);
    expect(run.status).toBe(0);
    expect([figure(run, "RTT_COUNT"), figure(run, "RTT_TIMEOUTS")]).toEqual([20, 0]);
    const names = run.stdout.split("\n").filter((line) => line.startsWith("RTT_"));
    expect(names.map((line) => line.split(":")[0]!.slice("RTT_".length))).toEqual([
      "COUNT",
      "TIMEOUTS",
      "MIN_US",
      "MAX_US",
      "AVG_US",
      "P50_US",
      "P95_US",
      "P99_US",
    ]);
    const min = figure(run, "RTT_MIN_US")!;
    expect(min).toBeGreaterThan(0);
    expect(figure(run, "RTT_P50_US")).toBeGreaterThanOrEqual(min);
    const nobody = await web.client(["--dst", "10.100.0.1:9999", "--measure-rtt", "--rtt-count", "1"]);
    expect(nobody).toMatchObject({ status: 0, stdout: "RTT_COUNT:0\nRTT_TIMEOUTS:1\n" });
  });

  test("a burst leaves as fast as the connection takes it, and says how fast", async () => {
    const run = await web.client([...TO_WEB, "--burst", "3000", "--wait", "500"]);
    expect(figure(run, "BURST_SENT")).toBe(3000);
    expect(Number(/^BURST_PPS:(\d+\.\d)$/m.exec(run.stdout)?.[1])).toBeGreaterThan(1000);
    expect(run.status).toBe(0);
  });

  test("each line of input is a datagram of its own until somebody says quit", async () => {
    const before = await web.relay.total("ztna_datagrams_received_total");
    const place = { port: web.relay.port, cwd: web.cwd, credential: pki.agent };
    const run = await testClient({ ...place, input: "hello\n\nquit\nnever\n" }, "--interactive");
    expect(run).toMatchObject({ status: 0, stderr: "> > > " });
    expect((await web.relay.total("ztna_datagrams_received_total")) - before).toBe(2);
  });

  test("nothing of a run that went wrong changes the status unless it is strict", async () => {
    const noAnswer = [
      "--dst",
      "10.100.0.9:9999",
      "--service",
      "web",
      "--payload-size",
      "9",
      "--verify-echo",
      "--wait",
      "200",
    ];
    const lenient = await web.client(noAnswer);
    expect(lenient.stdout).toEndWith("VERIFY_RESULT:FAIL\n");
    expect(lenient.status).toBe(0);
    expect((await web.client([...noAnswer, "--strict"])).status).toBe(1);
    expect((await web.client([...TO_WEB, "--measure-rtt", "--rtt-count", "1", "--strict"])).status).toBe(0);
  });

  test("a silent relay is given up after 5 s: 1, strictly 5", async () => {
    const silent = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
    const command = [BINARY, "test-client", "--server", `127.0.0.1:${silent.port}`];
    const startedAt = performance.now();
    const runs = [[], ["--strict"], ["--expect-fail"]].map((flags) =>
      runProcess([...command, ...flags], { cwd: web.cwd }),
    );
    const ended = await Promise.all(runs);
    const elapsed = performance.now() - startedAt;
    silent.close();
    expect(ended.map(({ status }) => status)).toEqual([1, 5, 0]);
    expect(ended[2]!.stdout).toBe("EXPECTED_FAIL:connection_rejected\n");
    expect(elapsed).toBeGreaterThan(5000);
    expect(elapsed).toBeLessThan(8000);
  }, 20_000);
});

test("--json is one document with the answers and the figures", async () => {
  const run = await web.client([...TO_WEB, "--send-udp", "hello", "--wait", "300", "--expect-ack", "--json"]);
  const document = JSON.parse(run.stdout);
  expect(document).toMatchObject({
    schema_version: 1,
    status: 0,
    agents: [{ registration: "acknowledged", sent: 1, answers: 1 }],
  });
  expect(document.received).toHaveLength(3);
  expect(document.agents[0].handshake.us).toBeGreaterThan(0);
});

test("an interrupt ends the run with 130, and the relay forgets the agent at once", async () => {
  const agents = () => web.relay.total("ztna_service_agents", 'service="web"');
  // Well before the 30 s that a relay waits for an agent that fell silent.
  const untilForgotten = async () => {
    const patience = performance.now() + 2000;
    while ((await agents()) !== 0) expect(performance.now()).toBeLessThan(patience);
  };
  await untilForgotten(); // the agent of the test before
  const { certFile, keyFile } = pki.agent;
  const command = [BINARY, "test-client", "--server", `127.0.0.1:${web.relay.port}`, "--ca-cert", pki.ca.certFile];
  const own = ["--client-cert", certFile, "--client-key", keyFile, "--service", "web", "--wait", "60000"];
  await using running = startProcess([...command, ...own], { cwd: web.cwd });
  await running.line(/^RECV:1200/);
  expect(await agents()).toBe(1);
  running.signal("SIGINT");
  expect((await running.ended).status).toBe(130);
  await untilForgotten();
});

test("a relay that goes away is reported, and ends the collecting", async () => {
  const own = await startRelay({ cwd: web.cwd });
  const { certFile, keyFile } = pki.agent;
  const command = [BINARY, "test-client", "--server", `127.0.0.1:${own.port}`, "--ca-cert", pki.ca.certFile];
  const flags = ["--client-cert", certFile, "--client-key", keyFile, "--service", "web", "--wait", "60000"];
  const runs = [[], ["--strict"], ["--expect-close", "0"]].map((more) =>
    startProcess([...command, ...flags, ...more], { cwd: web.cwd }),
  );
  await Promise.all(runs.map((run) => run.line(/^RECV:1200/)));
  await own.process.end();
  const ended = await Promise.all(runs.map((run) => run.ended));
  expect(ended.map(({ status }) => status)).toEqual([0, 5, 0]);
  for (const { stderr } of ended) expect(stderr).toContain("the connection was closed: application code 0x0");
});
