// What the options of `connect` amount to: the relay, the services, the credentials.
import { expect, test } from "bun:test";
import { clientInsecurities } from "../../../src/cli/client-options.ts";
import {
  CONNECT,
  type ConnectSettings,
  clientFiles,
  idleOptions,
  relayAddress,
  serverNames,
  udpLimits,
} from "../../../src/cli/connect-options.ts";
import { serviceEntries } from "../../../src/cli/connect-services.ts";
import { ConfigurationError, UsageError } from "../../../src/cli/errors.ts";
import { readOptions } from "../../../src/cli/options.ts";
import { DEFAULT_UDP_LIMITS } from "../../../src/connector/udp-proxy.ts";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { everywhereOptions, expectPrecedence } from "../../support/precedence.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function read(args: string, content?: object): Promise<ConnectSettings & { stderr: string }> {
  using directory = temporaryDirectory();
  const config = content === undefined ? "" : `--config ${directory.write("connector.json", JSON.stringify(content))}`;
  const terminal = recordingTerminal();
  const settings = await readOptions(CONNECT, `${args} ${config}`.split(" ").filter(Boolean), terminal);
  return { ...settings!, stderr: terminal.stderr };
}

const services = async (args: string, content?: object) => serviceEntries(await read(args, content));

test("the reference's file is read as it is", async () => {
  const reference = {
    intermediate_server: { host: "192.0.2.10", port: 4444 },
    services: [{ id: "echo-service", backend: "127.0.0.1:9999", protocol: "udp" }],
    p2p: { cert: "connector.crt", key: "connector.key", port: 4434 },
    ca_cert: "ca.pem",
    verify_peer: true,
    metrics_port: 9091,
    _comment_services: "one",
  };
  const settings = await read("", reference);
  expect(relayAddress(settings)).toEqual({ host: "192.0.2.10", port: 4444 });
  expect(serviceEntries(settings)).toEqual([
    {
      id: "echo-service",
      virtualIp: undefined,
      backend: { host: "127.0.0.1", port: 9999 },
      protocol: "udp",
      ports: undefined,
    },
  ]);
  expect(settings.values).toMatchObject({ p2pListenPort: 4434, caCert: "ca.pem", metricsPort: 9091 });
});

test("our keys extend it: virtual addresses, ports and ranges, backends without a port, client credentials", async () => {
  const settings = await read("", {
    intermediate_server: { host: "relay.example.org" },
    ca_cert: "ca.pem",
    client_cert: "c.crt",
    client_key: "c.key",
    services: [
      { id: "db", virtualIp: "10.100.0.2", protocol: "tcp", ports: [5432], backend: "127.0.0.1:5432" },
      { id: "lab", virtual_ip: "10.100.0.3", ports: ["8000-8999", 53], backend: "10.1.2.3" },
      { id: "lab", virtualIp: "10.100.0.3", protocol: "icmp" },
    ],
  });
  expect(relayAddress(settings)).toEqual({ host: "relay.example.org", port: 4433 });
  expect(clientFiles(settings)).toEqual({ certificate: "c.crt", key: "c.key" });
  const [db, lab, echo] = serviceEntries(settings);
  expect(db).toMatchObject({ virtualIp: parseIpv4("10.100.0.2"), ports: [{ first: 5432, last: 5432 }] });
  expect(lab?.backend).toEqual({ host: "10.1.2.3", port: undefined });
  expect(lab?.ports).toEqual([
    { first: 8000, last: 8999 },
    { first: 53, last: 53 },
  ]);
  expect(echo).toMatchObject({ protocol: "icmp", virtualIp: parseIpv4("10.100.0.3") });
});

for (const [row, sentence] of [
  [{ backend: "a:1" }, /services\.0\.id is missing/],
  [{ id: "Web", backend: "a:1" }, /services\.0\.id must be a service name/],
  [{ id: "web" }, /:\d+: services\.0: service "web" has no backend/],
  [{ id: "web", backend: "a:70000" }, /services\.0\.backend must be HOST or HOST:PORT/],
  [{ id: "web", backend: "a:1", virtualIp: "10.0.0" }, /services\.0\.virtualIp must be an IPv4 address/],
  [{ id: "web", backend: "a:1", ports: ["9-8"] }, /services\.0\.ports must be ports and ranges/],
  [{ id: "web", backend: "a:1", protocol: "sctp" }, /services\.0\.protocol/],
  [{ id: "web", backend: "a:1", virtual: "x" }, /unknown key "services\.0\.virtual"; did you mean "virtualIp"\?/],
] as const) {
  test(`a service like ${JSON.stringify(row)} is a configuration error: ${sentence}`, async () => {
    const attempt = services("", { services: [row] });
    await expect(attempt).rejects.toThrow(sentence);
    await expect(attempt).rejects.toBeInstanceOf(ConfigurationError);
  });
}

