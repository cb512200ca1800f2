// OpenVPN as it comes, over UDP: a server in the middle that passes packets from client to client by itself.
import { type TestCredential, testPki } from "../support/pki.ts";
import type { RunningProcess } from "../support/process.ts";
import { withoutProgram } from "../support/skip.ts";
import { addressedTunnel, type TunnelKind } from "./tunnel.ts";
import { type Place, RELAY, type TunnelNetwork } from "./tunnel-network.ts";

export const OPENVPN: TunnelKind = {
  name: "openvpn",
  missing: () => withoutProgram("openvpn"),
  async start(network) {
    const pki = await testPki();
    const server = [
      "--server",
      "10.73.0.0",
      "255.255.255.0",
      "--topology",
      "subnet",
      "--client-to-client",
      "--dh",
      "none",
    ];
    const remote = (place: "agent" | "connector") => ["--client", "--nobind", "--remote", RELAY[place], PORT, "udp"];
    // Addresses are given in the order of arrival.
    const processes = {
      relay: await startOpenvpn(network, "relay", pki.server, ["--port", PORT, "--proto", "udp", ...server]),
      connector: await startOpenvpn(network, "connector", pki.connectorForAll, remote("connector")),
      agent: await startOpenvpn(network, "agent", pki.agentForAll, remote("agent")),
    };
    return addressedTunnel(network, "10.73.0.2", processes);
  },
};

async function startOpenvpn(
  network: TunnelNetwork,
  place: Place,
  credential: TestCredential,
  options: readonly string[],
): Promise<RunningProcess> {
  const { ca } = await testPki();
  const files = ["--ca", ca.certFile, "--cert", credential.certFile, "--key", credential.keyFile];
  const device = ["--dev", "bench-openvpn", "--dev-type", "tun"];
  const daemon = network.start(place, "openvpn", ...device, ...files, ...options);
  await daemon.line(/Initialization Sequence Completed/);
  return daemon;
}

const PORT = "1194";
