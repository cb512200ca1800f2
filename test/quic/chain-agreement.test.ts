// What is judged before deployment is what happens afterwards: chains with every restriction that an authority may put
// on itself, judged by us, and by the TLS library in a handshake on the real quiche.
import { expect, test } from "bun:test";
import { PURPOSE_OIDS } from "../../src/identity/leaf-policy.ts";
import { openAuthority } from "../../src/pki/authority.ts";
import { findChain } from "../../src/pki/chain.ts";
import { certificatesIn } from "../../src/pki/key-material.ts";
import { x509 } from "../../src/pki/x509-library.ts";
import { commonName, der, dnsName, ipAddress } from "../support/certificate-bytes.ts";
import { clientHost, connect, relayHost } from "../support/endpoint-hosts.ts";
import { type LeafShape, type TestCredential, testPki } from "../support/pki.ts";

const pki = await testPki();

interface Shape {
  /** Of the root; "none" leaves the intermediate out. */
  readonly root?: LeafShape;
  readonly middle?: LeafShape | "none";
  readonly leaf?: LeafShape;
  /** What is trusted, when that is not the root. */
  readonly trusted?: "middle" | "both";
  /** undefined when the chain is good. */
  readonly fault?: string;
}

const CA: LeafShape = { isCa: true, dnsNames: [], extendedKeyUsages: undefined };
const LEAF: LeafShape = {
  dnsNames: ["relay.test"],
  addresses: ["192.0.2.7"],
  extendedKeyUsages: [PURPOSE_OIDS.server],
};

function extension(id: string, critical: boolean, value: Uint8Array) {
  return new x509.Extension(id, critical, Uint8Array.from(value));
}

const network = (...bytes: readonly number[]) => ipAddress(bytes);
const subject = (text: string) => der(0xa4, der(0x30, commonName(text)));

function constrained(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = [], minimum = ""): LeafShape {
  const list = (tag: number, bases: readonly Uint8Array[]) =>
    bases.length === 0 ? "" : der(tag, ...bases.map((base) => der(0x30, base, minimum)));
  const value = der(0x30, list(0xa0, permitted), list(0xa1, excluded));
  return { ...CA, extensions: [extension("2.5.29.30", true, value)] };
}

const unknown = (critical: boolean) => [extension("1.2.3.4.5", critical, der(0x0c, "words"))];

