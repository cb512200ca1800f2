// Every way in which a daemon refuses to start: the exit code, one sentence on standard error, and no port bound.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TestPki, testPki } from "../support/pki.ts";
import { type Ended, runProcess } from "../support/process.ts";
import { PROGRAMS } from "../support/programs.ts";
import { testUnless, withoutProgram, withoutRoot } from "../support/skip.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let pki: TestPki;
const directory = temporaryDirectory();
beforeAll(async () => {
  pki = await testPki();
  mkdirSync(join(directory.path, "directory"));
  directory.write("empty", "");
  directory.write("garbage", "garbage");
  directory.write("config.json", '{ "prot": 4433 }');
  directory.write("port.json", '{ "port": 70000 }');
  directory.write("open.key", pki.server.keyPem, 0o644);
});
afterAll(() => directory[Symbol.dispose]());

/** Words of a command line; "@server" and the like stand for files of the test's certificates. */
function words(line: string): string[] {
  const files: Record<string, string> = {
    "@server.crt": pki.server.certFile,
    "@server.key": pki.server.keyFile,
    "@client.crt": pki.connector.certFile,
    "@client.key": pki.connector.keyFile,
    "@ca": pki.ca.certFile,
    "@expired.crt": pki.badServers.expired.certFile,
    "@expired.key": pki.badServers.expired.keyFile,
    "@future.crt": pki.badServers.notYetValid.certFile,
    "@future.key": pki.badServers.notYetValid.keyFile,
  };
  return line.split(" ").map((word) => files[word] ?? (word === "''" ? "" : word));
}

const SERVE = "serve --port 0 --bind 127.0.0.1 --metrics-port 0 --cert @server.crt --key @server.key";
const CONNECT = "connect --metrics-port 0 --service web --forward 127.0.0.1:9";

/** Status, command line, what the sentence says. */
const TABLE: readonly (readonly [number, string, RegExp])[] = [
  [2, "serv", /unknown command "serv"; did you mean "serve"\?/],
  [2, "serve --prot 1", /unknown option --prot; did you mean --port\?/],
  [2, "serve --port 70000", /--port is "70000", but must be a port from 0 to 65535/],
  [2, "serve --port -1", /--port is "-1", but must be/],
  [2, "serve --port x", /--port is "x", but must be/],
  [2, "serve --port ''", /--port is "", but must be/],
  [2, "serve --metrics-port 65536", /--metrics-port is "65536"/],
  [2, "serve x", /argument 1 \(port\) is "x"/],
  [2, "serve --port", /--port needs a value/],
  [2, "serve --bind not.an.ip.", /cannot listen|must be|--ca-cert/],
  [2, "serve --takeover perhaps", /one of pool, replace, deny/],
  [2, SERVE, /give their CA with --ca-cert/],
  [2, `${SERVE} --no-verify-peer --require-client-cert`, /cannot be both demanded/],
  [2, `${SERVE} --no-verify-peer`, /--insecure-no-client-auth/],
  [2, "connect --service web --forward 127.0.0.1:9 --ca-cert @ca", /--server HOST:PORT/],
  [2, `${CONNECT} --server 127.0.0.1:70000 --ca-cert @ca`, /--server is "127.0.0.1:70000"/],
  [2, `${CONNECT} --server 300.1.1.1:4433 --ca-cert @ca`, /--server is "300.1.1.1:4433"/],
  [2, `${CONNECT} --server 127.0.0.1:4433`, /give its CA with --ca-cert/],
  [2, "connect --server 127.0.0.1 --ca-cert @ca", /--service ID --forward HOST:PORT/],
  [2, `${CONNECT} --server 127.0.0.1 --ca-cert @ca --client-cert @client.crt`, /belong together/],
  [1, `${SERVE} --ca-cert @ca --bind relay.invalid --check`, /cannot listen on relay.invalid/],
  [3, "serve --config config.json", /config.json:1: unknown key "prot"; did you mean "port"\?/],
  [3, "serve --config port.json", /port.json:1: port is 70000, but must be/],
  [3, "serve --config missing.json", /cannot read the configuration file missing.json/],
  [3, "connect --config config.json", /config.json:1: unknown key "prot"/],
  [4, `${SERVE} --ca-cert missing`, /missing does not exist/],
  [4, `${SERVE} --ca-cert directory`, /directory is a directory/],
  [4, `${SERVE} --ca-cert empty`, /empty is empty/],
  [4, `${SERVE} --ca-cert garbage`, /garbage holds no PEM/],
  [4, `${SERVE} --ca-cert @server.crt`, /not a CA certificate/],
  [4, "serve --ca-cert @ca --cert missing --key @server.key", /missing does not exist/],
  [4, "serve --ca-cert @ca --cert directory --key @server.key", /directory is a directory/],
  [4, "serve --ca-cert @ca --cert @server.crt --key @client.key", /is not the key of/],
  [4, "serve --ca-cert @ca --cert @server.crt --key open.key", /open.key/],
  [4, "serve --ca-cert @ca --cert @expired.crt --key @expired.key", /expired on/],
  [4, "serve --ca-cert @ca --cert @future.crt --key @future.key", /is valid only from/],
  [4, "serve --ca-cert @ca --cert @client.crt --key @client.key", /is no server certificate/],
  [4, `${CONNECT} --server 127.0.0.1 --ca-cert missing`, /missing does not exist/],
  [4, `${CONNECT} --server 127.0.0.1 --ca-cert garbage`, /garbage holds no PEM/],
  [
    4,
    `${CONNECT} --server 127.0.0.1 --ca-cert @ca --client-cert @server.crt --client-key @server.key`,
    /is no client certificate/,
  ],
];

