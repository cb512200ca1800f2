// How fast a connection goes on bad paths. Conversations inside the tunnel have congestion control of their own; a second
// one outside, that slows down for every lost packet, would make the tunnel slower than the path.
import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CONGESTION_CONTROLLERS, type CongestionController } from "../../src/quic/congestion.ts";
import { clientHost, connect, relayHost, send } from "../support/endpoint-hosts.ts";
import { carry } from "../support/endpoint-pair.ts";
import { testPki } from "../support/pki.ts";

test("on a path that loses one packet of twenty, far more than a handful is on its way at a time", async () => {
  expect(await deliveredInATrip(undefined)).toBeGreaterThan(5 * HANDFUL);
});

test.each(CONGESTION_CONTROLLERS)("who asks for %s gets it", async (congestion) => {
  const delivered = await deliveredInATrip(congestion);
  if (congestion === "bbr") expect(delivered).toBeGreaterThan(5 * HANDFUL);
  else expect(delivered).toBeLessThan(5 * HANDFUL);
});

async function deliveredInATrip(congestion: CongestionController | undefined): Promise<number> {
  const pki = await testPki();
  const relay = relayHost(pki);
  const client = clientHost(pki, congestion === undefined ? {} : { congestion });
  const peer = connect(client, relay);
  let packets = 0;
  const lossy = (bytes: Uint8Array) => (++packets % 20 === 0 ? undefined : bytes);
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    for (let i = 0; i < OFFERED_IN_A_TRIP; i++) send(client, peer, new Uint8Array(1200));
    await sleep(TRIP_MS);
    client.endpoint.handleTimeout(performance.now());
    carry(client, relay, lossy);
    carry(relay, client);
  }
  return relay.take("datagram").length / ROUND_TRIPS;
}

const ROUND_TRIPS = 30;
const TRIP_MS = 5;
const OFFERED_IN_A_TRIP = 1000;
/** What congestion control that takes a loss for congestion settles at here, in packets. */
const HANDFUL = 10;
