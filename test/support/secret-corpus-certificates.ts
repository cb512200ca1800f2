// The part of the corpus in which the values are what they should be, and the certificates are not what is needed.
import { x509 } from "../../src/pki/x509-library.ts";
import { der, dnsName } from "./certificate-bytes.ts";
import type { TestCredential } from "./pki.ts";
import type { CorpusBase, CorpusCase, CorpusValues } from "./secret-corpus.ts";
import { asCa, asConnector, asRelay, type Made, make } from "./secret-material.ts";

export async function leafCases({
  pki,
  ca,
  relayValues,
  connectorValues,
  connector,
}: CorpusBase): Promise<readonly CorpusCase[]> {
  const relayWith = async (shape: object) => {
    const made = await make("relay", { ...asRelay, issuer: ca, ...shape });
    return { ...relayValues, crt: made.crt, key: made.key };
  };
  const connectorWith = async (shape: object) => {
    const made = await make("connector", { ...asConnector, issuer: ca, ...shape });
    return { ...connectorValues, crt: made.crt, key: made.key };
  };
  const bad = ({ certPem, keyPem }: TestCredential, role: CorpusValues["role"]): CorpusValues => ({
    ...{ role, crt: certPem, key: keyPem, ca: pki.ca.certPem },
  });
  const { badServers, badClients } = pki;
  return [
    { name: "expired", ...(await relayWith({ from: -9, to: -1 })), expected: ["expired:8"] },
    { name: "an expired client", ...(await connectorWith({ from: -9, to: -1 })), expected: ["expired:8"] },
    { name: "valid from tomorrow", ...(await relayWith({ from: 1 })), expected: ["not-yet-valid:8"] },
    { name: "valid in two minutes", ...(await relayWith({ from: 2 / 1440 })), expected: ["clock-margin:8"] },
    { name: "valid in ten minutes", ...(await relayWith({ from: 10 / 1440 })), expected: ["not-yet-valid:8"] },
    { name: "twenty days left", ...(await relayWith({ to: 20.5 })), expected: ["expires-soon:8"] },
    { name: "a weak key", ...bad(badServers.weakRsa, "relay"), expected: ["weak-key:8"] },
    { name: "a weak key of a client", ...bad(badClients.weakRsa, "agent"), expected: ["weak-key:8"] },
    { name: "a CA as leaf", ...bad(badServers.caAsLeaf, "relay"), expected: ["ca-as-leaf:8", "ca-key-shipped:9"] },
    { name: "a client for a relay", ...(await relayWith({ usage: "client" })), expected: ["wrong-eku:8"] },
    { name: "no use for a relay", ...bad(badServers.noPurpose, "relay"), expected: ["wrong-eku:8"], isStricter: true },
    { name: "a server for a connector", ...(await connectorWith({ usage: "server" })), expected: ["wrong-eku:8"] },
    { name: "no use for an agent", ...bad(badClients.noPurpose, "agent"), expected: ["wrong-eku:8"], isStricter: true },
    { name: "no name of a relay", ...(await relayWith({ names: [] })), expected: ["missing-name:8"] },
    { name: "a relay under another name", ...relayValues, names: ["else.example.org"], expected: ["missing-name:8"] },
    {
      name: "a connector without a ZTNA name",
      ...(await connectorWith({ names: ["host.example.org"] })),
      expected: ["missing-name:8"],
    },
    {
      name: "an agent for a connector",
      ...(await connectorWith({ names: ["agent.web.ztna"] })),
      expected: ["missing-name:8"],
    },
    {
      name: "a connector of another service",
      ...connectorValues,
      services: ["web", "db"],
      expected: ["missing-name:8"],
    },
    {
      name: "a client without a common name",
      ...bad(badClients.noCommonName, "agent"),
      expected: ["no-common-name:8"],
    },
    { name: "a signature with SHA-1", ...(await relayWith({ hash: "SHA-1" })), expected: ["weak-signature:8"] },
    { name: "two leaves", ...connectorValues, crt: connector.crt + pki.agent.certPem, expected: ["several-leaves:8"] },
    {
      name: "two leaves, the key of the second",
      ...connectorValues,
      crt: pki.agent.certPem + connector.crt,
      expected: ["chain-order:8"],
    },
  ];
}

