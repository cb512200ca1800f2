// Where a Kubernetes object refers to secrets: volumes, projected volumes, variables, image pulls, service accounts,
// ingress and gateway. An issuer's CA is none of them: its key does not belong into manifests.
import { at, itemsAt, type Tree, textAt } from "./manifest-tree.ts";
import { type SecretReference, shownKey, shownName } from "./secret-record.ts";

/** References that are marked optional are left out: their secrets need not be there. */
export function referencesIn(object: Tree, kind: string, file: string): readonly SecretReference[] {
  if (WITHOUT_REFERENCES.has(kind)) return [];
  const namespace = textAt(object, "metadata", "namespace");
  const name = textAt(object, "metadata", "name");
  const by = `${shownKey(kind)} ${name === undefined ? "without a name" : shownName(name)}`;
  const found: SecretReference[] = [];
  const add = (holder: Tree, field: string, keys: readonly string[] = [], otherNamespace = "namespace") => {
    const target = textAt(holder, field);
    const optional = at(holder, "optional");
    if (target === undefined || target === "" || (optional?.kind === "scalar" && optional.value === true)) return;
    const line = at(holder, field)?.line;
    const place = line === undefined ? { file } : { file, line };
    found.push({ name: target, namespace: textAt(holder, otherNamespace) ?? namespace, keys, place, by });
  };
  walk(object, (field, value) => {
    if (field === "secretKeyRef") add(value, "name", [textAt(value, "key")].filter(isText));
    else if (field === "secretRef" || STORAGE_REFERENCES.has(field)) add(value, "name");
    else if (field === "secret" && at(value, "secretName") !== undefined) add(value, "secretName", itemKeys(value));
    else if (field === "secret" && isProjection(value)) add(value, "name", itemKeys(value));
    else if (field === "imagePullSecrets") for (const item of listed(value)) add(item, "name");
    else if (field === "azureFile") add(value, "secretName", [], "secretNamespace");
    else if (field === "secrets" && kind === "ServiceAccount") for (const item of listed(value)) add(item, "name");
    else if (field === "tls" && kind === "Ingress") for (const item of listed(value)) add(item, "secretName", TLS_KEYS);
    else if (field === "certificateRefs") {
      const secrets = listed(value).filter((item) => (textAt(item, "kind") ?? "Secret") === "Secret");
      for (const item of secrets) add(item, "name", TLS_KEYS);
    }
  });
  return found;
}

function walk(tree: Tree, see: (field: string, value: Tree) => void): void {
  if (tree.kind === "list") for (const item of tree.items) walk(item, see);
  if (tree.kind !== "map") return;
  for (const [field, { value }] of tree.entries) {
    see(field, value);
    walk(value, see);
  }
}

function listed(tree: Tree): readonly Tree[] {
  return tree.kind === "list" ? tree.items : [];
}

function itemKeys(volume: Tree): readonly string[] {
  return itemsAt(volume, "items")
    .map((item) => textAt(item, "key"))
    .filter(isText);
}

/** Of a projected volume; elsewhere a "secret" with a "name" is something else. */
function isProjection(value: Tree): boolean {
  return value.kind === "map" && [...value.entries.keys()].every((key) => ["name", "items", "optional"].includes(key));
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}

/** Of volumes that a driver provides; `secretRef` is that of the others. */
const STORAGE_REFERENCES: ReadonlySet<string> = new Set([
  "nodePublishSecretRef",
  "nodeStageSecretRef",
  "nodeExpandSecretRef",
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
]);
const TLS_KEYS = ["tls.crt", "tls.key"];
const WITHOUT_REFERENCES: ReadonlySet<string> = new Set(["ConfigMap", "CustomResourceDefinition"]);
