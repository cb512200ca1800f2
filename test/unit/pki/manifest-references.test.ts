// Where objects refer to secrets: the rarer places, and what only looks like a reference.
import { expect, test } from "bun:test";
import { referencesIn } from "../../../src/pki/manifest-references.ts";
import { treeOf } from "../../../src/pki/manifest-tree.ts";

function references(kind: string, object: object): readonly string[] {
  const found = referencesIn(treeOf({ kind, metadata: { name: "x", namespace: "own" }, ...object }), kind, "f.yaml");
  return found.map(({ name, namespace, keys }) => [`${namespace}/${name}`, ...keys].join(" "));
}

test.each<readonly [string, string, object, readonly string[]]>([
  ["a service account's secrets", "ServiceAccount", { secrets: [{ name: "a" }] }, ["own/a"]],
  ["a service account's image pulls", "ServiceAccount", { imagePullSecrets: [{ name: "a" }] }, ["own/a"]],
  [
    "a CSI driver's volume",
    "Pod",
    { spec: { volumes: [{ csi: { nodePublishSecretRef: { name: "a" } } }] } },
    ["own/a"],
  ],
  [
    "a volume with a namespace of its own",
    "PersistentVolume",
    { spec: { csi: { nodeStageSecretRef: { name: "a", namespace: "other" } } } },
    ["other/a"],
  ],
  [
    "a file system's secret",
    "PersistentVolume",
    { spec: { cephfs: { secretRef: { name: "a", namespace: "b" } } } },
    ["b/a"],
  ],
  [
    "a file share",
    "PersistentVolume",
    { spec: { azureFile: { secretName: "a", secretNamespace: "other" } } },
    ["other/a"],
  ],
  [
    "a gateway's certificate of another namespace",
    "Gateway",
    {
      spec: {
        listeners: [
          {
            tls: {
              certificateRefs: [
                { name: "a", namespace: "other" },
                { kind: "Other", name: "b" },
              ],
            },
          },
        ],
      },
    },
    ["other/a tls.crt tls.key"],
  ],
  ["an issuer's CA, whose key stays out of manifests", "Issuer", { spec: { ca: { secretName: "a" } } }, []],
  [
    "an issuer's account, which it makes itself",
    "Issuer",
    { spec: { acme: { privateKeySecretRef: { name: "a" } } } },
    [],
  ],
  [
    "secrets of an object that we do not know",
    "Other",
    { secrets: [{ name: "a" }], secret: { name: "a", kind: "b" } },
    [],
  ],
  ["an optional one", "Pod", { spec: { volumes: [{ secret: { secretName: "a", optional: true } }] } }, []],
])("%s", (_, kind, object, expected) => {
  expect(references(kind, object)).toEqual(expected);
});
