// Where an option's value comes from, and what is said about one that is wrong.
import { expect, test } from "bun:test";
import { ConfigurationError, UsageError } from "../../../src/cli/errors.ts";
import { file, hostPort, list, port, text } from "../../../src/cli/option-kinds.ts";
import { type CommandSpec, flag, option, optional, readOptions } from "../../../src/cli/options.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const OPTIONS = {
  config: optional(file, { help: "configuration file", only: "flag" }),
  metricsPort: option(port, { default: 9090, help: "port for metrics" }),
  bind: option(list(text), { default: ["0.0.0.0"], help: "address to listen on", keys: ["bind_addr"] }),
  verifyPeer: option(flag("").kind, { default: true, help: "do not verify" }),
  server: optional(hostPort(4433), { help: "the relay", keys: ["relay.address"] }),
  p2pListenPort: optional(port, { help: "local port", aliases: ["p2p-port"] }),
  cert: optional(file, { help: "certificate", keys: ["cert_path"] }),
  disableRetry: flag("no retry"),
} as const;

const SPEC: CommandSpec<typeof OPTIONS> = {
  command: "serve",
  summary: "a command of this test",
  options: OPTIONS,
  positionals: ["metricsPort", "cert"],
  examples: ["ztna serve --metrics-port 0"],
  file: { defaultPaths: [], style: "snake_case" },
};

async function read(args: readonly string[], environment: Record<string, string> = {}) {
  const terminal = recordingTerminal(environment);
  const settings = await readOptions(SPEC, args, terminal);
  return { terminal, settings: settings!, values: settings?.values as NonNullable<typeof settings>["values"] };
}

