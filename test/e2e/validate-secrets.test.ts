// `ztna validate-secrets` as a compiled program: the statuses that a pipeline sees, standard input, variables, a real
// kubectl's place taken by a script, and the time that a thousand secrets take.
import { describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import sarifSchema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json";
import { BINARY } from "../support/binary.ts";
import { schemaFaults } from "../support/json-schema.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { asCa, asConnector, asRelay, base64, make } from "../support/secret-material.ts";
import { firstReason, testUnless, withoutFile, withoutProgram } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const missing = existsSync(BINARY) ? undefined : "dist/ztna is not built";
const whenBuilt = testUnless(missing);
const withOpenssl = testUnless(firstReason([missing, withoutProgram("openssl")]));

const ca = await make("CA", asCa);
const relay = await make("relay", { ...asRelay, issuer: ca });
const connector = await make("connector", { ...asConnector, issuer: ca });

function manifest(name: string, { crt, key }: { crt: string; key: string }): string {
  const data = { "tls.crt": base64(crt), "tls.key": base64(key), "ca.crt": base64(ca.crt) };
  return `---\n${JSON.stringify({ kind: "Secret", metadata: { name }, type: "kubernetes.io/tls", data })}\n`;
}

const GOOD = manifest("ztna-intermediate-tls", relay) + manifest("ztna-connector-tls", connector);

describe("validate-secrets", () => {
  const table: readonly [string, string, readonly string[], number, RegExp][] = [
    ["good", GOOD, [], 0, /^OK: .*\nOK: .*\n$/],
    [
      "broken",
      GOOD.replace(base64(relay.key), base64(connector.key)),
      [],
      1,
      /^OK: .*\nFAIL: .*:2: .*\[key-mismatch\]\n$/,
    ],
    ["a year later", GOOD, ["--now", "2099-01-01"], 1, /\[expired\]/],
    ["soon to expire", GOOD, ["--min-days", "3650"], 0, /WARN: .*\[expires-soon\]/],
    ["soon to expire, strictly", GOOD, ["--min-days", "3650", "--strict"], 7, /WARN: .*\[expires-soon\]/],
    ["a file that is not there", GOOD, ["--manifest", "gone.yaml"], 4, /\[unreadable\]/],
    ["an unknown option", GOOD, ["--strikt"], 2, /^$/],
  ];
  for (const [name, input, args, status, words] of table) {
    whenBuilt(`of ${name} secrets ends with ${status}`, async () => {
      using directory = temporaryDirectory();
      const command = [BINARY, "validate-secrets", "--manifest", "-", ...args];
      await using running = startProcess(command, { cwd: directory.path, stdin: true });
      running.write(input);
      running.closeInput();
      const ended = await running.ended;
      expect(ended.status).toBe(status);
      expect(ended.stdout).toMatch(words);
    });
  }

  whenBuilt("asks the cluster when no source is given, as scripts call it", async () => {
    using directory = temporaryDirectory();
    directory.write("relay.yaml", JSON.stringify({ ...JSON.parse(manifest("ztna-intermediate-tls", relay).slice(4)) }));
    directory.write(
      "kubectl",
      '#!/bin/sh\n[ "$3" = ztna-intermediate-tls ] && exec cat "$(dirname "$0")/relay.yaml"\nexit 0\n',
      0o755,
    );
    const env = { PATH: `${directory.path}:${process.env.PATH}` };
    const found = await runProcess([BINARY, "validate-secrets", "ztna"], { env });
    expect(found).toMatchObject({ status: 1, stderr: "" });
    expect(found.stdout).toMatch(
      /^OK: <cluster>: ztna-intermediate-tls: .*\nFAIL: <cluster>: ztna\/ztna-connector-tls is not there/,
    );
    directory.write("kubectl", "#!/bin/sh\necho 'Error from server (Forbidden)' >&2\nexit 1\n", 0o755);
    expect(await runProcess([BINARY, "validate-secrets", "ztna"], { env })).toMatchObject({ status: 5 });
  });

  withOpenssl(
    "takes less time for a thousand secrets than openssl verify for one after the other",
    async () => {
      using directory = temporaryDirectory();
      const all = Array.from({ length: 998 }, (_, index) => manifest(`s${index}`, connector));
      const file = directory.write("secrets.yaml", GOOD + all.join(""));
      const anchors = directory.write("ca.crt", ca.crt);
      const leaf = directory.write("tls.crt", connector.crt);
      const began = performance.now();
      const ended = await runProcess([BINARY, "validate-secrets", "--manifest", file]);
      const ours = performance.now() - began;
      expect(ended.status).toBe(0);
      expect(ended.stdout.match(/^OK: /gm)).toHaveLength(1000);
      let verified = 0;
      for (const start = performance.now(); verified < 1000 && performance.now() - start < ours; verified++) {
        const { exitCode } = Bun.spawnSync(["openssl", "verify", "-CAfile", anchors, leaf], { stdout: "ignore" });
        expect(exitCode).toBe(0);
      }
      expect(verified).toBeLessThan(1000);
    },
    60_000,
  );
});

whenBuilt("its SARIF satisfies the official schema", async () => {
  using directory = temporaryDirectory();
  const broken = GOOD.replace(base64(relay.key), base64(connector.key));
  const file = directory.write("my secrets.yaml", `${broken}---\nkind: Secret\n`);
  const command = [BINARY, "validate-secrets", "--manifest", file, "--dir", "gone", "--sarif"];
  const { stdout, status } = await runProcess(command, { cwd: directory.path });
  expect(status).toBe(4);
  const log = JSON.parse(stdout);
  expect(log.runs[0].results.length).toBe(3);
  expect(schemaFaults(log, sarifSchema, "4")).toEqual([]);
});

testUnless(firstReason([missing, withoutFile("/dev/full")]))(
  "a report that a full disk does not take is no success",
  async () => {
    using directory = temporaryDirectory();
    const file = directory.write("good.yaml", GOOD);
    for (const flag of ["", "--json"]) {
      const command = `'${BINARY}' validate-secrets --manifest '${file}' ${flag} >/dev/full`;
      const ended = await runProcess(["sh", "-c", command]);
      expect(ended).toMatchObject({ status: 1, stderr: "ztna: the output could not be written (ENOSPC)\n" });
    }
  },
);

whenBuilt("nothing of a key is in a message, whatever is wrong", async () => {
  using directory = temporaryDirectory();
  const pasted = relay.key.split("\n")[1] as string;
  directory.write(
    "pasted.yaml",
    `${GOOD}---\nkind: Secret\nmetadata: {name: "${pasted}"}\nstringData: {"${pasted}": [${pasted}\n`,
  );
  const args = ["validate-secrets", "--manifest", join(directory.path, "pasted.yaml")];
  const { stdout, stderr, status } = await runProcess([BINARY, ...args], { env: { GITHUB_ACTIONS: "true" } });
  expect(status).toBe(1);
  expect(stdout + stderr).not.toContain(pasted.slice(0, 16));
});
