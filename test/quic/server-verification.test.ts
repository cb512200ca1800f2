// Which relays a client accepts, on the real quiche.
import { beforeAll, describe, expect, test } from "bun:test";
import { clientHost, connect, relayHost } from "../support/endpoint-hosts.ts";
import { type BadServer, type TestPki, testPki } from "../support/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

function dial(credential = pki.server, names: readonly string[] = ["ztna-server"], verifyPeer = true): string {
  const relay = relayHost(pki, { credential, clientAuth: "optional" });
  const client = clientHost(pki, { verifyPeer });
  connect(client, relay, names);
  const failed = client.take("dial-failed")[0];
  expect(client.events).toHaveLength(1);
  return failed?.reason ?? client.events[0]!.type;
}

describe("a client that verifies the relay", () => {
  test("accepts a DNS name, an address and the well-known name of its certificate", () => {
    for (const name of ["ztna-server", "relay.test", "127.0.0.1", "::1"]) {
      expect(dial(pki.server, [name])).toBe("connected");
    }
  });

  const bad: readonly (readonly [BadServer, string])[] = [
    ["wrongCa", "unknown-ca"],
    ["wrongName", "wrong-name"],
    ["expired", "expired"],
    ["notYetValid", "not-yet-valid"],
    ["caAsLeaf", "bad-certificate"],
    ["weakRsa", "bad-certificate"],
    ["wrongPurpose", "wrong-purpose"],
    ["noPurpose", "wrong-purpose"],
  ];
  for (const [kind, reason] of bad) {
    test(`refuses a relay whose certificate is of kind ${kind}: ${reason}`, () => {
      expect(dial(pki.badServers[kind])).toBe(reason);
    });
  }

  test("refuses a good certificate for another name", () => {
    expect(dial(pki.server, ["other.example.org"])).toBe("wrong-name");
  });

  test("trusts the given CA alone, whatever the system trusts", () => {
    const before = process.env.SSL_CERT_FILE;
    process.env.SSL_CERT_FILE = pki.otherCa.certFile;
    try {
      expect(dial(pki.badServers.wrongCa)).toBe("unknown-ca");
    } finally {
      if (before === undefined) delete process.env.SSL_CERT_FILE;
      else process.env.SSL_CERT_FILE = before;
    }
  });

  test("accepts anything only when verification is switched off", () => {
    expect(dial(pki.badServers.wrongName, ["ztna-server"], false)).toBe("connected");
    expect(dial(pki.badServers.wrongCa, ["ztna-server"], false)).toBe("connected");
  });

  test("is told when the relay does not speak its protocol", () => {
    const relay = relayHost(pki, { alpn: "other" });
    const client = clientHost(pki);
    connect(client, relay);
    expect(client.take("dial-failed")[0]?.reason).toBe("alpn");
  });
});