test.each<readonly [string, Shape]>([
  ["an intermediate", {}],
  ["no intermediate", { middle: "none" }],
  ["an intermediate that is trusted beside the root", { trusted: "both" }],
  ["an intermediate that alone is trusted", { trusted: "middle", fault: "no-issuer" }],
  ["an intermediate for servers", { middle: { ...CA, extendedKeyUsages: [PURPOSE_OIDS.server] } }],
  [
    "an intermediate for clients",
    { middle: { ...CA, extendedKeyUsages: [PURPOSE_OIDS.client] }, fault: "wrong-purpose" },
  ],
  ["a root for clients", { root: { ...CA, extendedKeyUsages: [PURPOSE_OIDS.client] } }],
  ["an unknown extension", { leaf: { extensions: unknown(false) }, middle: { ...CA, extensions: unknown(false) } }],
  ["a critical one in the leaf", { leaf: { extensions: unknown(true) }, fault: "unknown-extension" }],
  [
    "a critical one in the leaf, no intermediate",
    { middle: "none", leaf: { extensions: unknown(true) }, fault: "unknown-extension" },
  ],
  ["a critical one in the intermediate", { middle: { ...CA, extensions: unknown(true) }, fault: "unknown-extension" }],
  ["a critical one in the root", { root: { ...CA, extensions: unknown(true) } }],
  ["a domain that holds the name", { root: constrained([dnsName("test")]) }],
  ["the name itself", { middle: constrained([dnsName("RELAY.test")]) }],
  ["one of two domains", { root: constrained([dnsName("example.org"), dnsName("test")]) }],
  ["another domain", { root: constrained([dnsName("example.org")]), fault: "forbidden-name" }],
  ["a domain that only ends alike", { root: constrained([dnsName("lay.test")]), fault: "forbidden-name" }],
  ["a domain with a dot", { root: constrained([dnsName(".test")]) }],
  ["the name itself with a dot", { root: constrained([dnsName(".relay.test")]), fault: "forbidden-name" }],
  ["an excluded domain", { middle: constrained([], [dnsName("test")]), fault: "forbidden-name" }],
  ["another excluded domain", { middle: constrained([], [dnsName("example.org")]) }],
  ["every domain, excluded", { middle: constrained([], [dnsName("")]), fault: "forbidden-name" }],
  [
    "a permitted and an excluded one",
    { root: constrained([dnsName("test")], [dnsName("relay.test")]), fault: "forbidden-name" },
  ],
  [
    "two names, one of them outside",
    { root: constrained([dnsName("test")]), leaf: { dnsNames: ["relay.test", "b.example"] }, fault: "forbidden-name" },
  ],
  ["a wildcard inside", { root: constrained([dnsName("test")]), leaf: { dnsNames: ["*.test", "relay.test"] } }],
  [
    "a network that holds the address: nothing is known of networks",
    { root: constrained([network(192, 0, 2, 0, 255, 255, 255, 0)]), fault: "forbidden-name" },
  ],
  ["another network", { root: constrained([network(192, 0, 3, 0, 255, 255, 255, 0)]), fault: "forbidden-name" }],
  ["an excluded network", { root: constrained([], [network(192, 0, 0, 0, 255, 255, 0, 0)]), fault: "forbidden-name" }],
  [
    "a network of the other family",
    { root: constrained([network(...new Array(32).fill(0))]), fault: "forbidden-name" },
  ],
  ["the subject", { root: constrained([subject("leaf")]), middle: "none" }],
  ["the subject in other letters", { root: constrained([subject("LEAF")]), middle: "none" }],
  ["another subject", { root: constrained([subject("other")]), middle: "none", fault: "forbidden-name" }],
  ["an excluded subject", { root: constrained([], [subject("leaf")]), fault: "forbidden-name" }],
  ["mail addresses, of which there are none", { root: constrained([der(0x81, "example.org")]) }],
  ["a minimum", { root: constrained([dnsName("test")], [], "\x80\x01\x01"), fault: "forbidden-name" }],
])("%s", async (_, { root: rootShape = CA, middle: middleShape = CA, leaf: leafShape = {}, trusted, fault }) => {
  const root = await pki.craft("root", { ...rootShape, isRoot: true });
  const middle = middleShape === "none" ? undefined : await below(root, "middle", middleShape);
  const leaf = await below(middle ?? root, "leaf", { ...LEAF, ...leafShape });
  const certPem = [leaf, ...(middle === undefined ? [] : [middle])].map((each) => each.certPem).join("\n");

  const [first, ...others] = certificatesIn(certPem, "chain");
  const own = trusted === "middle" ? [] : [root.certPem];
  const ca = { ...root, certPem: [...(trusted !== undefined && middle ? [middle.certPem] : []), ...own].join("\n") };
  const anchors = certificatesIn(ca.certPem, "anchors");
  const judged = findChain(first!, others, anchors, Date.now(), "server");
  const relay = relayHost(pki, { credential: { ...leaf, certPem }, clientAuth: "optional" });
  const client = clientHost(pki, { ca });
  connect(client, relay, ["relay.test"]);
  const verdict = judged.ok ? undefined : judged.fault;
  expect([client.events[0]?.type, verdict]).toEqual([
    fault === undefined ? "connected" : "dial-failed",
    fault as never,
  ]);
});

async function below(issuer: TestCredential, name: string, shape: LeafShape): Promise<TestCredential> {
  return pki.craft(name, { ...shape, signer: await openAuthority(issuer.certPem, issuer.keyPem) });
}
