// A connector is a machine like any other, whatever its relay, its agents and its backends do.
import { test } from "bun:test";
import fc from "fast-check";
import type { BackendEvent } from "../../../src/connector/backend.ts";
import { Connector } from "../../../src/connector/connector.ts";
import { TIMEOUT } from "../../../src/core/machine.ts";
import { ANONYMOUS } from "../../../src/identity/identity.ts";
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_SYN } from "../../../src/wire/tcp.ts";
import { encodeAck } from "../../../src/wire/tunnel.ts";
import { anyPayload } from "../../support/arbitraries.ts";
import { clientEvent } from "../../support/client-arbitraries.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { Random } from "../../support/random.ts";
import { RELAY_ADDRESS } from "../../support/simulated-relay.ts";
import { testHash } from "../../support/test-hash.ts";

const backend = fc.integer({ min: 1, max: 4 });
const backendEvent: fc.Arbitrary<BackendEvent> = fc.oneof(
  fc.record({ type: fc.constant("udp-data" as const), backend, bytes: anyPayload }),
  fc.record({
    type: fc.constant("udp-failed" as const),
    backend,
    reason: fc.constantFrom("unresolved" as const, "refused" as const, "no-socket" as const),
  }),
);

const stream = fc.integer({ min: 1, max: 4 });
const streamEvent: fc.Arbitrary<BackendEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom(
      ...(["stream-opened", "stream-writable", "stream-ended", "stream-broken"] as const satisfies string[]),
    ),
    stream,
  }),
  fc.record({ type: fc.constant("stream-data" as const), stream, bytes: anyPayload }),
  fc.record({ type: fc.constant("stream-taken" as const), stream, count: fc.nat(2000) }),
  fc.record({ type: fc.constant("stream-failed" as const), stream, reason: fc.constant("unreachable" as const) }),
);

/** Segments of a few connections, their checksums right, their numbers near each other. */
const segment = fc
  .record({
    flags: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(TCP_SYN, TCP_ACK, TCP_ACK | TCP_FIN) }, fc.nat(255)),
    sourcePort: fc.integer({ min: 1, max: 3 }),
    sequence: fc.nat(5),
    acknowledgement: fc.nat(),
    payload: anyPayload,
  })
  .map((parts) => encodeTcp({ source: 1, destination: 2, destinationPort: 80, window: 60_000, ...parts }));
const segments = fc.record({
  type: fc.constant("datagram" as const),
  peer: fc.integer({ min: 1, max: 4 }),
  bytes: segment,
});

test("a connector obeys the machine laws", () => {
  checkMachineLaws({
    create: () => {
      const random = new Random(3);
      const services = ["web", "db"].map((id) => ({ id, backend: { host: "127.0.0.1" } }));
      return new Connector({
        services,
        random: () => random.next(),
        hash: testHash,
        udp: { flows: 3, flowsPerAgent: 2 },
      });
    },
    input: fc.oneof({ weight: 3, arbitrary: clientEvent(["web", "db"]) }, { weight: 1, arbitrary: backendEvent }),
    runs: 300,
  });
});

test("a connector with TCP obeys them, too", () => {
  checkMachineLaws({
    create: (now) => {
      const random = new Random(3);
      const services = [{ id: "web", backend: { host: "127.0.0.1" } }];
      const tcp = { sessions: 3, sessionsPerAgent: 2, memoryBytes: 4_000 };
      const connector = new Connector({ services, random: () => random.next(), hash: testHash, tcp });
      return registered(connector, now);
    },
    input: fc.oneof(
      { weight: 4, arbitrary: segments },
      { weight: 2, arbitrary: streamEvent },
      { weight: 1, arbitrary: clientEvent(["web"]) },
    ),
    runs: 500,
  });
});

/** Connected by peer 1, and registered. */
function registered(connector: Connector, now: number): Connector {
  const outputs = () => {
    const polled = [];
    for (let output = connector.poll(); output !== undefined; output = connector.poll()) polled.push(output);
    return polled;
  };
  connector.handle(TIMEOUT, now);
  const dial = outputs().find(({ type }) => type === "dial") as { readonly dial: number };
  connector.handle({ type: "dialing", dial: dial.dial, peer: 1 }, now);
  connector.handle({ type: "connected", peer: 1, identity: ANONYMOUS, address: RELAY_ADDRESS, maxDatagram: 1306 }, now);
  outputs();
  connector.handle({ type: "datagram", peer: 1, bytes: encodeAck("web") }, now);
  outputs();
  return connector;
}
