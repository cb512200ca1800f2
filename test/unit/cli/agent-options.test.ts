// What the options of `agent` amount to: the relay, the services, the credentials, the TUN device.
import { describe, expect, test } from "bun:test";
import { agentListeners, listenerInsecurities } from "../../../src/cli/agent-listeners.ts";
import {
  AGENT,
  type AgentSettings,
  agentFiles,
  agentRelay,
  agentRelayNames,
  wantsTun,
} from "../../../src/cli/agent-options.ts";
import { agentServices } from "../../../src/cli/agent-services.ts";
import { ConfigurationError, UsageError } from "../../../src/cli/errors.ts";
import { commandHelp } from "../../../src/cli/help.ts";
import { readOptions } from "../../../src/cli/options.ts";
import { ip } from "../../support/connector-world.ts";
import { everywhereOptions, expectPrecedence } from "../../support/precedence.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { REFERENCE_AGENT } from "../../support/reference-files.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function read(args: string, content?: object, environment = {}): Promise<AgentSettings> {
  using directory = temporaryDirectory();
  const file = () => directory.write("agent.json", JSON.stringify(content, null, 2));
  const config = content === undefined ? "" : `--config ${file()}`;
  const terminal = recordingTerminal(environment);
  const settings = await readOptions(AGENT, `${args} ${config}`.split(" ").filter(Boolean), terminal);
  return settings!;
}

const services = async (args: string, content?: object) => agentServices(await read(args, content));

test("the reference's file is read as it is", async () => {
  const settings = await read("", JSON.parse(REFERENCE_AGENT));
  expect(agentRelay(settings)).toEqual({ host: "192.0.2.10", port: 4433 });
  expect(agentServices(settings)).toEqual([
    { id: "echo-service", virtualIp: ip("10.100.0.1") },
    { id: "web-app", virtualIp: ip("10.100.0.2") },
  ]);
  expect(settings.values).toMatchObject({ caCert: "ca.pem", verifyPeer: true });
  expect(agentFiles(settings)).toBeUndefined();
});

test("its single service is at its usual address", async () => {
  expect(await services("", { serviceId: "echo-service" })).toEqual([
    { id: "echo-service", virtualIp: ip("10.100.0.1") },
  ]);
});

test("our keys extend it", async () => {
  const settings = await read("", {
    serverHost: "relay.example.org",
    caCertPath: "ca.pem",
    clientCertPath: "laptop.crt",
    clientKeyPath: "laptop.key",
    services: [{ id: "db", virtualIp: "10.100.0.2" }],
    mode: "tun",
    tunName: "ztna7",
    tunAddress: "100.64.0.9",
  });
  expect(agentRelay(settings)).toEqual({ host: "relay.example.org", port: 4433 });
  expect(agentRelayNames(settings)).toEqual(["relay.example.org", "ztna-server"]);
  expect(agentFiles(settings)).toEqual({ certificate: "laptop.crt", key: "laptop.key" });
  expect(settings.values).toMatchObject({ tun: "ztna7", tunAddress: "100.64.0.9" });
  expect(wantsTun(settings)).toBe(true);
});

test("services are flags too, and then the file's do not count", async () => {
  const two = [
    { id: "db", virtualIp: ip("10.100.0.2") },
    { id: "lab", virtualIp: ip("10.100.0.3") },
  ];
  expect(await services("--service db=10.100.0.2 --service lab=10.100.0.3")).toEqual(two);
  expect(await services("--service db=10.100.0.2,lab=10.100.0.3", { serviceId: "other" })).toEqual(two);
});

test("--tun may go without a name, and does not take the next flag for one", async () => {
  const values = async (args: string) => (await read(`--service db=10.100.0.2 ${args}`)).values;
  expect(await values("--tun --log-level debug")).toMatchObject({ tun: "auto", logLevel: "debug" });
  expect(await values("--tun wg7 --log-level debug")).toMatchObject({ tun: "wg7", logLevel: "debug" });
  expect((await values("")).tun).toBeUndefined();
  expect(commandHelp(AGENT)).toContain("--tun [NAME] ");
});

test.each([
  ["", undefined, "nothing to reach"],
  ["--service db", undefined, "--service is"],
  ["--service db=10.0", undefined, "--service is"],
  ["--service Db=10.100.0.2", undefined, "--service is"],
  ["--service db=10.100.0.2 --service db=10.100.0.3", undefined, 'service "db" is named twice'],
  ["--service db=10.100.0.2 --service lab=10.100.0.2", undefined, "same virtual address"],
  ["--service db=127.0.0.1", undefined, "which no host can have"],
  ["--tun a/b --service db=10.100.0.2", undefined, "--tun is"],
  ["--tun ..", undefined, "--tun is"],
  ["--tun 0123456789abcdef", undefined, "--tun is"],
] as const)("%p is a usage error", async (args, content, message) => {
  const error = await services(args, content).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toContain(message);
});

