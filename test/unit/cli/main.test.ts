// Picking the command and turning what goes wrong into an exit code.
import { expect, test } from "bun:test";
import packageJson from "../../../package.json";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

async function run(...argv: readonly string[]) {
  const terminal = recordingTerminal();
  const status = await main(argv, terminal);
  return { status, stdout: terminal.stdout, stderr: terminal.stderr };
}

test("--version prints the version of package.json", async () => {
  expect(await run("--version")).toEqual({ status: 0, stdout: `ztna ${packageJson.version}\n`, stderr: "" });
});

test("--help lists every command on standard output", async () => {
  const { status, stdout } = await run("--help");
  expect(status).toBe(0);
  for (const command of ["demo", "serve", "connect", "test-client", "certs"])
    expect(stdout).toContain(`\n  ${command} `);
});

test("without a command the help goes to standard error and the status is that of a usage error", async () => {
  const { status, stdout, stderr } = await run();
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain("Usage: ztna COMMAND");
});

test("an unknown command or option names the nearest one and ends with 2", async () => {
  expect(await run("srve")).toEqual({
    status: 2,
    stdout: "",
    stderr: 'ztna: unknown command "srve"; did you mean "serve"? See ztna --help.\n',
  });
  expect((await run("--vrsion")).stderr).toContain('unknown option "--vrsion"; did you mean "--version"?');
  expect((await run("constructor")).status).toBe(2);
});

for (const command of ["serve", "connect"]) {
  test(`${command} --help and help ${command} say the same`, async () => {
    const asked = await run(command, "--help");
    expect(asked.status).toBe(0);
    expect(asked.stdout).toStartWith(`ztna ${command}: `);
    expect(await run("help", command)).toEqual(asked);
  });
}
