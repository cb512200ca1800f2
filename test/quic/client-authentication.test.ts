// Who is admitted as a client, on the real quiche: the table of certificates, the last flight, resumption.
import { beforeAll, describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { type NativeConnection, quiche } from "../../src/quic/native.ts";
import { clientConfig, MAX_UDP_PAYLOAD, type Revocations } from "../../src/quic/settings.ts";
import { encodeRegistration } from "../../src/wire/tunnel.ts";
import { clientHost, connect, pem, relayHost, send } from "../support/endpoint-hosts.ts";
import { carry, exchange, type Host, run } from "../support/endpoint-pair.ts";
import { type BadClient, type TestCredential, type TestPki, testPki } from "../support/pki.ts";
import { serialOf } from "../support/revocations.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await testPki();
});

function revoking(...credentials: readonly TestCredential[]): Revocations {
  const serials = credentials.map(serialOf);
  return { isRevoked: ({ issuer, serial }) => issuer === "CN=Test CA" && serials.includes(serial) };
}

/** What the relay's role met, and what the client was told, after a client with this certificate dialled. */
async function outcome(
  clientAuth: "required" | "optional",
  credential: TestCredential | undefined,
  revocations?: Revocations,
): Promise<string> {
  const relay = relayHost(pki, { clientAuth, revocations });
  const client = clientHost(pki, { credential });
  const peer = connect(client, relay);
  // Rides on the handshake's last flight as far as the relay is concerned: it must not be read before the verdict.
  send(client, peer, encodeRegistration("connector", "web"));
  exchange(client, relay);
  const met = relay.take("connected")[0];
  if (met !== undefined) {
    expect(relay.take("datagram")).toHaveLength(1);
    return met.identity.kind === "anonymous" ? "anonymous" : `${met.identity.name}`;
  }
  expect(relay.take("datagram")).toEqual([]);
  await run([client, relay], () => relay.endpoint.connections === 0 && relay.endpoint.halfOpen === 0);
  const ended = client.take("disconnected")[0];
  return ended === undefined ? "nothing" : `0x${ended.code.toString(16)} ${ended.reason}`.trim();
}

describe("a client's certificate", () => {
  const bad: readonly (readonly [BadClient, string])[] = [
    ["wrongCa", "0x130"],
    ["noCommonName", "0x1 no-name"],
    ["expired", "0x12d"],
    ["notYetValid", "0x12d"],
    ["caAsLeaf", "0x1 ca-as-leaf"],
    ["weakRsa", "0x1 weak-key"],
    ["wrongPurpose", "0x12b"],
    ["noPurpose", "0x12b wrong-purpose"],
  ];
  for (const clientAuth of ["required", "optional"] as const) {
    test(`that is good is accepted where it is ${clientAuth}`, async () => {
      expect(await outcome(clientAuth, pki.agent)).toBe("agent");
      expect(await outcome(clientAuth, pki.ed25519Agent)).toBe("ed25519-agent");
      expect(await outcome(clientAuth, pki.rsaAgent)).toBe("rsa-agent");
    });

    test(`without a ZTNA name identifies its holder, without any right, where it is ${clientAuth}`, async () => {
      expect(await outcome(clientAuth, pki.badClients.noZtnaName)).toBe("client-noZtnaName");
    });

    for (const [kind, code] of bad) {
      test(`of kind ${kind} is refused with ${code} where it is ${clientAuth}, and nothing is read`, async () => {
        expect(await outcome(clientAuth, pki.badClients[kind])).toBe(code);
      });
    }

    test(`that is revoked is refused with 0x12c where it is ${clientAuth}, and nothing is read`, async () => {
      const revocations = revoking(pki.agent);
      expect(await outcome(clientAuth, pki.agent, revocations)).toBe("0x12c revoked");
      expect(await outcome(clientAuth, pki.ed25519Agent, revocations)).toBe("ed25519-agent");
    });
  }

  test("that comes in a chain is refused when anything in the chain is revoked", async () => {
    const chained = { ...pki.agent, certPem: pki.agent.certPem + pki.badClients.caAsLeaf.certPem };
    expect(await outcome("required", chained, revoking(pki.connector))).toBe("agent");
    expect(await outcome("required", chained, revoking(pki.badClients.caAsLeaf))).toBe("0x12c revoked");
  });

  test("that is missing is refused inside TLS where it is required", async () => {
    expect(await outcome("required", undefined)).toBe("0x174");
  });

  test("that is missing makes an anonymous peer where it is optional", async () => {
    expect(await outcome("optional", undefined)).toBe("anonymous");
  });
});