for (const program of PROGRAMS) {
  const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
    runProcess([...program.command, ...args], { cwd: directory.path, env });

  describe(program.name, () => {
    beforeAll(() => program.require());

    for (const [status, line, sentence] of TABLE) {
      test(`${status}: ${line}`, async () => {
        const ended = await run(words(line));
        expect([ended.status, ended.stderr]).toEqual([status, expect.stringMatching(sentence)]);
        expect(ended.stderr).toMatch(/^(ztna: warning: .*\n)*ztna: .*\n$/);
        expect(ended.stderr).not.toContain("listening");
        expect(ended.stdout).toBe("");
      });
    }

    test("0: --check says that all is well, and with a wrong file it says the same as a start", async () => {
      const good = await run(words(`${SERVE} --ca-cert @ca --check`));
      expect([good.status, good.stderr]).toEqual([0, "ztna: options, files and credentials are in order\n"]);
      const connect = await run(
        words(`${CONNECT} --server 192.0.2.1 --ca-cert @ca --client-cert @client.crt --client-key @client.key --check`),
      );
      expect(connect).toEqual({ ...good, stdout: "" });
      const bad = await run(words(`${SERVE} --ca-cert garbage --check`));
      expect([bad.status, bad.stderr]).toEqual([4, expect.stringContaining("garbage holds no PEM")]);
    });

    test("3: a variable that is wrong is named", async () => {
      const ended = await run(["serve"], { ZTNA_SERVE_PORT: "70000" });
      expect([ended.status, ended.stderr]).toEqual([3, expect.stringContaining('ZTNA_SERVE_PORT is "70000"')]);
    });

    test("1: an address of another host is one sentence", async () => {
      const ended = await run(words(`${SERVE} --ca-cert @ca --bind 192.0.2.1`));
      expect([ended.status, ended.stderr]).toEqual([
        1,
        expect.stringMatching(/^ztna: cannot listen on .*192\.0\.2\.1:0: this host does not have that address\n$/),
      ]);
    });
  });
}

testUnless(withoutRoot(), withoutProgram("setpriv"))("4: a CA file that may not be read is named", async () => {
  const [, compiled] = PROGRAMS;
  compiled!.require();
  const { path } = directory;
  chmodSync(path, 0o755);
  for (const [name, from, mode] of [
    ["nobody.crt", pki.server.certFile, 0o644],
    ["nobody.key", pki.server.keyFile, 0o644],
    ["secret.pem", pki.ca.certFile, 0o600],
  ] as const) {
    copyFileSync(from, join(path, name));
    chmodSync(join(path, name), mode);
  }
  const args = [
    "serve",
    "--port",
    "0",
    "--allow-open-keys",
    "--cert",
    "nobody.crt",
    "--key",
    "nobody.key",
    "--ca-cert",
    "secret.pem",
  ];
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  // Nobody may not write to the test run's own directory, which is what TMPDIR names.
  const ended = await runProcess([...nobody, ...compiled!.command, ...args], { cwd: path, env: { TMPDIR: undefined } });
  expect([ended.status, ended.stderr]).toEqual([4, expect.stringMatching(/secret\.pem .*read/)]);
});
