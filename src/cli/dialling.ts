// What a command that only dials is made of: an endpoint without a server, and a UDP socket on any port, IPv4 and IPv6
// where the host has them.
import type { Millis } from "../core/machine.ts";
import { Endpoint } from "../quic/endpoint.ts";
import type { ClientSettings } from "../quic/settings.ts";
import { monotonicClock } from "../runtime/clock.ts";
import { openUdp } from "../runtime/open-udp.ts";
import type { UdpSocket, UdpSocketHandlers } from "../runtime/udp-socket.ts";
import { cannotListen, turnUntil } from "./daemon.ts";
import { CredentialError } from "./errors.ts";

/** Throws a CredentialError when quiche does not take the credentials. */
export function openDiallingEndpoint(client: ClientSettings): Endpoint {
  try {
    return new Endpoint(
      {
        client,
        secret: crypto.getRandomValues(new Uint8Array(32)),
        rotationMs: ROTATION_MS,
        random: (bytes) => void crypto.getRandomValues(bytes),
        wallNow: () => Date.now(),
      },
      monotonicClock.now(),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CredentialError(`the TLS library does not take these credentials: ${why}`);
  }
}

export async function openDiallingSocket(handlers: UdpSocketHandlers): Promise<UdpSocket> {
  const four = { host: "0.0.0.0", port: 0 };
  const options = { io: "auto" } as const;
  // A host may have no IPv6: that only matters to a relay that has nothing else.
  const both = openUdp([four, { host: "::", port: 0 }], handlers, options);
  try {
    return (await both.catch(() => openUdp([four], handlers, options))).socket;
  } catch (error) {
    throw cannotListen(four.host, error);
  }
}

/** What the role closed has to leave before the socket does. */
export async function sayGoodbye(
  endpoint: Endpoint,
  driver: { wake(): void; stop(): void },
  limitMs: Millis,
): Promise<void> {
  endpoint.drain("done");
  driver.wake();
  await turnUntil(() => endpoint.drained, limitMs);
  driver.stop();
}

const ROTATION_MS = 300_000;