describe("a certificate that is revoked while its holder is connected", () => {
  test("closes its connections at the reload and no other, and lets nobody in again", async () => {
    const relay = relayHost(pki);
    const [revoked, again, other] = [clientHost(pki), clientHost(pki), clientHost(pki, { credential: pki.connector })];
    for (const client of [revoked, other]) connect(client, relay);
    const [met] = relay.take("connected");
    const tls = { ca: pem(pki.ca.certPem), certChain: pem(pki.server.certPem), key: pem(pki.server.keyPem) };
    relay.endpoint.reload({ server: { clientAuth: "required", tls, revocations: revoking(pki.agent) } });
    for (const client of [revoked, other]) exchange(client, relay);
    const closed = { layer: "transport", code: 0x12c, reason: "revoked" };
    expect(relay.take("disconnected")).toEqual([expect.objectContaining({ peer: met?.peer, by: "us", ...closed })]);
    expect(revoked.take("disconnected")).toEqual([expect.objectContaining({ by: "peer", ...closed })]);
    expect(other.take("disconnected")).toEqual([]);
    connect(again, relay);
    expect(relay.take("connected").map(({ peer }) => peer)).toEqual([1, 2]);
    expect(again.take("disconnected")).toEqual([expect.objectContaining(closed)]);
    expect(relay.endpoint.stats.refused).toEqual({ revoked: 1 });
  });
});

describe("a registration in the same flight as the client's last handshake packet", () => {
  /** Sends as soon as the client takes the handshake for complete: its Finished has not left yet. */
  function early(client: Host, relay: Host): void {
    const peer = client.endpoint.connect(client.sees(relay), ["ztna-server"], performance.now());
    while (client.events.length === 0) carry(client, relay) + carry(relay, client);
    send(client, peer, encodeRegistration("connector", "web"));
    expect(client.endpoint.stats.datagramsSent).toBe(1);
    expect(relay.endpoint.stats.handshakesCompleted).toBe(0);
    exchange(client, relay);
  }

  test("is not read when the certificate is refused after the handshake", () => {
    for (const kind of ["caAsLeaf", "weakRsa", "noPurpose", "noCommonName"] as const) {
      const relay = relayHost(pki, { clientAuth: "required" });
      early(clientHost(pki, { credential: pki.badClients[kind] }), relay);
      expect(relay.events).toEqual([]);
      expect(relay.endpoint.stats.datagramsReceived).toBe(0);
    }
  });

  test("is read after `connected` when the certificate is good", () => {
    const relay = relayHost(pki, { clientAuth: "required" });
    early(clientHost(pki), relay);
    expect(relay.events.map(({ type }) => type)).toEqual(["connected", "datagram"]);
  });
});

describe("a resumed session", () => {
  /** A client on quiche alone: ours never resumes. */
  function nativeClient(relay: Host, credential: TestCredential | undefined, session?: Uint8Array): NativeConnection {
    const own = credential && { certChain: pem(credential.certPem), key: pem(credential.keyPem) };
    const config = clientConfig({ verifyPeer: true, tls: { ca: pem(pki.ca.certPem), ...own } });
    const from = { host: "198.51.100.9", port: 5000 };
    const to = { host: relay.host, port: relay.port };
    const client = quiche.Connection.connect(null, randomFillSync(new Uint8Array(20)), from, to, config);
    if (session !== undefined) client.setSession(session);
    const buffer = new Uint8Array(MAX_UDP_PAYLOAD);
    for (let round = 0; round < 10; round++) {
      for (let sent = client.send(buffer); sent !== null; sent = client.send(buffer)) {
        relay.receive(buffer.subarray(0, sent[0]), from);
      }
      for (const { bytes } of relay.transmit()) client.recv(bytes, { from: to, to: from });
    }
    return client;
  }

  test("is closed, because it would be admitted without a certificate", () => {
    const relay = relayHost(pki);
    const session = nativeClient(relay, pki.agent).session();
    expect(session).not.toBeNull();
    expect(relay.take("connected")).toHaveLength(1);
    const resumed = nativeClient(relay, undefined, session ?? undefined);
    expect(resumed.isResumed()).toBe(true);
    expect(relay.take("connected")).toHaveLength(1);
    expect(relay.endpoint.stats.refused).toEqual({ resumed: 1 });
    expect(new TextDecoder().decode(resumed.peerError()?.reason)).toBe("resumed");
  });
});
