// Picking the subcommand of a group.
import { expect, test } from "bun:test";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

for (const group of ["certs", "config"]) {
  test(`${group} explains itself, to standard error when nothing was asked`, async () => {
    const asked = recordingTerminal();
    expect(await main([group, "--help"], asked)).toBe(0);
    expect(asked.stdout).toContain(`Usage: ztna ${group} SUBCOMMAND`);
    const silent = recordingTerminal();
    expect(await main([group], silent)).toBe(2);
    expect([silent.stdout, silent.stderr]).toEqual(["", asked.stdout]);
  });

  test(`${group} names the nearest subcommand`, async () => {
    const terminal = recordingTerminal();
    expect(await main([group, "shwo"], terminal)).toBe(2);
    expect(terminal.stderr).toContain(`unknown subcommand "shwo" of ${group}; did you mean "show"?`);
    expect(await main([group, "constructor"], recordingTerminal())).toBe(2);
  });
}