export async function chainCases({ ca, relay, pki, relayValues }: CorpusBase): Promise<readonly CorpusCase[]> {
  const middle = await make("Middle", { ...asCa, issuer: ca });
  const lower = await make("Lower", { ...asCa, issuer: middle });
  const deep = await make("deep", { ...asRelay, issuer: middle });
  const deeper = await make("deeper", { ...asRelay, issuer: lower });
  const otherRoot = await make("Second Root", asCa);
  const crossed = await make("Middle", { ...asCa, issuer: otherRoot, keys: middle.keys });
  const staleMiddle = await make("Middle", { ...asCa, issuer: ca, keys: middle.keys, from: -9, to: -1 });
  const staleCa = await make("Corpus CA", { ...asCa, keys: ca.keys, from: -9, to: -1 });
  const shortRoot = await make("Short Root", { ...asCa, pathLength: 0 });
  const belowShort = await make("Below", { ...asCa, issuer: shortRoot });
  const tooDeep = await make("too deep", { ...asRelay, issuer: belowShort });
  const fakeCa = await make("relay as CA", { ...asRelay, issuer: ca });
  const forged = await make("forged", { ...asRelay, issuer: fakeCa });
  const namesake = await make("Corpus CA", asCa);
  const own = await make("own", asRelay);
  const oldRoot = await make("Old Root", { ...asCa, hash: "SHA-1" });
  const belowOld = await make("below old", { ...asRelay, issuer: oldRoot });
  const shortLived = await make("Corpus CA", { ...asCa, keys: ca.keys, to: 9.5 });
  const unknown = new x509.Extension("1.2.3.4.5", true, der(0x05));
  const critical = await make("critical", { ...asRelay, issuer: ca, extensions: [unknown] });
  const bound = der(0x30, der(0xa0, der(0x30, dnsName("example.net"))));
  const bounded = await make("Bounded Root", {
    ...asCa,
    extensions: [new x509.Extension("2.5.29.30", true, bound)],
  });
  const outside = await make("outside", { ...asRelay, issuer: bounded });
  const clientMiddle = await make("Client Middle", { ...asCa, issuer: ca, usage: "client" });
  const belowClient = await make("below client", { ...asRelay, issuer: clientMiddle });
  const weakRoot = await pki.craft("Weak Root", { isCa: true, weakKey: true, dnsNames: [] });
  const one = (name: string, crt: string, { key }: Made, caPem: string, ...expected: string[]): CorpusCase => ({
    ...{ name, ...relayValues, crt, key, ca: caPem === "" ? (undefined as never) : caPem, expected },
  });
  return [
    one("an intermediate", deep.crt + middle.crt, deep, ca.crt),
    one("two intermediates", deeper.crt + lower.crt + middle.crt, deeper, ca.crt),
    one("two intermediates in the wrong order", deeper.crt + middle.crt + lower.crt, deeper, ca.crt),
    one("the root sent along", deep.crt + middle.crt + ca.crt, deep, ca.crt),
    one("a cross-signed intermediate", deep.crt + crossed.crt + middle.crt, deep, otherRoot.crt),
    one(
      "the wrong one of two cross-signed first",
      deep.crt + middle.crt + crossed.crt,
      deep,
      otherRoot.crt,
      "chain-incomplete:8",
    ),
    one("a CA that was renewed with its key", relay.crt, relay, staleCa.crt + ca.crt),
    one("an expired intermediate before its successor", deep.crt + staleMiddle.crt + middle.crt, deep, ca.crt),
    one("a CA that signed itself with SHA-1", belowOld.crt, belowOld, oldRoot.crt),
    one("a CA with nine days left", relay.crt, relay, shortLived.crt, "expires-soon:8"),
    one("a weak CA in the bundle", relay.crt, relay, `${weakRoot.certPem}\n${ca.crt}`, "weak-key:10"),
    one("the intermediate first", middle.crt + deep.crt, deep, ca.crt, "chain-order:8"),
    one("an intermediate for the root", deep.crt, deep, middle.crt, "chain-incomplete:8"),
    one("an intermediate beside the root", deep.crt, deep, middle.crt + ca.crt),
    one("a critical extension that nobody knows", critical.crt, critical, ca.crt, "chain-invalid:8"),
    {
      ...one("a critical extension, and no CA", critical.crt, critical, "", "chain-invalid:8", "no-ca:4"),
      isStricter: true,
    },
    one("a name that the CA may not issue for", outside.crt, outside, bounded.crt, "chain-invalid:8"),
    one("an intermediate for clients", belowClient.crt + clientMiddle.crt, belowClient, ca.crt, "chain-invalid:8"),
    one("no intermediate", deep.crt, deep, ca.crt, "chain-incomplete:8"),
    one("the lower of two intermediates only", deeper.crt + lower.crt, deeper, ca.crt, "chain-incomplete:8"),
    one("another CA", relay.crt, relay, pki.otherCa.certPem, "chain-incomplete:8"),
    one("a CA made anew under the old name", relay.crt, relay, namesake.crt, "chain-invalid:8"),
    one("an expired CA", relay.crt, relay, staleCa.crt, "expired:10", "expired:8"),
    one("an expired intermediate", deep.crt + staleMiddle.crt, deep, ca.crt, "expired:8"),
    one("too many CAs below a CA", tooDeep.crt + belowShort.crt, tooDeep, shortRoot.crt, "chain-invalid:8"),
    one("a leaf that issues", forged.crt + fakeCa.crt, forged, ca.crt, "chain-incomplete:8", "several-leaves:8"),
    one("a leaf as the CA", relay.crt, relay, relay.crt, "chain-incomplete:8", "not-a-ca:10"),
    { ...one("a leaf that is its own CA", own.crt, own, own.crt, "chain-invalid:8", "not-a-ca:10"), isStricter: true },
  ];
}
