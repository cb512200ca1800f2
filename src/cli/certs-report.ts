// What init and issue tell of the files that they made: paths and facts, never the keys.

import type { Issued } from "../pki/authority.ts";
import { describeGrant, viewCertificate } from "../pki/inspect.ts";
import { readCertificates } from "../pki/key-material.ts";
import { type NewFile, writeStored } from "../pki/store.ts";
import type { Terminal } from "./terminal.ts";

/** A certificate and its key, and where they go. */
export interface MadePair {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly issued: Issued;
}

/** Writes all of them or none, then reports. */
export function deliver(
  pairs: readonly MadePair[],
  options: { readonly force: boolean; readonly json: boolean },
  terminal: Terminal,
): void {
  const files = pairs.flatMap(({ certificateFile, keyFile, issued }): NewFile[] => [
    { path: keyFile, text: issued.keyPem },
    { path: certificateFile, text: issued.certificatePem },
  ]);
  writeStored(files, options);
  const certificates = pairs.map(({ certificateFile, keyFile }) => {
    const [certificate] = readCertificates(certificateFile);
    if (certificate === undefined) throw new Error(`${certificateFile} holds nothing after it was written`);
    return { certificate_file: certificateFile, key_file: keyFile, ...viewCertificate(certificate, Date.now()) };
  });
  if (options.json) {
    terminal.out(`${JSON.stringify({ schema_version: 1, certificates }, null, 2)}\n`);
    return;
  }
  for (const { certificate_file, key_file, kind, not_after, grants, dns_names, addresses } of certificates) {
    const rights = grants.map(describeGrant).join(", ");
    const names = kind === "ca" ? "" : [...dns_names, ...addresses].join(", ");
    const what = rights === "" ? names : rights;
    terminal.out(
      `${certificate_file}  ${kind === "ca" ? "CA" : kind} certificate until ${not_after.slice(0, 10)}${what === "" ? "" : `: ${what}`}\n`,
    );
    terminal.out(`${key_file}  its private key\n`);
  }
}
