// Showing certificates.
import { describe, expect, test } from "bun:test";
import { certs } from "../../support/certs-command.ts";
import { testPki } from "../../support/pki.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const pki = await testPki();

describe("show", () => {
  test("says the rights in words, and every certificate of the file", async () => {
    const { status, stdout } = await certs("show", pki.severalGrants.certFile);
    expect(status).toBe(0);
    expect(stdout).toContain("may provide db");
    using directory = temporaryDirectory();
    const bundle = directory.write("bundle.pem", pki.ca.certPem + pki.otherCa.certPem);
    expect((await certs("show", bundle)).stdout.match(/^subject/gm)).toHaveLength(2);
    const json = JSON.parse((await certs("show", bundle, "--json")).stdout);
    expect(json).toMatchObject({ schema_version: 1, file: bundle, certificates: [{ kind: "ca" }, { kind: "ca" }] });
  });

  test("a file that cannot be read or holds no certificate ends with 4, none at all with 2", async () => {
    expect((await certs("show", "/nowhere.pem")).status).toBe(4);
    expect((await certs("show", pki.agent.keyFile)).status).toBe(4);
    expect((await certs("show", pki.dir)).status).toBe(4);
    expect((await certs("show")).status).toBe(2);
  });
});