test("entries of one service with different virtual addresses are refused", async () => {
  const rows = [
    { id: "web", backend: "a:1", virtualIp: "10.0.0.1" },
    { id: "web", backend: "a:2", virtualIp: "10.0.0.2" },
  ];
  await expect(services("", { services: rows })).rejects.toThrow(/:\d+: services: .*different virtual addresses/);
});

test("flags name one service", async () => {
  expect(await services("--service web --forward 127.0.0.1:8080 --service-ip 10.100.0.1")).toEqual([
    { id: "web", backend: { host: "127.0.0.1", port: 8080 }, virtualIp: parseIpv4("10.100.0.1") },
  ]);
});

test("flags change the only service of the file and replace several", async () => {
  const web = { id: "web", backend: "a:1", protocol: "udp" };
  expect(await services("--forward b:2", { services: [web] })).toMatchObject([
    { id: "web", backend: { host: "b", port: 2 }, protocol: "udp" },
  ]);
  expect(await services("--service db", { services: [web] })).toMatchObject([
    { id: "db", backend: { host: "a", port: 1 } },
  ]);
  const replaced = await services("--service db --forward b:2", { services: [web, { id: "x", backend: "c:3" }] });
  expect(replaced).toMatchObject([{ id: "db", backend: { host: "b", port: 2 } }]);
});

for (const [args, content, sentence] of [
  ["", undefined, "nothing to offer"],
  ["--service web", undefined, "--forward HOST:PORT is missing"],
  ["--forward a:1", undefined, "--service ID is missing"],
  [
    "--forward a:1",
    {
      services: [
        { id: "a", backend: "a:1" },
        { id: "b", backend: "a:1" },
      ],
    },
    "several services",
  ],
  ["--service web --forward a:0", undefined, "--forward is"],
  ["--service Web --forward a:1", undefined, "--service is"],
] as const) {
  test(`${JSON.stringify(args)} with ${content === undefined ? "no file" : "two services in the file"} is a usage error: ${sentence}`, async () => {
    await expect(services(args, content)).rejects.toThrow(sentence);
    await expect(services(args, content)).rejects.toBeInstanceOf(UsageError);
  });
}

test("without a relay there is no default to dial", async () => {
  const settings = await read("");
  expect(() => relayAddress(settings)).toThrow(UsageError);
  expect(() => relayAddress(settings)).toThrow("--server HOST:PORT");
});

test("the flag names the relay as a whole, over the file", async () => {
  const content = { intermediate_server: { host: "192.0.2.1", port: 1 } };
  expect(relayAddress(await read("--server relay.example.org", content))).toEqual({
    host: "relay.example.org",
    port: 4433,
  });
});

test("the relay's certificate must name the host or ztna-server, or exactly what the operator says", async () => {
  expect(serverNames(await read("--server relay.example.org"))).toEqual(["relay.example.org", "ztna-server"]);
  expect(serverNames(await read("--server 192.0.2.1 --server-name relay.test"))).toEqual(["relay.test"]);
});

for (const [args, sentence] of [
  ["", "give its CA with --ca-cert"],
  ["--ca-cert ca --client-cert c", "--client-cert and --client-key belong together"],
  ["--ca-cert ca --client-key k", "--client-cert and --client-key belong together"],
  ["--ca-cert ca --p2p-cert c", "--p2p-cert and --p2p-key belong together"],
] as const) {
  test(`${JSON.stringify(args)} is a usage error: ${sentence}`, async () => {
    const settings = await read(args);
    expect(() => clientFiles(settings)).toThrow(sentence);
    expect(() => clientFiles(settings)).toThrow(UsageError);
  });
}

test("not verifying the relay takes a flag, and is named", async () => {
  const settings = await read("--no-verify-peer");
  expect(clientFiles(settings)).toBeUndefined();
  expect(clientInsecurities(settings)).toEqual(["no-verify-peer"]);
  expect(clientInsecurities(await read("--ca-cert ca"))).toEqual([]);
});

test("flags of some deployments are taken under their other names, with a warning each", async () => {
  const settings = await read("--p2p-port 4434 --cert c --key k --external-ip 192.0.2.7");
  expect(settings.values).toMatchObject({ p2pListenPort: 4434, p2pCert: "c", p2pKey: "k" });
  expect(settings.stderr.match(/warning: --(p2p-port|cert|key) stands for --p2p-/g)).toHaveLength(3);
  expect(idleOptions(settings)).toEqual(["p2p-cert", "p2p-key", "external-ip"]);
});

test("without options the limits are the connector's own defaults", async () => {
  expect(udpLimits(await read(""))).toEqual(DEFAULT_UDP_LIMITS);
  const limits = udpLimits(
    await read("--max-flows 5 --max-flows-per-agent 4 --max-new-flows-per-second 3 --flow-idle 2s"),
  );
  expect(limits).toEqual({ flows: 5, flowsPerAgent: 4, newFlowsPerSecond: 3, newFlowsBurst: 4, idleMs: 2000 });
});

for (const name of everywhereOptions(CONNECT)) {
  test(`${name}: flag before variable before file before default`, () => expectPrecedence(CONNECT, name));
}
