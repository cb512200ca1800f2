// Real sockets behind the model of the reference's connector: a TCP connection for each flow, one UDP socket for all.
import { monotonicClock } from "../../src/runtime/clock.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import type { TestCredential } from "./pki.ts";
import { ReferenceConnector } from "./reference-connector.ts";
import { ReferenceQuic } from "./reference-quic.ts";

export interface LiveReferenceConnector extends Disposable {
  readonly connector: ReferenceConnector;
}

/** Serves `service` with what listens at 127.0.0.1 on these ports. */
export async function openReferenceConnector(options: {
  readonly relayPort: number;
  readonly credential: TestCredential;
  readonly service: string;
  readonly tcpPort: number;
  readonly udpPort: number;
}): Promise<LiveReferenceConnector> {
  const { service, tcpPort, udpPort } = options;
  const sockets = new Map<number, Bun.Socket>();
  const happened = { wake: () => {} };
  const udp = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data: (_socket, packet, port, host) => {
        connector.udpAnswered(packet, { address: parseIpv4(host)!, port }, monotonicClock.now());
        happened.wake();
      },
    },
  });
  const told = (act: () => void) => {
    act();
    happened.wake();
  };
  const opened = (flow: number, socket: Bun.Socket) => {
    sockets.set(flow, socket);
    connector.tcp.connected(flow);
  };
  const connect = (flow: number) => {
    const socket = {
      open: (self: Bun.Socket) => told(() => opened(flow, self)),
      data: (_socket: Bun.Socket, bytes: Buffer) => told(() => connector.tcp.received(flow, bytes)),
      end: () => told(() => connector.tcp.ended(flow)),
      error: () => told(() => connector.tcp.failed(flow)),
      connectError: () => told(() => connector.tcp.refused(flow)),
    };
    Bun.connect({ hostname: "127.0.0.1", port: tcpPort, allowHalfOpen: true, socket }).catch(() => {});
  };
  const connector: ReferenceConnector = new ReferenceConnector({
    service,
    initialSequence: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    sendUdp: (payload) => void udp.send(payload.slice(), udpPort, "127.0.0.1"),
    streams: {
      connect,
      write: (flow, bytes) => sockets.get(flow)?.write(bytes.slice()) ?? 0,
      shutdown: (flow) => void sockets.get(flow)?.shutdown(),
      close: (flow) => {
        sockets.get(flow)?.end();
        sockets.delete(flow);
      },
    },
  });
  const quic = await ReferenceQuic.open({ ...options, role: "connector", machine: connector });
  happened.wake = quic.wake;
  return {
    connector,
    [Symbol.dispose]: () => {
      quic[Symbol.dispose]();
      udp.close();
      for (const socket of sockets.values()) socket.terminate();
    },
  };
}
