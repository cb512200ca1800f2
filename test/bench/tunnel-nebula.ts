// nebula as it comes: the host in the middle is lighthouse and relay. The two others have no way to each other but it.
import type { RunningProcess } from "../support/process.ts";
import { withoutProgram } from "../support/skip.ts";
import { addressedTunnel, type TunnelKind } from "./tunnel.ts";
import { PLACES, type Place, RELAY, type TunnelNetwork } from "./tunnel-network.ts";

export const NEBULA: TunnelKind = {
  name: "nebula",
  missing: () => withoutProgram("nebula") ?? withoutProgram("nebula-cert"),
  async start(network) {
    const issue = (...args: readonly string[]) => network.hosts.relay.run("nebula-cert", ...args);
    const file = (name: string) => `${network.directory}/nebula-${name}`;
    issue("ca", "-name", "bench", "-out-crt", file("ca.crt"), "-out-key", file("ca.key"));
    for (const place of PLACES) {
      const authority = ["-ca-crt", file("ca.crt"), "-ca-key", file("ca.key")];
      const files = ["-out-crt", file(`${place}.crt`), "-out-key", file(`${place}.key`)];
      issue("sign", "-name", place, "-ip", `${ADDRESS[place]}/24`, ...authority, ...files);
    }
    const processes = {
      relay: await startNebula(network, "relay"),
      connector: await startNebula(network, "connector"),
      agent: await startNebula(network, "agent"),
    };
    return addressedTunnel(network, ADDRESS.connector, processes);
  },
};

async function startNebula(network: TunnelNetwork, place: Place): Promise<RunningProcess> {
  const file = (name: string) => `${network.directory}/nebula-${name}`;
  const middle = place === "relay";
  const config = {
    pki: { ca: file("ca.crt"), cert: file(`${place}.crt`), key: file(`${place}.key`) },
    static_host_map: middle ? {} : { [ADDRESS.relay]: [`${RELAY[place]}:${PORT}`] },
    lighthouse: { am_lighthouse: middle, hosts: middle ? [] : [ADDRESS.relay], interval: 1 },
    listen: { host: "0.0.0.0", port: middle ? PORT : 0 },
    punchy: { punch: true },
    relay: { am_relay: middle, use_relays: true, relays: middle ? [] : [ADDRESS.relay] },
    tun: { dev: "bench-nebula" },
    firewall: { outbound: [ANYTHING], inbound: [ANYTHING] },
  };
  // Its YAML parser takes JSON.
  const path = network.write(`nebula-${place}.yml`, JSON.stringify(config));
  const daemon = network.start(place, "nebula", "-config", path);
  await daemon.line(/Nebula interface is active/);
  return daemon;
}

const ADDRESS: Readonly<Record<Place, string>> = { relay: "10.72.0.1", agent: "10.72.0.2", connector: "10.72.0.3" };
const PORT = 4242;
const ANYTHING = { port: "any", proto: "any", host: "any" };
