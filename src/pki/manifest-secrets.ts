// Kubernetes objects -> the secrets that they are, promise or refer to.
import type { Finding, Place } from "./findings.ts";
import { referencesIn } from "./manifest-references.ts";
import { at, itemsAt, type Tree, type TreeEntry, textAt } from "./manifest-tree.ts";
import { isPlaceholder } from "./placeholders.ts";
import {
  type Gathered,
  isDataKey,
  type SecretRecord,
  type SecretReference,
  type SecretValue,
  secretName,
  shownKey,
} from "./secret-record.ts";

export interface ManifestSource {
  readonly file: string;
  readonly source: string;
  readonly origin: "manifest" | "cluster";
}

export function gatherObjects(documents: readonly Tree[], source: ManifestSource): Gathered {
  const gatherer = new Gatherer(source);
  for (const document of documents) gatherer.visit(document, undefined, 0);
  return gatherer;
}

class Gatherer implements Gathered {
  readonly records: SecretRecord[] = [];
  readonly findings: Finding[] = [];
  readonly references: SecretReference[] = [];
  readonly promised: { name: string; namespace?: string | undefined; by: string }[] = [];
  private readonly source: ManifestSource;

  constructor(source: ManifestSource) {
    this.source = source;
  }

  visit(object: Tree, impliedKind: string | undefined, depth: number): void {
    const kind = textAt(object, "kind") ?? impliedKind;
    if (kind === undefined || depth > MAX_LISTS) return;
    if (kind.endsWith("List")) {
      for (const item of itemsAt(object, "items")) this.visit(item, kind.slice(0, -4) || undefined, depth + 1);
    } else if (kind === "Secret") this.addSecret(object);
    else {
      this.addPromises(object, kind);
      this.references.push(...referencesIn(object, kind, this.source.file));
    }
  }

  private addSecret(object: Tree): void {
    const name = this.text(object, "metadata", "name");
    const namespace = this.text(object, "metadata", "namespace");
    const type = this.text(object, "type");
    if (name === undefined || name === "") {
      this.findings.push({ id: "bad-secret", place: this.place(object.line), detail: "a Secret has no name" });
      return;
    }
    const values = new Map<string, SecretValue>();
    const unusable = new Set<string>();
    const nameEntry = at(object, "metadata", "name");
    const record = {
      ...{ name, namespace, type, origin: this.source.origin, source: this.source.source, values, unusable },
      place: this.place(nameEntry?.line ?? object.line),
    };
    for (const [field, isEncoded] of [
      ["data", true],
      ["stringData", false],
    ] as const) {
      const given = at(object, field);
      if (given === undefined || isNull(given)) continue;
      if (given.kind !== "map") {
        const detail = `${field} is not a map of keys to texts`;
        this.findings.push({ id: "bad-secret", place: this.place(given.line), secret: secretName(record), detail });
        continue;
      }
      for (const [key, entry] of given.entries) this.addValue(key, entry, isEncoded, record);
    }
    this.records.push(record);
  }

  /** kubectl refuses a name that YAML takes for a number or a boolean. */
  private text(object: Tree, ...path: readonly string[]): string | undefined {
    const given = at(object, ...path);
    if (given === undefined || isNull(given)) return undefined;
    if (given.kind === "scalar" && typeof given.value === "string") return given.value;
    const detail = `${path.join(".")} is not a text; quote it`;
    this.findings.push({ id: "bad-secret", place: this.place(given.line), detail });
    return undefined;
  }

  private addValue(
    key: string,
    { line, value }: TreeEntry,
    isEncoded: boolean,
    record: SecretRecord & { readonly values: Map<string, SecretValue>; readonly unusable: Set<string> },
  ): void {
    const place = this.place(line);
    const fault = (id: Finding["id"], detail: string) => {
      record.unusable.add(key);
      this.findings.push({ id, place, secret: secretName(record), key: shownKey(key), detail });
    };
    if (!isDataKey(key)) return fault("bad-secret", "is no proper key: letters, digits, dots, hyphens, underscores");
    const text = value.kind === "scalar" ? value.value : undefined;
    if (text === null || text === "") return fault("empty-value", "is empty");
    if (typeof text !== "string") return fault("bad-secret", "is not a text; quote it");
    if (!isEncoded && record.values.has(key)) {
      this.findings.push({
        ...{ id: "shadowed-value", place, secret: secretName(record), key: shownKey(key) },
        detail: "is given by data too",
      });
    }
    if (isEncoded && isPlaceholder(text)) return fault("placeholder", "is a placeholder");
    const bytes = isEncoded ? fromBase64(text) : new TextEncoder().encode(text);
    if (bytes === undefined) {
      const isPem = text.startsWith("-----BEGIN ");
      return fault("bad-base64", isPem ? "is PEM that was not encoded; it belongs under stringData" : "is not base64");
    }
    record.unusable.delete(key);
    record.values.set(key, { bytes, place });
  }

  /** Controllers make these secrets when the manifest is deployed. */
  private addPromises(object: Tree, kind: string): void {
    const group = textAt(object, "apiVersion")?.split("/")[0] ?? "";
    const own = textAt(object, "metadata", "name");
    const name =
      kind === "Certificate" && group === "cert-manager.io"
        ? textAt(object, "spec", "secretName")
        : kind === "SealedSecret"
          ? (textAt(object, "spec", "template", "metadata", "name") ?? own)
          : kind === "ExternalSecret"
            ? (textAt(object, "spec", "target", "name") ?? own)
            : undefined;
    if (name === undefined) return;
    this.promised.push({ name, namespace: textAt(object, "metadata", "namespace"), by: kind });
  }

  private place(line: number | undefined): Place {
    return line === undefined ? { file: this.source.file } : { file: this.source.file, line };
  }
}

function isNull(tree: Tree): boolean {
  return tree.kind === "scalar" && tree.value === null;
}

/** As Kubernetes decodes it: line ends are ignored, nothing else. */
function fromBase64(text: string): Uint8Array | undefined {
  const joined = text.replace(/[\r\n]/g, "");
  if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) return undefined;
  return new Uint8Array(Buffer.from(joined, "base64"));
}

const MAX_LISTS = 5;
