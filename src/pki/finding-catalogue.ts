// Everything that validate-secrets can find: a stable id, how grave it is, the cause and the remedy. README.md repeats
// this table, and a test keeps the two equal.

/** `unreadable` and `unreachable` say that a source could not be examined, which is neither good nor bad. */
export type FindingLevel = "fail" | "warn" | "unreadable" | "unreachable";

export interface FindingKind {
  readonly level: FindingLevel;
  readonly cause: string;
  readonly remedy: string;
}

export type FindingId = keyof typeof FINDINGS;

export const FINDINGS = {
  "missing-secret": fail("an expected secret is in none of the places", "create it, or name other secrets in --expect"),
  "wrong-namespace": fail("the secret exists, but in another namespace", "move it, or name its namespace"),
  "unresolved-reference": fail(
    "a manifest refers to a secret that is not there",
    "add the secret, or correct the reference",
  ),
  "missing-key": fail("the secret lacks a key that is needed", "add the key: tls.crt, tls.key or what is referred to"),
  "wrong-type": fail(
    "the secret is not of the type kubernetes.io/tls",
    "create it anew as kubernetes.io/tls; the type cannot be changed",
  ),
  "duplicate-secret": fail("two secrets have the same name, and only one of them would stay", "remove one of the two"),
  "duplicate-key": fail("a key occurs twice in one mapping", "remove one of the two"),
  "shadowed-value": warn("data and stringData give the same key, and stringData wins", "keep one of the two"),
  "bad-manifest": fail("the file is not valid YAML or JSON", "correct the line; kubectl would refuse the file"),
  "bad-secret": fail(
    "the manifest is not a proper Secret",
    "give it a name, and data or stringData that map keys to texts",
  ),
  "too-large": fail(
    "there is more than any proper deployment holds",
    "split it; the limits are 10 MB, 5,000 documents, 100 aliases and 32 certificates in one value",
  ),
  "bad-base64": fail("a value under data is not base64", "encode it with base64 -w0, or put the text under stringData"),
  "empty-value": fail("the value is empty", "put the key material in"),
  placeholder: fail("a placeholder was left in place of the value", "replace it with what it stands for"),
  "not-pem": fail("the value is not PEM, or is cut off or garbled", "store the PEM text as it was issued"),
  "der-not-pem": fail("the value is DER, not PEM", "convert it: openssl x509 -inform der, or openssl pkey -inform der"),
  "swapped-halves": fail("certificate and private key are in each other's place", "exchange the two"),
  "bad-certificate": fail("the value is not a certificate", "issue it again"),
  "bad-key": fail("the value is not a private key that is supported", "make it again: ztna certs issue"),
  "encrypted-key": fail("the private key needs a passphrase, which no daemon has", "remove it: openssl pkey -in KEY"),
  "several-keys": fail("the value holds several private keys", "leave the one that belongs to the certificate"),
  "key-in-certificate": fail(
    "a private key is in a value that is meant to be public",
    "remove it, and replace the key if the value was published",
  ),
  "key-mismatch": fail("the private key belongs to another certificate", "give the two that were issued together"),
  "ca-as-leaf": fail("a CA certificate is in the leaf's place", "issue a leaf from it: ztna certs issue"),
  "chain-order": fail("the certificate that belongs to the key is not the first", "put the leaf first"),
  "several-leaves": warn("a second leaf follows the first and is of no use", "leave the leaf and its intermediates"),
  "chain-incomplete": fail(
    "no given certificate issued the leaf, or an intermediate is missing",
    "give the CA that issued it as ca.crt, and the intermediates after the leaf",
  ),
  "chain-invalid": fail(
    "a signature of the chain does not hold, or an authority in it may not issue this certificate",
    "take the CA file that was made together with the certificate, or issue from a proper CA",
  ),
  "no-ca": warn("no CA certificate is given, so the chain was not verified", "add ca.crt, or pass --ca-cert"),
  "not-a-ca": fail("ca.crt holds a certificate that is no CA", "put the authority's own certificate there"),
  expired: fail("a certificate has expired", "renew it: ztna certs issue"),
  "not-yet-valid": fail("a certificate is not valid yet", "check the clock, or issue it again"),
  "clock-margin": warn(
    "a certificate becomes valid within minutes; peers whose clocks are behind refuse it",
    "wait before it is deployed",
  ),
  "expires-soon": warn("a certificate expires within --min-days", "renew it now"),
  "weak-key": fail("the key is too weak", "issue it again with ECDSA P-256 or RSA 2048"),
  "weak-signature": fail("a certificate is signed with MD5 or SHA-1", "issue it again with SHA-256"),
  "wrong-eku": fail(
    "the certificate is not for the use that the role makes of it",
    "relays need serverAuth, connectors and agents clientAuth, all of them digitalSignature",
  ),
  "missing-name": fail(
    "the certificate lacks a name that the role needs",
    "issue it with the relay's host names, or with a ZTNA name such as connector.web.ztna",
  ),
  "no-common-name": fail("a client certificate has no common name, so nobody knows whose it is", "issue it with one"),
  "no-rights": warn(
    "a client certificate carries no ZTNA name, or a certificate no use",
    "issue it again if it is meant for ztna: ztna certs issue",
  ),
  "ca-key-shipped": fail(
    "the private key of a CA would be deployed",
    "keep it offline; replace the CA if this was published",
  ),
  "public-test-key": fail("the private key is published, anybody has it", "make a key of your own: ztna certs issue"),
  "open-key": fail("a private key can be read by everybody on this host", "chmod 600 FILE, or pass --allow-open-keys"),
  "group-readable-key": warn("a private key can be read by its group", "chmod 600 FILE"),
  unreadable: {
    level: "unreadable",
    cause: "a file or a directory cannot be opened or read",
    remedy: "check the path, its owner and its mode",
  },
  "cluster-forbidden": {
    level: "unreachable",
    cause: "the cluster does not let this user read the secret",
    remedy: "allow get on secrets in the namespace, or choose another --context",
  },
  "cluster-unreachable": {
    level: "unreachable",
    cause: "kubectl is missing, gives no sensible answer, or does not reach the cluster",
    remedy: "check kubectl, --context and the network, then run it again",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

function fail(cause: string, remedy: string): FindingKind & { readonly level: "fail" } {
  return { level: "fail", cause, remedy };
}

function warn(cause: string, remedy: string): FindingKind & { readonly level: "warn" } {
  return { level: "warn", cause, remedy };
}
