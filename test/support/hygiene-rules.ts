// What must never be in the repository: keys, real addresses, somebody's paths, switched-off host checks.
import { isIPv6 } from "node:net";
import type { Rule } from "./architecture-rules.ts";

export const noKeyMaterial: Rule = ({ path, text }) => {
  const faults: string[] = [];
  if (KEY_FILE.test(path)) faults.push("a key file is tracked");
  if (PEM_KEY.test(text)) faults.push("holds a private key (PEM)");
  if (DER_KEY.test(text)) faults.push("holds a private key (base64 of a PKCS #8 structure)");
  if (ENCODED_PEM_KEY.test(text)) faults.push("holds a private key (base64 of PEM, as in a Kubernetes secret)");
  return faults;
};

const KEY_FILE = /\.(?:key|p12|pfx|jks|pkcs12|der|pem|crt|cer)$|(?:^|\/)id_(?:rsa|ed25519|ecdsa)$|^\.env$|^certs\//;
/** A header alone is text that code may need; a header with a body is a key. Diff lines may begin with "+". */
const PEM_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:\\n|\s|\+|["'`,])+[A-Za-z0-9+/]{40}/;
const DER_KEY = new RegExp(
  `${"MIGHAgEA" + "MBMGByqG"}|${"MC4CAQAw" + "BQYDK2Vw"}|MII[A-Za-z0-9+/]{3,5}${"IBADANBgkq" + "hkiG9w0BAQEF"}`,
);
/** "-----BEGIN (EC |RSA |OPENSSH )PRIVATE KEY" and a body after it. */
const ENCODED_PEM_KEY = new RegExp(
  `${"LS0tLS1CRUdJ" + "Ti"}(?:BQUklWQVRF|BFQyBQUklWQVRF|BSU0EgUFJJVkFU|BPUEVOU1NIIFBS)[A-Za-z0-9+/=]{60}`,
);

/** Only loopback, private and documentation ranges; a real address in a default sends traffic to a stranger. */
export const onlyReservedAddresses: Rule = ({ path, text }) => {
  if (path === "bun.lock" || path === "LICENSE") return [];
  const faults: string[] = [];
  for (const [candidate] of text.replaceAll(SECTION, "").matchAll(IPV4_TEXT)) {
    if (isIpv4(candidate) && !RESERVED_IPV4.test(candidate) && !OBJECT_IDENTIFIER.test(candidate))
      faults.push(candidate);
  }
  for (const [candidate] of text.matchAll(IPV6_TEXT)) {
    if (isIPv6(candidate) && ROUTABLE_IPV6.test(candidate) && !DOCUMENTS_IPV6.test(candidate)) faults.push(candidate);
  }
  return faults.map((address) => `${address} is outside the loopback, private and documentation ranges`);
};

const IPV4_TEXT = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)/g;
const IPV6_TEXT = /(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])/g;
/** Sections of RFCs can have four numbers. */
const SECTION = /\bsections? \d+(?:\.\d+)+/g;
/** Loopback, RFC 1918, shared, link-local, documentation, benchmarking, multicast and reserved. */
const RESERVED_IPV4 =
  /^(?:0\.|10\.|127\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|192\.0\.[02]\.|198\.1[89]\.|198\.51\.100\.|203\.0\.113\.|22[4-9]\.|2[345]\d\.)/;
/** X.520 attributes, certificate extensions and Edwards-curve keys have four arcs, as an address has. */
const OBJECT_IDENTIFIER = /^(?:2\.5\.(?:4|29)|1\.3\.101)\.\d+$/;
/** Addresses in use begin with 2 or 3; of those only 2001:db8::/32 is for documents. */
const ROUTABLE_IPV6 = /^[23][0-9a-f]{3}:/i;
const DOCUMENTS_IPV6 = /^2001:0?db8:/i;

function isIpv4(text: string): boolean {
  return text.split(".").every((part) => Number(part) <= 255 && !/^0\d/.test(part));
}

export const noMachinePaths: Rule = ({ text }) => {
  const match = MACHINE_PATH.exec(text);
  return match === null ? [] : [`${match[0].trim()}: a path of somebody's machine`];
};

const MACHINE_PATH = /(?<![\w.$}-])\/(?:home|Users|root|work|workspace|mnt\/[a-z])\/[\w.-]|\b[A-Z]:\\+Users\\/;

/** Whoever sits between is then believed to be the host. */
export const hostKeysChecked: Rule = ({ text }) =>
  HOST_CHECK_OFF.test(text) ? ["switches host key checking off"] : [];

const HOST_CHECK_OFF =
  /StrictHostKeyChecking["']?[:= ]+["']?(?:no|off)\b|(?:User|Global)KnownHostsFile["']?[:= ]+["']?(?:\/dev\/null|none)\b/i;
