// The reference's own files, in the places and with the names that it gives them: they work with this binary unchanged.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { BINARY, requireBinary } from "../support/binary.ts";
import { testPki } from "../support/pki.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { REFERENCE_CONNECTOR, REFERENCE_RELAY } from "../support/reference-files.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directory = temporaryDirectory();
beforeAll(async () => {
  requireBinary();
  const pki = await testPki();
  mkdirSync(join(directory.path, "certs"));
  const files = {
    "certs/cert.pem": pki.server.certFile,
    "certs/key.pem": pki.server.keyFile,
    "ca.pem": pki.ca.certFile,
    "connector.crt": pki.p2pServer.certFile,
    "connector.key": pki.p2pServer.keyFile,
  };
  for (const [name, file] of Object.entries(files)) copyFileSync(file, join(directory.path, name));
  directory.write("intermediate.json", REFERENCE_RELAY);
  directory.write("connector.json", REFERENCE_CONNECTOR);
  directory.write("intermediate.yaml", stringify(JSON.parse(REFERENCE_RELAY)));
  directory.write("connector.yaml", stringify(JSON.parse(REFERENCE_CONNECTOR)));
});
afterAll(() => directory[Symbol.dispose]());

const IN_ORDER = "ztna: options, files and credentials are in order\n";
const check = (...args: readonly string[]) => runProcess([BINARY, ...args, "--check"], { cwd: directory.path });

for (const config of [[], ["--config", "intermediate.json"], ["--config", "intermediate.yaml"]]) {
  test(`the relay's file passes: serve ${config.join(" ")} --check`, async () => {
    const { status, stdout, stderr } = await check("serve", ...config);
    expect([status, stdout, stderr]).toEqual([0, "", IN_ORDER]);
  });
}

for (const config of [[], ["--config", "connector.json"], ["--config", "connector.yaml"]]) {
  test(`the connector's file passes, and says what has no effect: connect ${config.join(" ")} --check`, async () => {
    const { status, stdout, stderr } = await check("connect", ...config);
    const warning = "ztna: warning: peer-to-peer connections are not offered; without effect: p2p-cert, p2p-key\n";
    expect([status, stdout, stderr]).toEqual([0, "", warning + IN_ORDER]);
  });
}

test("the relay runs with its file, from its default path", async () => {
  const elsewhere = ["--port", "0", "--bind", "127.0.0.1", "--metrics-port", "0"];
  await using relay = startProcess([BINARY, "serve", ...elsewhere], { cwd: directory.path });
  await relay.line(/^listening 203\.0\.113\.10:\d+$|^listening 127\.0\.0\.1:\d+$/);
  expect((await relay.end()).status).toBe(0);
});

test("a check finds what the file names and what is not there, and starts nothing", async () => {
  directory.write("broken.json", REFERENCE_RELAY.replace("certs/key.pem", "certs/gone.pem"));
  const { status, stderr } = await check("serve", "--config", "broken.json");
  expect([status, stderr]).toEqual([4, expect.stringContaining("certs/gone.pem does not exist")]);
  directory.write("typo.yaml", "port: 4433\nrequire_client_certs: true\n");
  const typo = await check("serve", "--config", "typo.yaml");
  const sentence = 'typo.yaml:2: unknown key "require_client_certs"; did you mean "require_client_cert"?\n';
  expect([typo.status, typo.stderr]).toEqual([3, `ztna: ${sentence}`]);
});