async function failure(args: readonly string[], environment: Record<string, string> = {}): Promise<unknown> {
  return read(args, environment).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function configFile(content: object | string, name = "intermediate.json") {
  const directory = temporaryDirectory();
  const path = directory.write(name, typeof content === "string" ? content : JSON.stringify(content));
  return { path, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

test("the default holds when nothing is given", async () => {
  const { values, settings } = await read([]);
  expect(values).toEqual({
    config: undefined,
    metricsPort: 9090,
    bind: ["0.0.0.0"],
    verifyPeer: true,
    server: undefined,
    p2pListenPort: undefined,
    cert: undefined,
    disableRetry: false,
  });
  expect(settings.source("metricsPort")).toBe("default");
});

test("a flag beats a variable, a variable beats the file, the file beats the default", async () => {
  using config = configFile({ metrics_port: 3, bind_addr: "127.0.0.3", disable_retry: true, verify_peer: false });
  const environment = { ZTNA_SERVE_METRICS_PORT: "2", ZTNA_SERVE_BIND: "127.0.0.2", ZTNA_SERVE_DISABLE_RETRY: "false" };
  const { values, settings } = await read(["--config", config.path, "--metrics-port", "1"], environment);
  expect(values.metricsPort).toBe(1);
  expect(values.bind).toEqual(["127.0.0.2"]);
  expect(values.disableRetry).toBe(false);
  expect(values.verifyPeer).toBe(false);
  expect([settings.source("metricsPort"), settings.source("bind"), settings.source("verifyPeer")]).toEqual([
    "flag",
    "variable",
    "file",
  ]);
});

test("the file can be named by a variable", async () => {
  using config = configFile({ metrics_port: 3 });
  expect((await read([], { ZTNA_SERVE_CONFIG: config.path })).values.metricsPort).toBe(3);
});

test("a switch that is on by default is switched off by its no- flag, by =false and by its key", async () => {
  expect((await read(["--no-verify-peer"])).values.verifyPeer).toBe(false);
  expect((await read([], { ZTNA_SERVE_VERIFY_PEER: "false" })).values.verifyPeer).toBe(false);
  expect((await read(["--verify-peer"], { ZTNA_SERVE_VERIFY_PEER: "false" })).values.verifyPeer).toBe(true);
});

test("a repeatable flag collects, a repeated plain one keeps the last", async () => {
  const { values } = await read(["--bind", "127.0.0.1", "--bind=::1", "--metrics-port", "1", "--metrics-port", "2"]);
  expect(values.bind).toEqual(["127.0.0.1", "::1"]);
  expect(values.metricsPort).toBe(2);
});

test("arguments without a flag count only before the first flag", async () => {
  const { values } = await read(["7", "a.crt", "--bind", "127.0.0.1"]);
  expect(values.metricsPort).toBe(7);
  expect(values.cert).toBe("a.crt");
  expect(await failure(["--bind", "127.0.0.1", "7"])).toBeInstanceOf(UsageError);
  expect(await failure(["7", "a.crt", "b.key"])).toBeInstanceOf(UsageError);
});

test("a flag beats the same option without its flag", async () => {
  expect((await read(["7", "--metrics-port", "8"])).values.metricsPort).toBe(8);
});

test("a mistake is blamed on the flag, not on the argument that it overrides", async () => {
  expect(String(await failure(["7", "--metrics-port", "x"]))).toContain("--metrics-port is");
  const { settings } = await read(["7", "--metrics-port", "8"]);
  expect(settings.origin("metricsPort")).toBe("--metrics-port");
});

test("an alias is taken, with a warning that names the right flag", async () => {
  const { values, terminal } = await read(["--p2p-port", "4434"]);
  expect(values.p2pListenPort).toBe(4434);
  expect(terminal.stderr).toBe("ztna: warning: --p2p-port stands for --p2p-listen-port, which is the name to use\n");
});

for (const wrong of ["70000", "-1", "x", ""]) {
  test(`the port ${JSON.stringify(wrong)} is a usage error as a flag or argument, a configuration error elsewhere`, async () => {
    const expected = `is ${JSON.stringify(wrong)}, but must be a port from 0 to 65535`;
    expect(await failure(["--metrics-port", wrong])).toEqual(new UsageError(`--metrics-port ${expected}`));
    expect(await failure([`--metrics-port=${wrong}`])).toBeInstanceOf(UsageError);
    expect(await failure([], { ZTNA_SERVE_METRICS_PORT: wrong })).toEqual(
      new ConfigurationError(`ZTNA_SERVE_METRICS_PORT ${expected}`),
    );
  });
}

test("a wrong positional argument is named by its place", async () => {
  expect(await failure(["70000"])).toEqual(
    new UsageError('argument 1 (metrics-port) is "70000", but must be a port from 0 to 65535'),
  );
});

test("an unknown flag names the nearest known one", async () => {
  expect(String(await failure(["--metric-port", "1"]))).toContain(
    "unknown option --metric-port; did you mean --metrics-port?",
  );
  expect(String(await failure(["--no-verfy-peer"]))).toContain("did you mean --no-verify-peer?");
  expect(await failure(["--metric-port=1"])).toBeInstanceOf(UsageError);
});

test("a flag without its value says so", async () => {
  expect(await failure(["--metrics-port"])).toEqual(
    new UsageError("--metrics-port needs a value; see ztna serve --help"),
  );
});

test("a misspelt variable gets a warning, because schedulers add their own", async () => {
  const { terminal } = await read([], { ZTNA_SERVE_METRIC_PORT: "1", ZTNA_CONNECT_X: "1", PATH: "" });
  expect(terminal.stderr).toBe(
    "ztna: warning: ZTNA_SERVE_METRIC_PORT is not a variable of this command and is ignored; did you mean ZTNA_SERVE_METRICS_PORT?\n",
  );
});

test("help goes to standard output, shows defaults, variables and examples, and reads nothing", async () => {
  const terminal = recordingTerminal();
  expect(await readOptions(SPEC, ["--config", "/nonexistent", "--help"], terminal)).toBeUndefined();
  expect(terminal.stdout).toContain("--metrics-port PORT");
  expect(terminal.stdout).toContain("(default 9090)");
  expect(terminal.stdout).toContain("--no-verify-peer");
  expect(terminal.stdout).toContain("ZTNA_SERVE_METRICS_PORT");
  expect(terminal.stdout).toContain("ztna serve --metrics-port 0");
  expect(terminal.stderr).toBe("");
});

test("a conflict is a usage error only when one side came from a flag", async () => {
  const { settings } = await read(["--no-verify-peer"], { ZTNA_SERVE_DISABLE_RETRY: "true" });
  expect(settings.conflict("x", "verifyPeer", "disableRetry")).toBeInstanceOf(UsageError);
  expect(settings.conflict("x", "disableRetry")).toBeInstanceOf(ConfigurationError);
  expect(settings.origin("disableRetry")).toBe("ZTNA_SERVE_DISABLE_RETRY");
  expect(settings.origin("verifyPeer")).toBe("--no-verify-peer");
});
