// `ztna config`: schemas that say what the readers do, and settings with their sources.
import { describe, expect, test } from "bun:test";
import { stringify } from "yaml";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { ROLE_OPTION } from "../../../src/cli/config-roles.ts";
import { shownSettings } from "../../../src/cli/config-show.ts";
import { main } from "../../../src/cli/main.ts";
import { text } from "../../../src/cli/option-kinds.ts";
import { type CommandSpec, fileKeys, optional, readOptions } from "../../../src/cli/options.ts";
import { schemaFaults } from "../../support/json-schema.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { REFERENCE_AGENT, REFERENCE_CONNECTOR, REFERENCE_RELAY } from "../../support/reference-files.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ROLES = ["serve", "connect", "agent"] as const;
const REFERENCE = { serve: REFERENCE_RELAY, connect: REFERENCE_CONNECTOR, agent: REFERENCE_AGENT };
/** A key in the style of the role's file. */
const keyOf = (role: string, key: string) =>
  role === "agent" ? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : key;

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const terminal = recordingTerminal(environment);
  return { status: await main(["config", ...args], terminal), stdout: terminal.stdout, stderr: terminal.stderr };
}

async function schemaOf(role: string) {
  const { status, stdout } = await run(["schema", role]);
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

async function show(role: string, args: readonly string[], environment: Record<string, string> = {}) {
  const { stdout, stderr, status } = await run(["show", role, "--json", ...args], environment);
  expect([status, stderr]).toEqual([0, ""]);
  const document = JSON.parse(stdout) as { settings: { name: string; value: unknown; source: string }[] };
  return { ...document, of: (name: string) => document.settings.find((setting) => setting.name === name) };
}

test("the roles are the commands that read a file", async () => {
  const reading: string[] = [];
  for (const [name, { spec }] of Object.entries(COMMANDS)) {
    if ((await spec?.())?.file !== undefined) reading.push(name);
  }
  expect(ROLE_OPTION.kind.completes).toEqual(reading);
});

test("without a role, or with a wrong one, it is a usage error that names them", async () => {
  for (const args of [["schema"], ["schema", "relay"], ["show"], ["show", "relay"], ["show", "--json"]]) {
    const { status, stdout, stderr } = await run(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("one of serve, connect, agent");
  }
});

describe.each(ROLES)("config schema %s", (role) => {
  test("is a JSON Schema that takes the reference's own file", async () => {
    const schema = await schemaOf(role);
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schemaFaults(JSON.parse(REFERENCE[role]), schema, "2020-12")).toEqual([]);
  });

  test("knows every key of every option, with its meaning, and no other", async () => {
    const schema = await schemaOf(role);
    const spec = (await COMMANDS[role]?.spec?.())!;
    for (const [name, option] of Object.entries(spec.options)) {
      for (const key of fileKeys(name, option, spec.file!.style)) {
        const found = key.split(".").reduce((at, part) => at?.properties?.[part], schema);
        expect(found?.description).toMatch(/\S/);
      }
    }
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties).not.toHaveProperty("check");
  });

  test("refuses what the reader refuses: unknown keys, wrong types, ports and words out of range", async () => {
    const schema = await schemaOf(role);
    const takes = (content: object) => schemaFaults(content, schema, "2020-12").length === 0;
    expect(takes({})).toBe(true);
    expect(takes({ _comment_x: ["anything"] })).toBe(true);
    const port = keyOf(role, "metrics_port");
    for (const wrong of [{ prot: 1 }, { [port]: "1" }, { [port]: 70000 }, { [port]: 1.5 }]) {
      expect(takes(wrong)).toBe(false);
    }
    const rotation = keyOf(role, "cid_rotation");
    expect(takes({ [keyOf(role, "log_level")]: "loud" })).toBe(false);
    expect(takes({ [rotation]: "5 minutes" })).toBe(false);
    expect([takes({ [rotation]: "5m" }), takes({ [rotation]: 300 })]).toEqual([true, true]);
  });
});

