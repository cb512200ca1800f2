// Private keys that are published with software as examples, by the SHA-256 of their public half. They turn up in
// deployments because they work. Nothing here is secret: the fingerprints are of public keys.
import { createHash, createPublicKey, type KeyObject } from "node:crypto";

/** Whose example the key is; undefined for a key that is not on the list. */
export function publishedBy(key: KeyObject, list: ReadonlyMap<string, string> = PUBLIC_TEST_KEYS): string | undefined {
  return list.get(publicKeyFingerprint(key));
}

/** Hex, over the SubjectPublicKeyInfo. */
export function publicKeyFingerprint(key: KeyObject): string {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return createHash("sha256")
    .update(half.export({ type: "spki", format: "der" }))
    .digest("hex");
}

export const PUBLIC_TEST_KEYS: ReadonlyMap<string, string> = new Map([
  ["2f31194864bb64346aeaccf9153de8609a15b63fe30d60c1fdbe787d804c182b", "the examples of quiche"],
  ["7f984797e7c19825fe191f013b729fb96712280fe11b701c57681551b19db89a", "the example CA of quiche"],
  ["b2b04340cfaee616ec9c2c62d261b208e54bb197498df52e8cadede23ac0ba5e", "RFC 9500 (testECCP256)"],
  ["64eebde4d94a861ca1b062a103ef51d4d8a2c1b0a2133838198230e9c85407ed", "the HTTP tests of Go"],
  ["a1196859090ccf33cf5355055e04a0d6f3869eabbac7c4c417ee2b95cff013d4", "the tests of gRPC"],
  ["957b44fc84e34c9c262f6ffed31b470395f96e24c16aefc5cfe4110d621136df", "the tests of Node.js"],
  ["dafc80ce79a3a39d493a392e096532479e648d2427d9c3a3e159bd0a42349c6a", "Pebble, the ACME test server"],
  ["1d2054b91a55916ad0dff7f13988af44ab6097b310f9c7587f2637367bd7c150", "the tests of Python 3.13"],
  ["532c1cf563e57e9d3cff65cf4e313f4f0ee97755e173c0e946c850c3ab6d76dc", "the tests of Python 3.13"],
  ["45f9a0efba2ef7f6d918bba1abbb96d497a69d87551b8258f8f3a44b88634b2e", "the tests of Python 3.13"],
  ["515894a88719a8d79c72ce9150c5e6e7d618c75203256fc8f511db9b9d20a0c8", "the tests of Python 3.13"],
  ["8064304dc78d97bb96dcf71c5edeb7abe8412efeab98972a9749df0ab065ad37", "the tests of Python 3.8"],
  ["0a8b54336a8f109dbf0f1cf6f8ba46f9e31aeaf0c07af3fa56868f0487d895da", "the tests of Python 3.8"],
  ["990c02b92948ebe7dd937acf1ee7bda652aee927ae71dcaa027a28d8df0a23fe", "the tests of Python 3.8"],
  ["be4c89ae84278a5efc10bd6bfa615e3f84b9a91110b17bb52ba6a351eaa14d4d", "the tests of Python 3.6"],
]);