test.each([
  [{ services: [{ id: "db" }] }, "services.0.virtualIp is missing"],
  [{ services: [{ id: "db", virtualIp: "10.100.0.256" }] }, "services.0.virtualIp must be an IPv4 address"],
  [{ services: [{ id: "db", virtualIp: "10.100.0.2", port: 1 }] }, 'unknown key "services.0.port"'],
  [{ services: [{ id: "../db", virtualIp: "10.100.0.2" }] }, "services.0.id must be a service name"],
  [{ services: [{ id: "db", virtualIp: "127.0.0.1" }] }, ": services: "],
  [{ tunName: "a\nb" }, "tunName is"],
  [{ server_host: "x" }, 'did you mean "serverHost"'],
] as const)("%j is a configuration error", async (content, message) => {
  const error = await services("", content).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect((error as Error).message).toContain(message);
});

test("there is a device unless local ports do without one", async () => {
  const wants = async (args: string) => wantsTun(await read(`--service db=10.100.0.2 ${args}`));
  expect(await wants("")).toBe(true);
  expect(await wants("--listen 5432=db")).toBe(false);
  expect(await wants("--socks5 1080")).toBe(false);
  expect(await wants("--mode ports --socks5 1080")).toBe(false);
  expect(await wants("--socks5 1080 --tun")).toBe(true);
  expect(await wants("--mode tun --socks5 1080")).toBe(true);
  expect(wants("--mode ports --tun --socks5 1080")).rejects.toThrow("--mode ports has no TUN device");
  expect(wants("--mode ports")).rejects.toThrow("--mode ports needs local ports: give --listen or --socks5");
});

test("local ports lead to services of the agent, and the file's keys are read", async () => {
  const content = {
    services: [{ id: "db", virtualIp: "10.100.0.2" }],
    listen: ["127.0.0.1:15432=db:5432"],
    socks5: 1080,
  };
  const listeners = agentListeners(await read("", content));
  expect(listeners.map(({ host, port }) => `${host}:${port}`)).toEqual(["127.0.0.1:15432", "127.0.0.1:1080"]);
  const wrong = await read("--service db=10.100.0.2 --listen 1=web");
  expect(() => agentListeners(wrong)).toThrow(UsageError);
  const inFile = await read("", { ...content, listen: ["0.0.0.0:1=db"] });
  expect(() => agentListeners(inFile)).toThrow(ConfigurationError);
});

describe("a listener that cannot be is named where it stands:", () => {
  const refusal = async (args: string, listen: unknown, rest: object = {}, environment = {}) => {
    const content = { services: [{ id: "db", virtualIp: "10.100.0.2" }], listen, ...rest };
    try {
      return agentListeners(await read(args, content, environment));
    } catch (error) {
      return (error as Error).message.replace(/^\S*\//, "");
    }
  };

  test("an entry of the file with file, line and key", async () => {
    const unknown = 'there is no service "web"; did you mean "db"?';
    expect(await refusal("", ["1=db", "2=web"])).toBe(`agent.json:10: listen.1 127.0.0.1:2=web:2: ${unknown}`);
    expect(await refusal("", "2=web")).toBe(`agent.json:8: listen 127.0.0.1:2=web:2: ${unknown}`);
    expect(await refusal("", ["1=db", "x"])).toStartWith('agent.json:10: listen.1 is "x", but must be [ADDRESS:]PORT=');
  });

  test("two that are one address with both places", async () => {
    const sentence = await refusal("", ["1080=db"], { socks5: 1080 });
    expect(sentence).toMatch(
      /^agent\.json:9: listen\.0 127\.0\.0\.1:1080=db:1080 and \S+:11: socks5 127\.0\.0\.1:1080 listen/,
    );
  });

  test("a flag and a variable by their names", async () => {
    expect(await refusal("--listen 2=web", ["1=db"])).toStartWith("--listen 127.0.0.1:2=web:2: there is no service");
    const variable = { ZTNA_AGENT_LISTEN: "1=db,2=web" };
    expect(await refusal("", ["1=db"], {}, variable)).toStartWith("ZTNA_AGENT_LISTEN 127.0.0.1:2=web:2: there is no");
  });
});

test("local ports that others reach are an insecurity", async () => {
  const settings = async (args: string) => listenerInsecurities(await read(`--service db=10.100.0.2 ${args}`));
  expect(await settings("--listen 1=db --allow-remote-clients")).toEqual([]);
  expect(await settings("--listen 0.0.0.0:1=db --allow-remote-clients")).toEqual(["allow-remote-clients"]);
});

test("the relay has to be named, and verified", async () => {
  const settings = await read("--service db=10.100.0.2 --client-cert c");
  expect(() => agentRelay(settings)).toThrow("where is the relay?");
  expect(() => agentFiles(settings)).toThrow("--client-cert and --client-key belong together");
  const unverified = await read("--service db=10.100.0.2");
  expect(() => agentFiles(unverified)).toThrow("give its CA with --ca-cert");
});

test.each(everywhereOptions(AGENT))("%s: flag before variable before file before default", (name) =>
  expectPrecedence(AGENT, name),
);
