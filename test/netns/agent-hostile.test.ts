// A connector that turns on the clients of its service: whatever it sends, nothing on their hosts hears it.
import { afterAll, beforeAll, expect } from "bun:test";
import { formatIpv4 } from "../../src/wire/address.ts";
import { encodeEchoReply, encodeEchoRequest } from "../../src/wire/icmp.ts";
import { ipv4Source } from "../../src/wire/ipv4.ts";
import { encodeTcp, TCP_SYN } from "../../src/wire/tcp.ts";
import { requireBinary } from "../support/binary.ts";
import { ip, udp } from "../support/connector-world.ts";
import { startAgent } from "../support/daemons.ts";
import { LiveEnd } from "../support/live-end.ts";
import { removeNamespaces } from "../support/network-namespace.ts";
import { testPki } from "../support/pki.ts";
import { runProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces, withoutProgram } from "../support/skip.ts";
import { LAB, TunnelWorld } from "../support/tunnel-world.ts";

beforeAll(requireBinary);
afterAll(removeNamespaces);

const needsNamespaces = testUnless(withoutNetworkNamespaces(), withoutProgram("ping"));

needsNamespaces(
  "a service cannot open a connection to a client's host, send it a datagram or ping it, and the count says so",
  async () => {
    await using world = await TunnelWorld.open();
    const host = world.hosts.agent;
    await using agent = await startAgent(world.server, `lab=${LAB}`, { cwd: world.cwd, prefix: host.prefix });
    let heard = 0;
    const note = () => void heard++;
    using listener = host.enter(() => Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { open: note, data: note } }));
    const socket = await host.enter(() => Bun.udpSocket({ hostname: "0.0.0.0", port: 0, socket: { data: note } }));
    world.use({ [Symbol.dispose]: () => socket.close() });

    await world.connector.process.end();
    const tcp = { sourcePort: 80, destinationPort: listener.port, sequence: 1, acknowledgement: 0, window: 1000 };
    const echo = { identifier: 7, sequence: 1, payload: new Uint8Array(8) };
    let asked = 0;
    using _evil = await LiveEnd.open({
      role: "connector",
      services: ["lab"],
      credential: (await testPki()).connectorForAll,
      relay: { host: "10.99.2.1", port: world.impairer.port("connector") },
      enter: (body) => world.hosts.connector.enter(body),
      received: (inner) => {
        const destination = ipv4Source(inner);
        const attacks = [
          () => encodeTcp({ ...tcp, source: ip(LAB), destination, flags: TCP_SYN, payload: new Uint8Array(0) }),
          () => udp(`${LAB}:53`, `${formatIpv4(destination)}:${socket.port}`),
          () => encodeEchoRequest({ ...echo, source: ip(LAB), destination }),
        ];
        return (attacks[asked++] ?? (() => encodeEchoReply(inner)))();
      },
    });
    // Three pings are answered with an attack each, the next one properly: by then all have arrived.
    const { stdout } = await runProcess([...host.prefix, "ping", "-n", "-c", "4", "-i", "0.2", "-W", "5", LAB]);
    expect(stdout).toContain("1 received");
    expect(await agent.total("ztna_dropped_total", 'reason="unsolicited"')).toBe(3);
    expect(heard).toBe(0);
  },
  60_000,
);
