// Manifests as people and tools write them: forms of YAML and JSON, Lists, what is malformed or too much, and what
// refers to what.
import { describe, expect, test } from "bun:test";
import { main } from "../../../src/cli/main.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";
import { asCa, asConnector, asRelay, base64, make } from "../../support/secret-material.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ca = await make("CA", asCa);
const relay = await make("relay", { ...asRelay, issuer: ca });
const connector = await make("connector", { ...asConnector, issuer: ca });

interface Found {
  readonly status: number;
  /** "id file:line" */
  readonly found: readonly string[];
  readonly secrets: readonly string[];
}

async function validate(input: string, ...args: readonly string[]): Promise<Found> {
  const terminal = recordingTerminal({}, input);
  const status = await main(["validate-secrets", "--manifest", "-", "--json", ...args], terminal);
  expect(terminal.stderr).toBe("");
  const report = JSON.parse(terminal.stdout) as {
    findings: { id: string; file: string; line: number | null }[];
    secrets: { secret: string; ok: boolean }[];
  };
  return {
    status,
    found: report.findings.map(({ id, file, line }) => `${id} ${file}${line === null ? "" : `:${line}`}`),
    secrets: report.secrets.filter(({ ok }) => ok).map(({ secret }) => secret),
  };
}

interface Written {
  readonly crt: string;
  readonly key: string;
}

function secretObject(name: string, { crt, key }: Written, namespace: string | undefined = "ztna") {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: namespace === "" ? { name } : { name, namespace },
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(crt), "tls.key": base64(key), "ca.crt": base64(ca.crt) },
  };
}

const RELAY = secretObject("ztna-intermediate-tls", relay);
const CONNECTOR = secretObject("ztna-connector-tls", connector);
const both = (...further: readonly unknown[]) => [RELAY, CONNECTOR, ...further];
/** JSON is YAML; every document ends its line, and begins on lines 2, 4, 6 … */
const documents = (...objects: readonly unknown[]) => objects.map((each) => `---\n${JSON.stringify(each)}\n`).join("");
const block = (text: string) => text.trimEnd().replace(/^/gm, "    ");
const asText = (name: string, { crt, key }: Written) =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\ntype: kubernetes.io/tls\nstringData:\n` +
  `  tls.crt: |\n${block(crt)}\n  tls.key: |\n${block(key)}\n  ca.crt: |\n${block(ca.crt)}\n`;
const GOOD = { status: 0, found: [], secrets: ["ztna/ztna-intermediate-tls", "ztna/ztna-connector-tls"] };

describe("good in every form", () => {
  const list = { apiVersion: "v1", kind: "List", items: both() };
  const untyped = [RELAY, CONNECTOR].map(({ kind: _, ...rest }) => rest);
  const anchored = documents(...both())
    .replace('"ztna"', '&ns "ztna"')
    .replace("}}\n---", "}, x: *ns}\n---");
  const forms: readonly [string, string][] = [
    ["several documents", documents(...both())],
    [
      "one JSON object after the other",
      both()
        .map((each) => JSON.stringify(each, null, "\t"))
        .join("\n"),
    ],
    [
      "one JSON object per line",
      both()
        .map((each) => `${JSON.stringify(each)}\n`)
        .join(""),
    ],
    ["a List", JSON.stringify(list, null, 2)],
    ["a List in a List", documents({ apiVersion: "v1", kind: "List", items: [list] })],
    ["a SecretList without kinds", documents({ apiVersion: "v1", kind: "SecretList", items: untyped })],
    ["a byte order mark", `\ufeff${documents(...both())}`],
    ["line ends of Windows", documents(...both()).replaceAll("\n", "\r\n")],
    ["comments and empty documents", `# first\n---\n---\n# nothing\n${documents(...both())}---\n`],
    ["a directive", `%YAML 1.2\n${documents(...both())}`],
    ["an end marker", documents(...both()).replaceAll("}\n---", "}\n...\n---")],
    ["an alias", anchored],
  ];
  test.each(forms)("%s", async (_, text) => {
    expect(await validate(text)).toEqual(GOOD);
  });

  test("stringData, without a namespace", async () => {
    const text = `${asText("ztna-intermediate-tls", relay)}---\n${asText("ztna-connector-tls", connector)}`;
    expect(await validate(text)).toEqual({ ...GOOD, secrets: ["ztna-intermediate-tls", "ztna-connector-tls"] });
  });

  test("merge keys", async () => {
    const text = `base: &base\n  kind: Secret\n  type: kubernetes.io/tls\n`;
    const merged = `${text}<<: *base\nmetadata: {name: subject}\ndata: ${JSON.stringify(RELAY.data)}\n`;
    using directory = temporaryDirectory();
    const expected = directory.write("expected.yaml", "secrets: [{name: subject, role: relay}]");
    expect((await validate(merged, "--expect", expected)).status).toBe(0);
  });
});

