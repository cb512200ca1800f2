// Secrets made from issued certificates: they pass validation, and never land where git would keep them.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/main.ts";
import { authority, certs } from "../../support/certs-command.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function issued() {
  const made = await authority();
  await certs("issue", "relay", "--server", "--host", "relay.example.org", "--dir", made.dir);
  await certs("issue", "office", "--connector", "web", "--dir", made.dir);
  return made;
}

test("both secrets of a deployment pass validation without a warning", async () => {
  using ca = await issued();
  const relay = await certs("k8s", "relay", "--secret", "ztna-intermediate-tls", "--dir", ca.dir);
  const office = await certs("k8s", "office", "--secret", "ztna-connector-tls", "--dir", ca.dir);
  expect([relay.status, office.status, relay.stderr, office.stderr]).toEqual([0, 0, "", ""]);
  const terminal = recordingTerminal({}, `${relay.stdout}---\n${office.stdout}`);
  expect(await main(["validate-secrets", "--manifest", "-", "--strict"], terminal)).toBe(0);
  expect(terminal.stdout.match(/^OK: /gm)?.length).toBe(2);
});

test("the manifest is the one that kubectl makes, with the CA", async () => {
  using ca = await issued();
  const { stdout } = await certs("k8s", "relay", "--namespace", "edge", "--dir", ca.dir);
  const encoded = (name: string) => readFileSync(join(ca.dir, name)).toString("base64");
  expect(stdout).toBe(
    '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: "relay"\n  namespace: "edge"\ntype: kubernetes.io/tls\ndata:\n' +
      `  tls.crt: ${encoded("relay.crt")}\n  tls.key: ${encoded("relay.key")}\n  ca.crt: ${encoded("ca.pem")}\n`,
  );
});

describe("refused", () => {
  test("a pair that validation would refuse, with its id and status 4", async () => {
    using ca = await issued();
    writeFileSync(join(ca.dir, "relay.key"), readFileSync(join(ca.dir, "office.key")));
    const { status, stdout, stderr } = await certs("k8s", "relay", "--dir", ca.dir);
    expect([status, stdout]).toEqual([4, ""]);
    expect(stderr).toContain("[key-mismatch]");
  });

  test("the authority's own key, no name, a name that no Secret may have, files that are not there", async () => {
    using ca = await issued();
    expect((await certs("k8s", "--dir", ca.dir)).status).toBe(2);
    expect((await certs("k8s", "ca", "--dir", ca.dir)).status).toBe(2);
    expect((await certs("k8s", "a_b", "--dir", ca.dir)).status).toBe(2);
    expect((await certs("k8s", "gone", "--dir", ca.dir)).status).toBe(4);
  });
});

describe("where git keeps files", () => {
  function repository() {
    const directory = temporaryDirectory();
    Bun.spawnSync(["git", "init", "--quiet", directory.path]);
    directory.write(".gitignore", "ignored/\n");
    directory.write("ignored/x", "");
    return directory;
  }
  const k8s = (dir: string, ...args: readonly string[]) => certs("k8s", "relay", "--dir", dir, ...args);

  test("nothing is written, unless it is ignored there or forced", async () => {
    using ca = await issued();
    using tree = repository();
    const [tracked, ignored] = [join(tree.path, "secret.yaml"), join(tree.path, "ignored/secret.yaml")];
    const refused = await k8sWithPath(ca.dir, tracked);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("would hold a private key");
    expect(existsSync(tracked)).toBe(false);
    expect((await k8sWithPath(ca.dir, ignored)).status).toBe(0);
    expect(statSync(ignored).mode & 0o777).toBe(0o600);
    expect((await k8s(ca.dir, "--out", tracked, "--force")).status).toBe(0);
    expect(existsSync(tracked)).toBe(true);
  });

  test("a redirection counts as well", async () => {
    using ca = await issued();
    using tree = repository();
    const redirected = (path: string) => ({
      ...recordingTerminal({ PATH: process.env.PATH ?? "" }),
      outFile: () => path,
    });
    const args = ["certs", "k8s", "relay", "--dir", ca.dir];
    expect(await main(args, redirected(join(tree.path, "secret.yaml")))).toBe(1);
    expect(await main([...args, "--force"], redirected(join(tree.path, "secret.yaml")))).toBe(0);
    expect(await main(args, redirected(join(ca.dir, "secret.yaml")))).toBe(0);
  });

  test("a shell's redirection is noticed by the program itself", async () => {
    using ca = await issued();
    using tree = repository();
    const command = `exec "$0" bin/ztna.ts certs k8s relay --dir "$1" > "$2"`;
    const child = Bun.spawn(["sh", "-c", command, process.execPath, ca.dir, join(tree.path, "secret.yaml")], {
      ...{ cwd: join(import.meta.dir, "../../.."), stderr: "pipe" },
    });
    expect(await new Response(child.stderr).text()).toContain("would hold a private key");
    expect(await child.exited).toBe(1);
    expect(readFileSync(join(tree.path, "secret.yaml"), "utf8")).toBe("");
  });

  test("without git nobody can say what is ignored", async () => {
    using ca = await issued();
    using tree = repository();
    const terminal = recordingTerminal({ PATH: "/nowhere" });
    const args = ["certs", "k8s", "relay", "--dir", ca.dir, "--out", join(tree.path, "ignored/secret.yaml")];
    expect(await main(args, terminal)).toBe(1);
  });

  async function k8sWithPath(dir: string, out: string) {
    const terminal = recordingTerminal({ PATH: process.env.PATH ?? "" });
    const status = await main(["certs", "k8s", "relay", "--dir", dir, "--out", out], terminal);
    return { status, stderr: terminal.stderr };
  }
});
