// Packets with which a stranger comes to a relay's port.
import { clientHost } from "./endpoint-hosts.ts";
import { testPki } from "./pki.ts";

/** Of a version that only version negotiation can answer. */
export function unknownVersion(): Uint8Array {
  const packet = new Uint8Array(1200);
  packet.set([0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 7, 6, 5, 4, 3, 2, 1]);
  return packet;
}

/** The first packet of a genuine client. */
export async function firstPacket(): Promise<Uint8Array> {
  const client = clientHost(await testPki());
  client.endpoint.connect(client.sees({ host: "192.0.2.1", port: 4433 }), [], performance.now());
  return client.transmit()[0]!.bytes.slice();
}
