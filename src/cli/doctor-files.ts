// What the doctor looks at in credential files: whether each serves its purpose, who may read the keys, how long until
// they expire.
import { CredentialFault } from "../pki/credential-fault.ts";
import { loadOwnCredentials, loadTrustAnchors } from "../pki/credentials.ts";
import { dayOf, daysUntil } from "../pki/dates.ts";
import { failure, ok, type Row, warning } from "./doctor-row.ts";

export interface CredentialFiles {
  readonly caCert: string | undefined;
  /** Of a relay. */
  readonly server: Pair | undefined;
  readonly client: Pair | undefined;
  readonly allowOpenKeys: boolean;
}

export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export function fileRows(files: CredentialFiles, wallNow: number): readonly Row[] {
  const { caCert, server, client, allowOpenKeys } = files;
  const rows: Row[] = [];
  if (caCert !== undefined) rows.push(judge("ca", caCert, wallNow, () => loadTrustAnchors(caCert, wallNow)));
  for (const [purpose, pair] of [["server", server] as const, ["client", client] as const]) {
    if (pair === undefined) continue;
    const load = () => loadOwnCredentials(pair, purpose, { allowOpenKeys }, wallNow);
    rows.push(judge(`${purpose}-certificate`, pair.certificate, wallNow, load));
  }
  return rows;
}

interface Loaded {
  readonly notAfter: number;
  readonly warnings: readonly string[];
}

/** The loader's own sentences name the file and end with what to do. */
function judge(check: string, file: string, wallNow: number, load: () => Loaded): Row {
  try {
    const { notAfter, warnings } = load();
    const detail = `${file} is valid until ${dayOf(notAfter)}, ${daysUntil(notAfter, wallNow)} days`;
    if (warnings.length === 0) return ok(check, detail);
    const split = warnings.map(apart);
    return warning(check, split.map(([what]) => what).join("; "), split.map(([, remedy]) => remedy).join("; "));
  } catch (error) {
    if (!(error instanceof CredentialFault)) throw error;
    return failure(check, ...apart(error.message));
  }
}

function apart(sentence: string): [string, string] {
  const [what = "", ...rest] = sentence.split("; ");
  return [what, rest.length === 0 ? "issue it again: ztna certs issue" : rest.join("; ")];
}
