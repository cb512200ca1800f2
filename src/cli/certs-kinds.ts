// The kinds of values that only certificates have.
import { isServiceName } from "../identity/grant.ts";
import { canonicalIp } from "../identity/ip-name.ts";
import { isHostPattern } from "../pki/host-pattern.ts";
import { type KeyType, parseKeyType } from "../pki/key-type.ts";
import { isObjectName } from "../pki/secret-record.ts";
import { count, type Kind } from "./option-kinds.ts";

/** Names the files and the holder, who is shown in logs. The authority's own files are called "ca". */
export const holderName = kind(
  "NAME",
  'a name of letters, digits, dots, hyphens and underscores, at most 64, and not "ca"',
  (value) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value) && value.toLowerCase() !== "ca" ? value : undefined),
);

export const authorityName = kind("NAME", "a name of 1 to 64 characters without control characters", (value) =>
  /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(value) && value.trim() === value ? value : undefined,
);

/** Nothing else may reach a name that grants rights. */
export const service = kind(
  "SERVICE",
  'a service name (a-z, 0-9, dots and hyphens, at most 200) or "*" for every service',
  (value) => (value === "*" || isServiceName(value) ? value : undefined),
);

export const hostPattern = kind(
  "HOST",
  "a host name, such as relay.example.org or *.example.org (addresses go into --address)",
  (value) => (isHostPattern(value) ? value.toLowerCase() : undefined),
);

export const address = kind("IP", "an IPv4 or IPv6 address", canonicalIp);

export const keyType = kind<KeyType>(
  "TYPE",
  "one of ecdsa, ecdsa-p256, ecdsa-p384, rsa, rsa-2048, rsa-3072, rsa-4096, ed25519",
  parseKeyType,
);

/** Of Kubernetes. */
export const objectName = kind(
  "NAME",
  "the name of a Kubernetes object: lower-case letters, digits, hyphens and dots",
  (value) => (isObjectName(value) ? value : undefined),
);

/** As certificates carry it: hex of the number's bytes, whose first bit is the sign. */
export const serialNumber = kind(
  "HEX",
  "a serial number in hex, at most 20 bytes, as openssl and ztna show it",
  (value) => {
    const digits = value
      .replace(/^0x/i, "")
      .replaceAll(":", "")
      .toLowerCase()
      .replace(/^0+(?=.)/, "");
    if (!/^[0-9a-f]{1,40}$/.test(digits)) return undefined;
    const bytes = digits.length % 2 === 0 ? digits : `0${digits}`;
    return /^[89a-f]/.test(bytes) ? `00${bytes}` : bytes;
  },
);

export const MAX_DAYS = 36_500;
export const days: Kind<number> = { ...count(1, MAX_DAYS), placeholder: "DAYS" };

export const directory: Kind<string> = {
  ...kind("DIR", "the path of a directory", (value) => (value === "" ? undefined : value)),
  completes: "directories",
};

function kind<T = string>(placeholder: string, expected: string, parse: (text: string) => T | undefined): Kind<T> {
  return { placeholder, expected, parse, schema: (z) => z.string() };
}
