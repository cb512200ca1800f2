// A secret as every source gives it: a directory, a manifest or a cluster. And how its names are shown: only as long as
// they look like names, because whoever pastes a key into the wrong field must not find it in a log.
import type { Finding, Place } from "./findings.ts";

export interface SecretRecord {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** Of manifests and clusters. */
  readonly type?: string | undefined;
  readonly origin: "directory" | "manifest" | "cluster";
  /** Sources are examined one by one: every one must hold what is expected. */
  readonly source: string;
  readonly place: Place;
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Keys whose value could not be decoded, about which there is a finding already. */
  readonly unusable: ReadonlySet<string>;
}

export interface SecretValue {
  readonly bytes: Uint8Array;
  readonly place: Place;
  /** Permission bits of the file that it is in. */
  readonly mode?: number | undefined;
}

/** What a source gave. */
export interface Gathered {
  readonly records: readonly SecretRecord[];
  readonly findings: readonly Finding[];
  readonly references: readonly SecretReference[];
  /** Secrets that something in the cluster makes at deployment: cert-manager, sealed and external secrets. */
  readonly promised: readonly { readonly name: string; readonly namespace?: string | undefined; readonly by: string }[];
}

export interface SecretReference {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly keys: readonly string[];
  readonly place: Place;
  /** "Deployment relay" */
  readonly by: string;
}

export function gathered(parts: Partial<Gathered>): Gathered {
  return { records: [], findings: [], references: [], promised: [], ...parts };
}

/** "ztna/relay-tls". In a directory it is the name of a file, which the place tells anyway. */
export function secretName({
  name,
  namespace,
  origin,
}: Pick<SecretRecord, "name" | "namespace"> & Partial<Pick<SecretRecord, "origin">>): string {
  if (origin === "directory") return name;
  return namespace === undefined ? shownName(name) : `${shownName(namespace)}/${shownName(name)}`;
}

/** Names of objects are lower-case, which base64 hardly ever is. */
export function shownName(name: string): string {
  return /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/.test(name) ? name : `(a name of ${name.length} characters)`;
}

export function shownKey(key: string): string {
  return /^[-._a-zA-Z0-9]{1,40}$/.test(key) ? key : `(a key of ${key.length} characters)`;
}

/** As Kubernetes accepts it. */
export function isObjectName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text);
}

/** As Kubernetes accepts it. */
export function isDataKey(key: string): boolean {
  return /^[-._a-zA-Z0-9]{1,253}$/.test(key);
}

export function sameNamespace(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

export const TLS_TYPE = "kubernetes.io/tls";
export const CERTIFICATE_KEY = "tls.crt";
export const PRIVATE_KEY = "tls.key";
export const CA_KEY = "ca.crt";
