// A server inside the test's own process: real QUIC on a real socket, whatever its certificate is, and nothing behind it.
import { Endpoint } from "../../src/quic/endpoint.ts";
import { monotonicClock } from "../../src/runtime/clock.ts";
import { Driver } from "../../src/runtime/driver.ts";
import { openUdpSockets } from "../../src/runtime/udp-bun.ts";
import { pem, type ServerOverrides } from "./endpoint-hosts.ts";
import { SERVER_DEFAULTS } from "./endpoint-pair.ts";
import { testPki } from "./pki.ts";

export async function loopbackServer(overrides: ServerOverrides = {}): Promise<{ readonly port: number } & Disposable> {
  const pki = await testPki();
  const { credential = pki.server, ca = pki.ca, ...server } = overrides;
  const tls = { ca: pem(ca.certPem), certChain: pem(credential.certPem), key: pem(credential.keyPem) };
  const endpoint = new Endpoint(
    {
      server: { ...SERVER_DEFAULTS, tls, ...server },
      secret: crypto.getRandomValues(new Uint8Array(32)),
      rotationMs: 300_000,
      random: (bytes) => void crypto.getRandomValues(bytes),
      wallNow: () => Date.now(),
    },
    monotonicClock.now(),
  );
  const role = { handle: () => {}, poll: () => undefined, deadline: () => undefined };
  const driver = new Driver<never, never>({ role, endpoint, clock: monotonicClock, perform: () => {} });
  const socket = await openUdpSockets([{ host: "127.0.0.1", port: 0 }], driver, {});
  driver.attach(socket);
  return {
    port: socket.local[0]!.port,
    [Symbol.dispose]: () => {
      driver.stop();
      socket.close();
    },
  };
}
