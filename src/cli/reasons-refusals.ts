// Why somebody is turned away: the reason codes of handshakes, of registrations and of credential files.
import type { BackendFailure } from "../connector/backend.ts";
import type { LeafFault } from "../identity/leaf-policy.ts";
import type { DenialReason } from "../identity/policy.ts";
import type { CredentialReason } from "../pki/credential-fault.ts";
import type { PeerRefusal } from "../quic/stats.ts";
import type { RejectionReason } from "../relay/stats.ts";
import type { DialFailure } from "../tunnel/peer.ts";
import type { Explanation } from "./reasons.ts";

/** What else is said in a close or a NACK. */
type Said = "limit" | "superseded";

const BOTH = "the end that verifies the certificate";
const ISSUE = "issue a proper leaf: ztna certs issue";

export const HANDSHAKES: Readonly<Record<DialFailure | PeerRefusal | LeafFault | Said, Explanation>> = {
  unreachable: explained("nothing answered", "the end that dials", "check host, port and firewalls: ztna doctor"),
  refused: explained(
    "the other end closed the connection without a reason that we know",
    "the other end",
    "read the log of the other end",
  ),
  "no-client-cert": explained("the relay wants a certificate", "relay", "give --client-cert and --client-key"),
  "unknown-ca": explained("the certificate is of another authority", BOTH, "check --ca-cert here and on the relay"),
  expired: explained("the certificate is past its end", BOTH, "issue a new certificate; check clocks"),
  "not-yet-valid": explained("the certificate is not valid yet", BOTH, "check the clocks of both hosts"),
  "wrong-purpose": explained(
    "the certificate is not for this side of a connection",
    BOTH,
    "clients need clientAuth, relays serverAuth: issue it again",
  ),
  "wrong-name": explained(
    "the relay's certificate does not carry the name that was dialled",
    "the end that dials",
    "name the relay as its certificate does: --server-name",
  ),
  "bad-certificate": explained("the certificate cannot be used", BOTH, "look at it: ztna certs verify"),
  "weak-key": explained("RSA below 2048 bits, or an elliptic curve below 256", BOTH, ISSUE),
  "ca-as-leaf": explained("the certificate is that of an authority", BOTH, ISSUE),
  "no-name": explained("the certificate has no common name", BOTH, ISSUE),
  alpn: explained("the other end speaks another protocol", "relay", "check host and port: the other end is no ztna"),
  resumed: explained(
    "the peer wanted to resume an earlier TLS session, which skips the certificate",
    "relay",
    "connect anew; clients of ztna never resume",
  ),
  revoked: explained("the certificate has been revoked", "relay", "ask the operator of the relay for a new one"),
  limit: explained(
    "the relay is at one of its limits",
    "relay",
    "raise the limit on the relay (--max-…) or register fewer services; its metrics say which",
  ),
  superseded: explained("a newer connection of the same client took over", "the end that dials", "nothing to do"),
};

export const REGISTRATIONS: Readonly<Record<RejectionReason | DenialReason | BackendFailure, Explanation>> = {
  malformed: explained("the service id is not UTF-8, or the request is cut off", "relay", "check the client"),
  "not-granted": explained(
    "no name of the certificate grants this role for this service",
    "relay",
    "issue a certificate that names the service; the relay's log names the rule and the name to issue",
  ),
  "no-ztna-name": explained(
    "the certificate carries no ZTNA name at all",
    "relay",
    "issue one with --agent or --connector, or start the relay with --allow-legacy-certs",
  ),
  held: explained(
    "a live connector of another identity serves the service",
    "relay",
    "end the other connector, or share the service: --takeover pool",
  ),
  displaced: explained("a newer connector took the service over", "relay", "end one of the two"),
  rate: explained("registrations come too fast", "relay", "raise --max-registrations-per-second"),
  "services-per-connection": explained("the connection holds too many", "relay", "raise --max-services-per-connection"),
  "registrations-per-identity": explained(
    "the certificate's holder has too many registrations",
    "relay",
    "raise --max-registrations-per-identity, or give each host a certificate of its own",
  ),
  "connectors-per-service": explained("too many serve it already", "relay", "raise --max-connectors-per-service"),
  services: explained("the relay knows too many services", "relay", "raise --max-services"),
  unresolved: explained("the backend's name has no address", "connector", "check --forward and the name server"),
  refused: explained("nothing listens at the backend's address", "connector", "start the backend, or check --forward"),
  unreachable: explained("there is no way to the backend", "connector", "check --forward, routes and firewalls"),
  timeout: explained(
    "the backend did not answer in time",
    "connector",
    "check --forward and the firewalls in between; --dial-timeout is how long it may take",
  ),
  "no-socket": explained("the system gave no socket", "connector", "raise the limit of open files (ulimit -n)"),
};

const HERE = "the side that reads the file";

export const FILES: Readonly<Record<CredentialReason, Explanation>> = {
  missing: explained("the file is not there", HERE, "check the path"),
  directory: explained("the path is a directory", HERE, "name the file in it"),
  unreadable: explained("the file cannot be opened", HERE, "check owner and mode"),
  empty: explained("nothing is in the file", HERE, "write it again"),
  "too-large": explained("the file is larger than any credential", HERE, "check the path"),
  "not-pem": explained("no PEM text, or one that is cut off", HERE, "convert it with openssl, or copy it again"),
  "bad-certificate": explained("a block is no certificate", HERE, ISSUE),
  "no-certificate": explained("the file holds something else than a certificate", HERE, "check the path"),
  "bad-key": explained("the file holds no usable private key, or several", HERE, "leave one key in it"),
  "no-key": explained("the file holds no private key", HERE, "check the path"),
  "encrypted-key": explained("the key has a passphrase", HERE, "remove it: openssl pkey"),
  "open-key": explained("everybody may read the key", HERE, "chmod 600, or pass --allow-open-keys"),
  mismatch: explained("the key belongs to another certificate", HERE, "give the two that were issued together"),
  expired: explained("the certificate is past its end", HERE, "issue a new one; check the clock"),
  "not-yet-valid": explained("the certificate is not valid yet", HERE, "check the clock"),
  "not-a-ca": explained("a certificate that may not sign others is given as CA", HERE, "give the authority's own"),
  "ca-as-leaf": explained("a CA certificate comes first", HERE, "give the leaf first"),
  "weak-key": explained("RSA below 2048 bits, or an elliptic curve below 256", HERE, ISSUE),
  "wrong-purpose": explained("the certificate is for the other side of a connection", HERE, ISSUE),
  "no-name": explained("the certificate has no common name", HERE, ISSUE),
  "bad-crl": explained("a block is no complete revocation list", HERE, "make it: ztna certs revoke"),
  "foreign-crl": explained("the revocation list is not signed by the CA", HERE, "give the list of the CA in --ca-cert"),
};

function explained(meaning: string, decidedBy: string, fix: string): Explanation {
  return { meaning, decidedBy, fix };
}
