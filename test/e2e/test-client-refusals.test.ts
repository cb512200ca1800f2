// The compiled test client and credentials: the relay that it verifies, the relay that judges it, and registrations.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { toHex } from "../../src/wire/bytes.ts";
import { encodeRouted } from "../../src/wire/tunnel.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { BINARY } from "../support/binary.ts";
import { type TestPki, testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { received } from "../support/test-client.ts";
import { startWebService, type WebService } from "../support/web-service.ts";

let pki: TestPki;
let web: WebService;
beforeAll(async () => {
  pki = await testPki();
  web = await startWebService();
});
afterAll(() => web[Symbol.asyncDispose]());

/** Without a certificate, and without --ca-cert: as the reference's scripts often call it. */
function stranger(...flags: readonly string[]) {
  return runProcess([BINARY, "test-client", "--server", `127.0.0.1:${web.relay.port}`, ...flags], { cwd: web.cwd });
}

describe("verifying the relay", () => {
  /** Trust and name, the status without and with --strict, what is said. */
  const TABLE: readonly (readonly [string, readonly string[], number, number, RegExp])[] = [
    ["its CA and its name", ["--server-name", "relay.test"], 0, 0, /^$/],
    ["its CA and its address", [], 0, 0, /^$/],
    ["its CA and another name", ["--server-name", "elsewhere.test"], 1, 4, /wrong-name .*elsewhere\.test/],
    ["another CA", ["--ca-cert", "@otherCa"], 1, 4, /unknown-ca/],
  ];

  test.each(TABLE)("with %s", async (_name, flags, lenient, strict, said) => {
    const registrations = () => web.relay.total("ztna_registration_requests_total");
    const before = await registrations();
    const given = flags.map((flag) => (flag === "@otherCa" ? pki.otherCa.certFile : flag));
    const register = ["--service", "web", "--wait", "0"];
    const runs = [await web.client([...register, ...given]), await web.client([...register, ...given, "--strict"])];
    expect(runs.map(({ status }) => status)).toEqual([lenient, strict]);
    for (const { stderr } of runs) expect(stderr).toMatch(said);
    expect((await registrations()) - before).toBe(lenient === 0 ? 2 : 0);
  });

  test("is off without a CA, and one line says so", async () => {
    const { certFile, keyFile } = pki.agent;
    const run = await stranger("--client-cert", certFile, "--client-key", keyFile, "--service", "web", "--expect-ack");
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^ztna: warning: without --ca-cert[^\n]*\n$/);
  });
});

describe("being turned away", () => {
  test("without a certificate, although the handshake was complete: expected, by code, by reason, within a second", async () => {
    const before = await web.relay.total("ztna_registration_requests_total");
    const startedAt = performance.now();
    const rejected = await stranger("--expect-fail", "--service", "web");
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(rejected).toMatchObject({ status: 0, stdout: "EXPECTED_FAIL:connection_rejected\n" });
    const register = ["--service", "web"];
    for (const expected of ["0x174", "372", "no-client-cert"]) {
      const run = await stranger(...register, "--expect-close", expected);
      expect(run).toMatchObject({ status: 0 });
      expect(received(run)).toEqual([]);
    }
    const other = await stranger(...register, "--expect-close", "0x130");
    expect(other.status).toBe(1);
    expect(other.stderr).toContain(
      "expected to be closed with code 0x130; instead it was closed: transport code 0x174",
    );
    expect((await stranger(...register, "--strict")).status).toBe(4);
    expect(await web.relay.total("ztna_registration_requests_total")).toBe(before);
  });

  const BAD: readonly (readonly [keyof TestPki["badClients"], string, string])[] = [
    ["wrongCa", "0x130", "unknown-ca"],
    ["expired", "0x12d", "expired"],
    ["wrongPurpose", "0x12b", "wrong-purpose"],
  ];

  test.each(BAD)("with a certificate that is bad (%s)", async (kind, code, reason) => {
    for (const expected of [code, reason]) {
      const run = await web.client(["--service", "web", "--expect-close", expected], pki.badClients[kind]);
      expect(run).toMatchObject({ status: 0 });
      expect(received(run)).toEqual([]);
    }
    expect((await web.client(["--expect-fail"], pki.badClients[kind])).stdout).toContain("EXPECTED_FAIL:");
  });

  test("with a good certificate it is not: --expect-fail ends with 1 as soon as the relay says anything", async () => {
    const startedAt = performance.now();
    const run = await web.client(["--expect-fail"]);
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toContain("expected to turn us away, but took us");
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  test("for another protocol, during the handshake", async () => {
    expect((await web.client(["--alpn", "h3", "--expect-close", "0x178"])).status).toBe(0);
    expect((await web.client(["--alpn", "h3", "--expect-close", "alpn"])).status).toBe(0);
    expect((await web.client(["--alpn", "h3"])).status).toBe(1);
    expect((await web.client(["--alpn", "h3", "--strict"])).status).toBe(6);
  });
});

describe("registration", () => {
  test("that is granted is acknowledged; one that is not is refused with its status", async () => {
    expect((await web.client(["--service", "web", "--expect-ack", "--strict"])).status).toBe(0);
    const refused = await web.client(["--service", "db", "--expect-nack", "0x02", "--strict"]);
    expect(refused.status).toBe(0);
    expect(received(refused).at(-1)).toBe("1302026462");
    expect((await web.client(["--service", "db", "--expect-ack"])).status).toBe(1);
    expect((await web.client(["--service", "db", "--expect-ack", "--strict"])).status).toBe(6);
    expect((await web.client(["--service", "web", "--expect-nack", "2"])).status).toBe(1);
    expect((await web.client(["--service", "db", "--wait", "100"])).status).toBe(0);
  });
});

describe("data of an agent that is not registered for the service", () => {
  const inner = encodeUdp({
    source: 0x64400001,
    sourcePort: 40_000,
    destination: 0x0a640001,
    destinationPort: 9_999,
    payload: new TextEncoder().encode("hello"),
  });
  const FORMS: readonly (readonly [string, readonly string[]])[] = [
    ["routed", ["--send-hex", toHex(encodeRouted("web", inner))]],
    ["raw", ["--send-hex", toHex(inner)]],
    ["routed to another service than its own", ["--service", "db", "--send-hex", toHex(encodeRouted("web", inner))]],
  ];

  test.each(FORMS)("is not delivered, but counted: %s", async (_name, flags) => {
    const dropped = () => web.relay.total("ztna_dropped_total", 'hop="unregistered"');
    const droppedOfAgents = () => web.relay.total("ztna_dropped_total", 'hop="agent"');
    const before = { echoed: web.echo.echoed, dropped: (await dropped()) + (await droppedOfAgents()) };
    const credential = await pki.client("db-agent", "agent.db.ztna");
    const run = await web.client([...flags, "--wait", "300"], credential);
    expect(run.status).toBe(0);
    expect(received(run).filter((hex) => hex.startsWith("45"))).toEqual([]);
    expect(web.echo.echoed).toBe(before.echoed);
    expect((await dropped()) + (await droppedOfAgents())).toBe(before.dropped + 1);
  });
});
