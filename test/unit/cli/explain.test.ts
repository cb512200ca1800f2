// Reason codes: complete against the program's own unions, explained in one place, and equal to the document.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { allReasons, explanationsOf, REASON_GROUPS } from "../../../src/cli/reasons.ts";
import { REASON_REFERENCE, reasonReference } from "../../support/command-reference.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { ROOT, repositoryFiles } from "../../support/repository.ts";

const files = repositoryFiles();
const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? "";

/** Unions that are no codes of their own: parts of others, or never shown. */
const NOT_SHOWN = {
  FailureCause: "an exit code, not a reason",
  EndReason: "why a daemon ends, which its own line in the log says",
  ChainFault: "validate-secrets has ids of its own",
};

async function run(...args: readonly string[]) {
  const terminal = recordingTerminal();
  return { status: await main(["explain", ...args], terminal), stdout: terminal.stdout, stderr: terminal.stderr };
}

test("every word of every union of reasons in the code is explained", () => {
  const unions = files
    .filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts"))
    .flatMap(({ path, text }) =>
      [
        ...text.matchAll(
          /^export type (\w*(?:Reason|Fault|Failure|Refusal|Drop|Rejection|Cause))(?:<\w+>)? =([^;]*);/gm,
        ),
      ].map(([, name, body]) => ({ path, name: name as string, body: (body as string).replace(/\/\/.*$/gm, "") })),
    )
    .filter(({ name }) => !(name in NOT_SHOWN));
  expect(unions.length).toBeGreaterThan(12);
  const known = new Set(allReasons());
  const shown = (name: string, word: string) => {
    const prefix = { TcpFault: "tcp-", UdpFault: "udp-", IcmpFault: "icmp-", TokenFault: "token-" }[name] ?? "";
    return known.has(prefix + word);
  };
  const missing = unions.flatMap(({ path, name, body }) =>
    [...body.matchAll(/"([\w-]+)"/g)]
      .filter(([, word]) => !shown(name, word as string))
      .map(([, word]) => `${path}: ${name} ${word}`),
  );
  expect(missing).toEqual([]);
});

test("every reason in backticks of the wire's document is explained", () => {
  const codes = [...textOf("src/wire/README.md").matchAll(/^\|.*\| `([a-z-]+)`(?:, `([a-z-]+)`)* \|/gm)].map(
    ([, code]) => code,
  );
  expect(codes.length).toBeGreaterThan(0);
  expect(codes.filter((code) => explanationsOf(code as string).length === 0)).toEqual([]);
});

test("no explanation is empty, and every flag in one exists", () => {
  const flags = textOf("src/cli/COMMANDS.md");
  for (const { reasons } of REASON_GROUPS) {
    for (const { meaning, decidedBy, fix } of Object.values(reasons)) {
      for (const part of [meaning, decidedBy, fix]) expect(part).toMatch(/^\S.*[^.\s]$/);
      for (const [flag] of fix.matchAll(/--[a-z][a-z-]*[a-z]/g)) {
        if (flag !== "--max") expect(flags).toContain(`\`${flag}`);
      }
    }
  }
});

test("the document is what the program says", () => {
  expect(readFileSync(join(ROOT, REASON_REFERENCE), "utf8")).toBe(reasonReference());
});

test("a code is explained with every meaning that it has", async () => {
  const { status, stdout } = await run("not-granted");
  expect(status).toBe(0);
  expect(stdout).toStartWith("not-granted (registrations and backends: ");
  expect(stdout).toContain("\n  decided by  relay\n  fix         issue a certificate that names the service");
  expect((await run("empty")).stdout.match(/^empty \(/gm)).toHaveLength(3);
});

test("without a code all are listed; as JSON with everything about them", async () => {
  const { stdout } = await run();
  for (const reason of allReasons()) expect(stdout).toContain(`\n  ${reason} `);
  const document = JSON.parse((await run("--json")).stdout);
  expect(document.schema_version).toBe(1);
  expect(document.reasons.map(({ reason }: { reason: string }) => reason)).toEqual(allReasons());
  const one = JSON.parse((await run("unknown-ca", "--json")).stdout);
  expect(one.reasons).toEqual([
    {
      reason: "unknown-ca",
      explanations: [
        {
          where: "connections",
          seen: "closes, alerts, ztna_peers_refused_total",
          meaning: "the certificate is of another authority",
          fix: "check --ca-cert here and on the relay",
          decided_by: "the end that verifies the certificate",
        },
      ],
    },
  ]);
});

test("an unknown code names the nearest one", async () => {
  expect(await run("not-grantd")).toEqual({
    status: 2,
    stdout: "",
    stderr: 'ztna: "not-grantd" is no reason code; did you mean "not-granted"? See ztna explain.\n',
  });
  expect((await run("constructor")).status).toBe(2);
});