describe("what is wrong with a manifest", () => {
  const pod = (spec: unknown) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "ztna" }, spec });
  const volume = (secret: unknown) => pod({ volumes: [{ name: "v", secret }] });
  const twice = JSON.stringify(RELAY).replace('"type":', '"type":"Opaque","type":');
  const table: readonly [string, string, readonly string[]][] = [
    ["nothing at all", "", ["missing-secret <stdin>", "missing-secret <stdin>"]],
    ["one of two", documents(RELAY), ["missing-secret <stdin>"]],
    [
      "another namespace",
      documents(secretObject("ztna-intermediate-tls", relay, "default"), CONNECTOR),
      ["wrong-namespace <stdin>:2"],
    ],
    ["the same secret twice", documents(...both(RELAY)), ["duplicate-secret <stdin>:6"]],
    ["a key twice", `---\n${twice}\n${documents(CONNECTOR)}`, ["duplicate-key <stdin>:2"]],
    [
      "data and stringData",
      documents({ ...RELAY, stringData: { "tls.key": relay.key } }, CONNECTOR),
      ["shadowed-value <stdin>:2"],
    ],
    ["no name", documents(...both({ ...RELAY, metadata: {} })), ["bad-secret <stdin>:6"]],
    [
      "data that is a list",
      documents(...both({ kind: "Secret", metadata: { name: "x" }, data: [] })),
      ["bad-secret <stdin>:6"],
    ],
    [
      "an improper key",
      documents(...both({ kind: "Secret", metadata: { name: "x" }, data: { "a b": "" } })),
      ["bad-secret <stdin>:6"],
    ],
    ["broken YAML", `${documents(...both())}---\na: [1\nb: }`, ["bad-manifest <stdin>:7"]],
    [
      "a Helm template",
      `${documents(...both())}---\n{{- if .Values.x }}\nkind: Secret\n{{- end }}\n`,
      ["bad-manifest <stdin>:6"],
    ],
    [
      "JSON that is cut off",
      `${JSON.stringify(RELAY)}\n${JSON.stringify(CONNECTOR)}\n{"kind": "Secret`,
      ["bad-manifest <stdin>:3"],
    ],
    ["an unknown alias", `${documents(...both())}---\na: *nobody\n`, ["bad-manifest <stdin>:6"]],
    [
      "a NUL",
      `${documents(...both())}\0`,
      ["missing-secret <stdin>", "missing-secret <stdin>", "bad-manifest <stdin>:1"],
    ],
    ["a volume", documents(...both(volume({ secretName: "nobody" }))), ["unresolved-reference <stdin>:6"]],
    [
      "a key that a volume takes",
      documents(...both(volume({ secretName: "ztna-connector-tls", items: [{ key: "x", path: "x" }] }))),
      ["missing-key <stdin>:6"],
    ],
    [
      "a projected volume",
      documents(...both(pod({ volumes: [{ projected: { sources: [{ secret: { name: "nobody" } }] } }] }))),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "a variable",
      documents(
        ...both(pod({ containers: [{ env: [{ valueFrom: { secretKeyRef: { name: "nobody", key: "k" } } }] }] })),
      ),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "a variable's key",
      documents(
        ...both(
          pod({ containers: [{ env: [{ valueFrom: { secretKeyRef: { name: "ztna-connector-tls", key: "k" } } }] }] }),
        ),
      ),
      ["missing-key <stdin>:6"],
    ],
    [
      "all variables",
      documents(...both(pod({ containers: [{ envFrom: [{ secretRef: { name: "nobody" } }] }] }))),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "image pulls",
      documents(...both(pod({ imagePullSecrets: [{ name: "nobody" }] }))),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "an ingress",
      documents(...both({ kind: "Ingress", metadata: { name: "i" }, spec: { tls: [{ secretName: "nobody" }] } })),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "a gateway",
      documents(
        ...both({
          kind: "Gateway",
          metadata: { name: "g" },
          spec: { listeners: [{ tls: { certificateRefs: [{ name: "nobody" }] } }] },
        }),
      ),
      ["unresolved-reference <stdin>:6"],
    ],
    [
      "a secret of another namespace",
      documents(
        ...both({ ...volume({ secretName: "ztna-connector-tls" }), metadata: { name: "p", namespace: "web" } }),
      ),
      ["unresolved-reference <stdin>:6"],
    ],
  ];
  test.each(table)("%s", async (_, text, expected) => {
    const { found, status } = await validate(text);
    expect(found).toEqual([...expected]);
    expect(status).toBe(expected.every((each) => each.startsWith("shadowed")) ? 0 : 1);
  });

  test("what is optional, elsewhere, or only looks like a reference is not looked for", async () => {
    const harmless = [
      volume({ secretName: "nobody", optional: true }),
      volume({ secretName: "ztna-connector-tls", items: [{ key: "tls.crt", path: "x" }] }),
      { kind: "ConfigMap", metadata: { name: "c" }, data: { secretRef: { name: "nobody" } } },
      { kind: "Thing", metadata: { name: "t" }, spec: { secret: { name: "nobody", url: "x" } } },
    ];
    expect(await validate(documents(...both(...harmless)))).toEqual(GOOD);
  });

  test.each([
    ["Certificate", { apiVersion: "cert-manager.io/v1", spec: { secretName: "ztna-connector-tls" } }],
    [
      "SealedSecret",
      { apiVersion: "bitnami.com/v1alpha1", metadata: { name: "ztna-connector-tls", namespace: "ztna" } },
    ],
    ["ExternalSecret", { apiVersion: "external-secrets.io/v1", spec: { target: { name: "ztna-connector-tls" } } }],
  ])("a secret that a %s will make is there, a leftover placeholder is not", async (kind, rest) => {
    const promise = { metadata: { name: "x", namespace: "ztna" }, ...rest, kind };
    const deployment = volume({ secretName: "ztna-connector-tls" });
    expect(await validate(documents(RELAY, promise, deployment))).toEqual(GOOD);
    const leftover = { ...CONNECTOR, data: { "tls.crt": "PLACEHOLDER", "tls.key": "PLACEHOLDER" } };
    const { found, status } = await validate(documents(RELAY, promise, leftover));
    expect(found).toEqual(["placeholder <stdin>:6", "placeholder <stdin>:6"]);
    expect(status).toBe(1);
  });
});

