// `ztna certs` itself: its help and its subcommands.
import { describe, expect, test } from "bun:test";
import { certs } from "../../support/certs-command.ts";

describe("the command itself", () => {
  test("without a subcommand the help goes to standard error and the status is 2", async () => {
    const { status, stdout, stderr } = await certs();
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: ztna certs SUBCOMMAND");
  });

  test("--help lists the subcommands, and each has its own", async () => {
    const { stdout } = await certs("--help");
    for (const name of ["init", "issue", "show", "verify"]) {
      expect(stdout).toContain(`\n  ${name} `);
      const own = await certs(name, "--help");
      expect(own).toMatchObject({
        status: 0,
        stderr: "",
        stdout: expect.stringContaining(`Usage: ztna certs ${name}`),
      });
    }
  });

  test("an unknown subcommand names the nearest one", async () => {
    const { status, stderr } = await certs("isue");
    expect(status).toBe(2);
    expect(stderr).toContain('did you mean "issue"?');
  });
});