describe("config show", () => {
  test("shows every setting with its value and source", async () => {
    using directory = temporaryDirectory();
    const path = directory.write("relay.json", '{ "metrics_port": 1, "cert_path": "file.crt", "takeover": "deny" }');
    const shown = await show("serve", ["--config", path, "--key", "flag.key"], { ZTNA_SERVE_TAKEOVER: "replace" });
    expect(shown).toMatchObject({ schema_version: 1, role: "serve", file: path });
    expect(shown.of("metrics_port")).toMatchObject({ value: 1, source: "file", origin: `${path}: metrics_port` });
    expect(shown.of("cert")).toMatchObject({ value: "file.crt", source: "file", origin: `${path}: cert_path` });
    expect(shown.of("key")).toMatchObject({ value: "flag.key", source: "flag", origin: "--key" });
    expect(shown.of("takeover")).toMatchObject({ value: "replace", source: "variable", origin: "ZTNA_SERVE_TAKEOVER" });
    expect(shown.of("port")).toEqual({ name: "port", value: 4433, source: "default" });
    expect(shown.of("bind")).toEqual({ name: "bind", value: "0.0.0.0", source: "default" });
    expect(shown.of("ca_cert")).toEqual({ name: "ca_cert", value: null, source: "default" });
    expect(shown.of("check")).toBeUndefined();
  });

  test("prints one line for each setting", async () => {
    const { stdout } = await run(["show", "serve", "--port", "0"]);
    expect(stdout).toMatch(/^port +0 +flag --port$/m);
    expect(stdout).toMatch(/^metrics_bind +127\.0\.0\.1 +default$/m);
    expect(stdout).toMatch(/^ca_cert +- +default$/m);
  });

  for (const [extension, written] of [
    ["json", (content: string) => content],
    ["yaml", (content: string) => stringify(JSON.parse(content))],
  ] as const) {
    test(`the reference's files work unchanged as ${extension}`, async () => {
      using directory = temporaryDirectory();
      const connector = directory.write(`connector.${extension}`, written(REFERENCE_CONNECTOR));
      const shown = await show("connect", ["--config", connector]);
      expect(shown.of("intermediate_server.host")?.value).toBe("192.0.2.10");
      expect(shown.of("intermediate_server.port")?.value).toBe(4433);
      expect(shown.of("services")?.value).toEqual([{ id: "echo-service", backend: "127.0.0.1:9999", protocol: "udp" }]);
      expect([shown.of("p2p_cert")?.value, shown.of("p2p_key")?.value]).toEqual(["connector.crt", "connector.key"]);
      expect([shown.of("p2p_listen_port")?.value, shown.of("ca_cert")?.value]).toEqual([4434, "ca.pem"]);
      const relay = directory.write(`relay.${extension}`, written(REFERENCE_RELAY));
      const fromFile = (await show("serve", ["--config", relay])).settings.filter(({ source }) => source === "file");
      expect(Object.fromEntries(fromFile.map(({ name, value }) => [name, value]))).toEqual({
        port: 4433,
        bind: "0.0.0.0",
        external_ip: "203.0.113.10",
        cert: "certs/cert.pem",
        key: "certs/key.pem",
        ca_cert: "ca.pem",
        verify_peer: true,
        require_client_cert: false,
        disable_retry: false,
        metrics_port: 9090,
      });
    });
  }

  test("a secret is masked, and so is a private key in the wrong place", async () => {
    const options = { token: optional(text, { help: "", secret: true }), plain: optional(text, { help: "" }) };
    const file = { defaultPaths: [], style: "snake_case" } as const;
    const spec: CommandSpec<typeof options> = { command: "x", summary: "", options, examples: [], file };
    const settings = await readOptions(spec, ["--token", "hunter2", "--plain", "a"], recordingTerminal());
    const shown = shownSettings(spec, settings!);
    expect(shown.map(({ value }) => value)).toEqual(["********", "a"]);
    const begin = `-----BEGIN ${"PRIVATE"} KEY-----`;
    const { stdout, stderr } = await run(["show", "serve", "--key", begin]);
    expect(stdout + stderr).not.toContain(begin);
  });

  test("a mistake in the file is the same as for the role itself", async () => {
    using directory = temporaryDirectory();
    const path = directory.write("relay.json", '{\n  "prot": 1\n}');
    expect(await run(["show", "serve", "--config", path])).toEqual({
      status: 3,
      stdout: "",
      stderr: `ztna: ${path}:2: unknown key "prot"; did you mean "port"?\n`,
    });
  });
});
