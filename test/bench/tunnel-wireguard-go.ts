// wireguard-go as it comes: a device on each host; the relay's is the hub, whose kernel forwards between its two peers.
import type { RunningProcess } from "../support/process.ts";
import { withoutProgram } from "../support/skip.ts";
import { addressedTunnel, eventually, type TunnelKind } from "./tunnel.ts";
import { PLACES, type Place, RELAY, type TunnelNetwork } from "./tunnel-network.ts";

export const WIREGUARD_GO: TunnelKind = {
  name: "wireguard-go",
  missing: () => withoutProgram("wireguard-go") ?? withoutProgram("wg"),
  async start(network) {
    const processes = {
      agent: await startDevice(network, "agent"),
      relay: await startDevice(network, "relay"),
      connector: await startDevice(network, "connector"),
    };
    const set = (place: Place, ...settings: readonly string[]) =>
      network.hosts[place].run("wg", "set", deviceOf(place), ...settings);
    const keys = new Map(PLACES.map((place) => [place, makeKey(network, place, set)]));
    const peer = (place: Place, addresses: string) => ["peer", keys.get(place)!, "allowed-ips", addresses];
    set("relay", "listen-port", PORT, ...peer("agent", ADDRESS.agent), ...peer("connector", ADDRESS.connector));
    network.hosts.relay.run("sh", "-c", `echo 1 > /proc/sys/net/ipv4/conf/${deviceOf("relay")}/forwarding`);
    for (const place of ["agent", "connector"] as const) {
      const endpoint = ["endpoint", `${RELAY[place]}:${PORT}`, "persistent-keepalive", "25"];
      set(place, ...peer("relay", NETWORK), ...endpoint);
    }
    return addressedTunnel(network, ADDRESS.connector, processes);
  },
};

async function startDevice(network: TunnelNetwork, place: Place): Promise<RunningProcess> {
  const host = network.hosts[place];
  const device = deviceOf(place);
  const daemon = network.start(place, "wireguard-go", "--foreground", device);
  await eventually(`${device} answers`, () => void host.run("wg", "show", device));
  host.run("ip", "address", "add", `${ADDRESS[place]}/24`, "dev", device);
  host.run("ip", "link", "set", device, "up");
  return daemon;
}

/** Gives a device its private key and returns the public one. */
function makeKey(network: TunnelNetwork, place: Place, set: (place: Place, ...settings: string[]) => void): string {
  const file = network.write(`wireguard-${place}.key`, network.hosts[place].run("wg", "genkey"));
  set(place, "private-key", file);
  return network.hosts[place].run("wg", "show", deviceOf(place), "public-key").trim();
}

/** Its control socket is found by this name on all hosts. */
function deviceOf(place: Place): string {
  return `zt${process.pid}${place[0]}`;
}

const NETWORK = "10.71.0.0/24";
const ADDRESS: Readonly<Record<Place, string>> = { relay: "10.71.0.1", agent: "10.71.0.2", connector: "10.71.0.3" };
const PORT = "51820";
