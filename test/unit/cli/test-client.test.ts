// The test client as a command: its help, and runs that end before or without a relay.
import { expect, test } from "bun:test";
import { main } from "../../../src/cli/main.ts";
import { flagName } from "../../../src/cli/options.ts";
import { TEST_CLIENT_OPTIONS } from "../../../src/cli/test-client-options.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const terminal = recordingTerminal(environment);
  const status = await main(["test-client", ...args], terminal);
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

test.each(["-h", "--help"])("%s writes the usage to standard error and ends with 0", async (flag) => {
  const { status, stdout, stderr } = await run([flag]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  for (const name of Object.keys(TEST_CLIENT_OPTIONS)) expect(stderr).toContain(`--${flagName(name)}`);
});

const REFERENCE_FLAGS = [
  ...["server", "service", "send", "send-hex", "send-udp", "dst", "src", "interactive", "wait", "alpn", "expect-fail"],
  ...["payload-size", "payload-pattern", "repeat", "delay", "burst", "verify-echo", "query-max-size", "measure-rtt"],
  ...["rtt-count", "measure-handshake", "client-cert", "client-key", "ca-cert"],
];

test.each(REFERENCE_FLAGS)("the reference's --%s is known", (flag) => {
  expect(Object.keys(TEST_CLIENT_OPTIONS).map(flagName)).toContain(flag);
});

test("a mistake that the reference ends with 1 does so, and with 2 when strict, also by variable", async () => {
  expect(await run(["--send-udp", "x"])).toMatchObject({ status: 1, stdout: "" });
  expect((await run(["--send-udp", "x", "--strict"])).status).toBe(2);
  expect((await run(["--send-udp", "x"], { ZTNA_TEST_CLIENT_STRICT: "true" })).status).toBe(2);
  expect((await run([], { ZTNA_TEST_CLIENT_SEND_UDP: "x" })).status).toBe(1);
});

test("an unusable file ends with 4 before anything is sent", async () => {
  const { status, stderr } = await run(["--ca-cert", "/nonexistent/ca.pem"]);
  expect(status).toBe(4);
  expect(stderr).toContain("/nonexistent/ca.pem");
});

test("a name that does not resolve is a failed handshake: 1, strictly 5, and what --expect-fail expects", async () => {
  const server = ["--server", "relay.invalid:4433"];
  expect(await run(server)).toMatchObject({ status: 1, stdout: "" });
  const strict = await run([...server, "--strict"]);
  expect(strict.status).toBe(5);
  expect(strict.stderr).toContain("relay.invalid");
  expect(await run([...server, "--expect-fail"])).toMatchObject({
    status: 0,
    stdout: "EXPECTED_FAIL:connection_rejected\n",
  });
}, 20_000);