describe("too much", () => {
  const bomb = `a: &a [x]\n${[..."bcdefghij"].map((name, i) => `${name}: &${name} [${`*${"abcdefghij"[i]},`.repeat(10)}]`).join("\n")}\n`;
  const table: readonly [string, string, number?][] = [
    ["an alias bomb", bomb, 2],
    ["a circle of aliases", "a: &a [*a]\n"],
    ["nesting", `${"[".repeat(2000)}${"]".repeat(2000)}`],
    ["an endless list", `a: [${"x,".repeat(500_000)}]`],
    ["more than 10 MB", `a: ${"x".repeat(10 * 1024 * 1024)}`],
    ["more than 5,000 documents", "---\na: 1\n".repeat(5001)],
  ];
  test.each(table)("%s is refused soon", async (_, text, line = 1) => {
    const began = performance.now();
    const { found, status } = await validate(text);
    expect(found).toEqual(["missing-secret <stdin>", "missing-secret <stdin>", `too-large <stdin>:${line}`]);
    expect(status).toBe(1);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test("5,000 secrets are examined, every one of them", async () => {
    const wrong = Array.from({ length: 4998 }, (_, index) => ({
      ...{ kind: "Secret", metadata: { name: `s${index}` } },
      data: { token: base64("changeme"), filler: base64("x".repeat(1200)) },
    }));
    const before = process.memoryUsage().rss;
    const { found, secrets } = await validate(documents(...both(...wrong)));
    expect(secrets).toEqual(GOOD.secrets);
    expect(found.length).toBe(4998);
    expect(process.memoryUsage().rss - before).toBeLessThan(1_000_000_000);
  });
});
