// The file of a command: what it may hold and how a mistake in it is described.
import { expect, test } from "bun:test";
import { z } from "zod";
import { readChecked, readConfigFile } from "../../../src/cli/config-file.ts";
import { ConfigurationError } from "../../../src/cli/errors.ts";
import { file, list, port, text } from "../../../src/cli/option-kinds.ts";
import { flag, optional } from "../../../src/cli/options.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const TABLE = {
  port: optional(port, { help: "" }),
  cert: optional(file, { help: "", keys: ["cert_path"] }),
  bind: optional(list(text), { help: "" }),
  serverHost: optional(text, { help: "", only: "file", keys: ["server.host"] }),
  serverPort: optional(port, { help: "", only: "file", keys: ["server.port"] }),
  disableRetry: flag(""),
  check: flag("", { only: "flag" }),
} as const;

async function read(content: string, name = "file.json"): Promise<Record<string, unknown>> {
  using directory = temporaryDirectory();
  const values = await readConfigFile(directory.write(name, content), TABLE, "snake_case");
  return Object.fromEntries([...values].map(([option, { value }]) => [option, value]));
}

async function mistake(content: string, name = "file.json"): Promise<string> {
  const error = await read(content, name).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return String(error).replace(/^ConfigurationError: \S+\/file\.\w+:/, "");
}

test("plain, nested and alternative keys are read, comments are not", async () => {
  const content =
    '{ "_comment": "x", "port": 1, "cert_path": "a.crt", "server": { "_comment_2": [], "host": "h", "port": 2 }, "bind": "b" }';
  expect(await read(content)).toEqual({ port: 1, cert: "a.crt", serverHost: "h", serverPort: 2, bind: ["b"] });
});

test("the extension makes it YAML", async () => {
  const content = "# comment\nport: 1\nbind: [a, b]\nserver:\n  host: h\n";
  for (const name of ["file.yaml", "file.yml"]) {
    expect(await read(content, name)).toEqual({ port: 1, bind: ["a", "b"], serverHost: "h" });
  }
});

test("in YAML a switch takes the words of YAML 1.1, and texts stay texts", async () => {
  for (const [word, value] of [
    ["yes", true],
    ["On", true],
    ["no", false],
    ["OFF", false],
  ] as const) {
    const content = `disable_retry: ${word}\nserver: {host: ${word}}\nbind: [${word}]\n`;
    expect(await read(content, "file.yaml")).toEqual({ disableRetry: value, serverHost: word, bind: [word] });
  }
  expect(await mistake("disable_retry: maybe\n", "file.yaml")).toStartWith("1: disable_retry: ");
  expect(await mistake("port: yes\n", "file.yaml")).toStartWith("1: port: ");
});

test("keys in camelCase are read where that is the style", async () => {
  using directory = temporaryDirectory();
  const values = await readConfigFile(directory.write("a.json", '{"disableRetry":true}'), TABLE, "camelCase");
  expect(values.get("disableRetry")?.value).toBe(true);
});

test("an unknown key names the nearest known one, at its own depth", async () => {
  expect(await mistake('{ "prot": 1 }')).toBe('1: unknown key "prot"; did you mean "port"?');
  expect(await mistake('{ "server": { "hosts": "x" } }')).toBe('1: unknown key "server.hosts"; did you mean "host"?');
  expect(await mistake('{ "comment": "x" }')).toStartWith('1: unknown key "comment"');
  expect(await mistake('{ "check": true }')).toStartWith('1: unknown key "check"');
});

test("a key that must be there and is misspelt is called misspelt, not missing", async () => {
  using directory = temporaryDirectory();
  const row = z.strictObject({ id: z.string(), virtualIp: z.string() });
  const path = directory.write("a.yaml", "rows:\n  - id: web\n    virtualIP: 10.1.1.1\n");
  const reading = readChecked(path, z.strictObject({ rows: z.union([z.string(), z.array(row)]) }));
  await expect(reading).rejects.toThrow(`${path}:3: unknown key "rows.0.virtualIP"; did you mean "virtualIp"?`);
});

test("a wrong type, a wrong value and two names of one option are named", async () => {
  expect(await mistake('{ "port": "4433" }')).toBe("1: port: invalid input: expected number, received string");
  expect(await mistake('{ "port": 70000 }')).toBe("1: port is 70000, but must be a port from 0 to 65535");
  expect(await mistake('{ "server": { "port": 1.5 } }')).toStartWith("1: server.port is 1.5, but must be");
  expect(await mistake('{ "cert": "a", "cert_path": "b" }')).toBe(
    "1: cert and cert_path are one option; give only one",
  );
  expect(await mistake('{ "disable_retry": "yes" }')).toStartWith("1: disable_retry: ");
  expect(await mistake("[]")).toBe(" must hold one object");
  expect(await mistake("{")).toStartWith("1:2: JSON Parse error");
});

for (const [name, content] of [
  ["file.json", '{\n\t"port": 1,\n\t"server": {\n\t\t"host": "h",\n\t\t"prot": 2\n\t}\n}\n'],
  ["file.yaml", "# a comment\nport: 1\nserver:\n  host: h\n  prot: 2\n"],
] as const) {
  test(`a mistake is named with its line in ${name}`, async () => {
    expect(await mistake(content, name)).toBe('5: unknown key "server.prot"; did you mean "port"?');
    expect(await mistake(content.replace("prot", "port").replace("2", "70000"), name)).toBe(
      "5: server.port is 70000, but must be a port from 0 to 65535",
    );
    expect(await mistake(content.replace("prot", "port").replace("2", "[]"), name)).toStartWith("5: server.port: ");
  });
}

test("a broken JSON file is described with line and column", async () => {
  expect(await mistake('{\n  "port": 1,\n}\n')).toStartWith("3:1: JSON Parse error");
  expect(await mistake('{\n  "port": 1\n  "cert": "a"\n}\n')).toStartWith("3:3: JSON Parse error");
});

test("a key that is given twice is a mistake, not a riddle which one counts", async () => {
  expect(await mistake('{\n  "port": 1,\n  "cert": "a",\n  "port": 2\n}\n')).toStartWith('4: "port" is given twice');
  expect(await mistake("port: 1\ncert: a\nport: 2\n", "file.yaml")).toMatch(/^3: .*unique/);
});

test("the mark that some editors put first is no part of the file", async () => {
  for (const name of ["file.json", "file.yaml"]) expect(await read('\uFEFF{"port": 1}', name)).toEqual({ port: 1 });
});

test("a broken YAML file is described with its line", async () => {
  expect(await mistake("port: 1\nbind: [a", "file.yaml")).toContain("at line 2");
});

test("aliases cannot blow a small YAML file up", async () => {
  const levels = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}, *a${n}, *a${n}]`);
  expect(await mistake(["a0: &a0 [x]", ...levels].join("\n"), "file.yaml")).toContain("Excessive alias count");
});

test("a file that is missing or a directory is named", async () => {
  await expect(readConfigFile("/nonexistent/file.json", TABLE, "snake_case")).rejects.toThrow(
    /cannot read the configuration file \/nonexistent\/file.json: ENOENT/,
  );
  await expect(readConfigFile("/", TABLE, "snake_case")).rejects.toBeInstanceOf(ConfigurationError);
});
