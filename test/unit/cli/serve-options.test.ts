// What the options of `serve` amount to, and which of them contradict each other.
import { expect, test } from "bun:test";
import { ConfigurationError, UsageError } from "../../../src/cli/errors.ts";
import { readOptions } from "../../../src/cli/options.ts";
import {
  admissionLimits,
  clientAuthOf,
  insecurities,
  relayOptions,
  SERVE,
  type ServeSettings,
} from "../../../src/cli/serve-options.ts";
import { DEFAULT_ADMISSION } from "../../../src/quic/admission.ts";
import { DEFAULT_RELAY_LIMITS, DEFAULT_RELAY_OPTIONS } from "../../../src/relay/options.ts";
import { everywhereOptions, expectPrecedence } from "../../support/precedence.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function read(args: string, environment: Record<string, string> = {}): Promise<ServeSettings> {
  const settings = await readOptions(SERVE, args.split(" ").filter(Boolean), recordingTerminal(environment));
  return settings!;
}

for (const [args, outcome] of [
  ["--ca-cert ca", "required"],
  ["--ca-cert ca --require-client-cert", "required"],
  ["--ca-cert ca --insecure-no-client-auth", "optional"],
  ["--ca-cert ca --crl crl --insecure-no-client-auth", "optional"],
  ["--insecure-no-client-auth", "off"],
  ["--insecure-no-client-auth --no-verify-peer", "off"],
  ["--insecure-no-client-auth --no-verify-peer --ca-cert ca", "off"],
] as const) {
  test(`${args}: client certificates are ${outcome}`, async () => expect(clientAuthOf(await read(args))).toBe(outcome));
}

for (const [args, sentence] of [
  ["", "give their CA with --ca-cert"],
  ["--no-verify-peer", "add --insecure-no-client-auth"],
  ["--no-verify-peer --ca-cert ca", "add --insecure-no-client-auth"],
  ["--no-verify-peer --require-client-cert --ca-cert ca", "cannot be both demanded"],
  ["--insecure-no-client-auth --require-client-cert --ca-cert ca", "cannot be both demanded"],
  ["--require-client-cert", "give --ca-cert"],
  ["--insecure-no-client-auth --crl crl", "revocation takes the CA"],
  ["--insecure-no-client-auth --no-verify-peer --ca-cert ca --crl crl", "revocation takes the CA"],
] as const) {
  test(`${args === "" ? "nothing" : args} is a usage error: ${sentence}`, async () => {
    const settings = await read(args);
    expect(() => clientAuthOf(settings)).toThrow(sentence);
    expect(() => clientAuthOf(settings)).toThrow(UsageError);
  });
}

test("a contradiction between variables is a configuration error", async () => {
  const settings = await read("", { ZTNA_SERVE_VERIFY_PEER: "false", ZTNA_SERVE_REQUIRE_CLIENT_CERT: "true" });
  expect(() => clientAuthOf(settings)).toThrow(ConfigurationError);
});

test("require_client_cert: false does not make certificates optional", async () => {
  expect(clientAuthOf(await read("--ca-cert ca", { ZTNA_SERVE_REQUIRE_CLIENT_CERT: "false" }))).toBe("required");
});

test("the reference's file and its positional arguments are read as they are", async () => {
  using directory = temporaryDirectory();
  const reference = {
    _comment: "sample",
    port: 4433,
    bind_addr: "[::]",
    external_ip: "192.0.2.10",
    cert_path: "a.crt",
    key_path: "a.key",
    ca_cert_path: "ca.pem",
    verify_peer: true,
    require_client_cert: true,
    disable_retry: true,
    metrics_port: 0,
  };
  const config = directory.write("intermediate.json", JSON.stringify(reference));
  const { values } = await read(`--config ${config}`);
  expect(values).toMatchObject({
    port: 4433,
    bind: [{ host: "::", port: undefined }],
    externalIp: "192.0.2.10",
    cert: "a.crt",
    key: "a.key",
    caCert: "ca.pem",
    requireClientCert: true,
    disableRetry: true,
    metricsPort: 0,
  });
  const positional = await read(
    `4444 b.crt b.key 127.0.0.1 192.0.2.11 --config ${config} --disable-retry --metrics-port 0`,
  );
  expect(positional.values).toMatchObject({
    port: 4444,
    cert: "b.crt",
    key: "b.key",
    bind: [{ host: "127.0.0.1", port: undefined }],
    externalIp: "192.0.2.11",
  });
});

test("a flag's value is never taken for a positional argument", async () => {
  const { values } = await read("--port 1 --metrics-port 2");
  expect([values.port, values.cert]).toEqual([1, "certs/cert.pem"]);
});

test("without options the limits are the defaults of endpoint and relay", async () => {
  const settings = await read("");
  expect(admissionLimits(settings)).toEqual(DEFAULT_ADMISSION);
  expect(relayOptions(settings, DEFAULT_RELAY_LIMITS)).toEqual(DEFAULT_RELAY_OPTIONS);
});

test("every limit has a flag that changes it and nothing else", async () => {
  const flags = {
    "max-connections": ["admission", "connections"],
    "max-connections-per-prefix": ["admission", "connectionsPerPrefix"],
    "max-half-open": ["admission", "halfOpen"],
    "max-handshakes-per-second": ["admission", "handshakesPerSecond"],
    "max-services-per-connection": ["relay", "servicesPerConnection"],
    "max-registrations-per-identity": ["relay", "registrationsPerIdentity"],
    "max-connectors-per-service": ["relay", "connectorsPerService"],
    "max-services": ["relay", "services"],
    "max-addresses-per-connection": ["relay", "addressesPerConnection"],
    "max-addresses": ["relay", "addresses"],
  } as const;
  for (const [flag, [where, key]] of Object.entries(flags)) {
    const settings = await read(`--${flag} 7`);
    const relay = relayOptions(settings, DEFAULT_RELAY_LIMITS).limits;
    const expected = { admission: { ...DEFAULT_ADMISSION }, relay: { ...DEFAULT_RELAY_LIMITS } };
    Object.assign(expected[where], { [key]: 7 });
    expect({ admission: admissionLimits(settings), relay }).toEqual(expected);
  }
});

test("rates have a burst, and 0 switches those of data off", async () => {
  const limits = relayOptions(
    await read("--max-registrations-per-second 3 --max-datagrams-per-second 0 --max-bytes-per-second 100"),
    DEFAULT_RELAY_LIMITS,
  ).limits;
  expect(limits.registrations).toEqual({ perSecond: 3, burst: 15 });
  expect(limits.datagrams).toBeUndefined();
  expect(limits.bytes).toEqual({ perSecond: 100, burst: 1500 });
});

test("a limit of nothing is refused", async () => {
  await expect(read("--max-connections 0")).rejects.toThrow("--max-connections is");
});

test("what is open is named", async () => {
  expect(insecurities(await read("--ca-cert ca"))).toEqual([]);
  expect(insecurities(await read("--insecure-no-client-auth --allow-legacy-certs"))).toEqual([
    "insecure-no-client-auth",
    "allow-legacy-certs",
  ]);
});

for (const name of everywhereOptions(SERVE)) {
  test(`${name}: flag before variable before file before default`, () => expectPrecedence(SERVE, name));
}
