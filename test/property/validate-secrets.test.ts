// Arbitrary bytes and damaged originals into every reader of validate-secrets: always an answer, never a crash, and
// never a piece of a key in what is printed.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { main } from "../../src/cli/main.ts";
import { readCertificateValue, readKeyValue } from "../../src/pki/secret-values.ts";
import { recordingTerminal } from "../support/recording-terminal.ts";
import { asCa, asConnector, asRelay, base64, derOf, make } from "../support/secret-material.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ca = await make("CA", asCa);
const relay = await make("relay", { ...asRelay, issuer: ca });
const connector = await make("connector", { ...asConnector, issuer: ca });
const object = (name: string, { crt, key }: { crt: string; key: string }) => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "ztna" }, type: "kubernetes.io/tls" },
  data: { "tls.crt": base64(crt), "tls.key": base64(key), "ca.crt": base64(ca.crt) },
});
const ORIGINAL =
  `${JSON.stringify(object("ztna-intermediate-tls", relay), null, 1)}\n---\n${JSON.stringify(object("ztna-connector-tls", connector), null, 1)}\n`.replace(
    /^/,
    "---\n",
  );

const LENGTH = 14;
/** Every fourteen characters of a key, in each way that a key is written. */
const PIECES = new Set(
  [relay.key, connector.key].flatMap((key) => {
    const body = base64(derOf(key));
    const twice = base64(key).slice(40, -48);
    const secret = [body.slice(48), twice, base64(base64(key)).slice(60, -70)];
    return secret.flatMap((text) =>
      Array.from({ length: text.length - LENGTH }, (_, at) => text.slice(at, at + LENGTH)),
    );
  }),
);

function leaks(output: string): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + LENGTH <= output.length; at++) {
    const piece = output.slice(at, at + LENGTH);
    if (PIECES.has(piece)) found.push(piece);
  }
  return found;
}

async function validate(input: string, format: string): Promise<{ readonly status: number; readonly output: string }> {
  const terminal = recordingTerminal({ GITHUB_ACTIONS: "true" }, input);
  const status = await main(["validate-secrets", "--manifest", "-", ...(format === "text" ? [] : [format])], terminal);
  return { status, output: terminal.stdout + terminal.stderr };
}

const FORMATS = fc.constantFrom("text", "--json", "--sarif", "--junit");

test("the original is good, so that damage is what the rest is about", async () => {
  const { status, output } = await validate(ORIGINAL, "text");
  expect(output.match(/^\w+:/gm)).toEqual(["OK:", "OK:"]);
  expect(status).toBe(0);
  expect(leaks(`x ${base64(relay.key).slice(60, 90)} x`)).not.toBeEmpty();
});

const swapped = (original: string) => (put: string) => ORIGINAL.replace(original, JSON.stringify(put));
/** One piece of the text cut out, doubled or replaced. */
const cuts = fc
  .record({ from: fc.nat(ORIGINAL.length - 1), length: fc.nat(600), put: fc.string({ unit: "binary", maxLength: 20 }) })
  .chain(({ from, length, put }) => {
    const [before, piece, after] = [
      ORIGINAL.slice(0, from),
      ORIGINAL.slice(from, from + length),
      ORIGINAL.slice(from + length),
    ];
    return fc.constantFrom(before + after, before + piece + piece + after, before + put + after);
  });
/** A key where something else should be. */
const strays = fc
  .tuple(
    fc.constantFrom(relay.key, base64(relay.key), base64(relay.key).slice(0, 60), relay.key.split("\n")[1] as string),
    fc.constantFrom(
      ...[swapped('"ztna-intermediate-tls"'), swapped('"tls.key"'), swapped('"Secret"'), swapped('"ztna"')],
      ...[swapped('"kubernetes.io/tls"'), swapped('"metadata"'), (key: string) => `${ORIGINAL}# ${key}\n${key}\n`],
    ),
  )
  .map(([key, misplace]) => misplace(key));
const damage = fc.oneof(cuts, strays);

test("damaged manifests get an answer without a piece of a key in it", async () => {
  await fc.assert(
    fc.asyncProperty(damage, FORMATS, async (input, format) => {
      const { status, output } = await validate(input, format);
      expect([0, 1]).toContain(status);
      expect(leaks(output)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test("arbitrary text as a manifest gets an answer", async () => {
  const words = fc.constantFrom(
    "---\n",
    "kind: Secret\n",
    "data:\n",
    "  a: ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "!!binary ",
    "|\n",
    "\t",
    "'",
    '"',
    "%",
    "\n",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.array(words, { maxLength: 60 }).map((all) => all.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (input) => {
      expect((await validate(input, "--json")).status).toBe(1);
    }),
    { numRuns: 250 },
  );
});

test("arbitrary and damaged bytes as files of a directory get an answer without a piece of a key in it", async () => {
  const damaged = (text: string) =>
    fc
      .record({ at: fc.nat(text.length), cut: fc.nat(40), put: fc.uint8Array({ maxLength: 8 }) })
      .map(({ at, cut, put }) =>
        Buffer.concat([Buffer.from(text.slice(0, at)), put, Buffer.from(text.slice(at + cut))]),
      );
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged(relay.crt), damaged(relay.key), damaged(ca.crt));
  await fc.assert(
    fc.asyncProperty(bytes, bytes, bytes, async (crt, key, authority) => {
      using directory = temporaryDirectory();
      directory.write("ztna-intermediate-tls/tls.crt", crt);
      directory.write("ztna-intermediate-tls/tls.key", key);
      directory.write("ztna-intermediate-tls/ca.crt", authority);
      const terminal = recordingTerminal();
      expect(await main(["validate-secrets", "--dir", directory.path], terminal)).toBe(1);
      expect(leaks(terminal.stdout + terminal.stderr)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test("the readers of values say what is wrong or give something usable, never both nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(readCertificateValue(bytes).faults.length).toBeGreaterThan(0);
      expect(readKeyValue(bytes).faults.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
