// The services as metrics and status show them.
import type { Registry, Service } from "./registry.ts";
import type { ServiceSnapshot } from "./stats.ts";

/** Services that somebody uses or serves, then those that were only refused; at most `limit`, because peers name them. */
export function serviceSnapshots(
  registry: Registry,
  denied: ReadonlyMap<string, number>,
  limit: number,
): ServiceSnapshot[] {
  const snapshots: ServiceSnapshot[] = [];
  for (const service of registry.all()) {
    if (snapshots.length >= limit) return snapshots;
    snapshots.push(snapshotOf(service, denied.get(service.name) ?? 0));
  }
  for (const [name, count] of denied) {
    if (snapshots.length >= limit) return snapshots;
    if (registry.find(name) === undefined) snapshots.push({ ...NOTHING, service: name, denied: count });
  }
  return snapshots;
}

function snapshotOf(service: Service, denied: number): ServiceSnapshot {
  const { servings } = service;
  const displaced = servings.filter((serving) => serving.covered).length;
  const connectors = servings.filter((serving) => serving.usable).length;
  return {
    service: service.name,
    connectors,
    displaced,
    silent: servings.length - displaced - connectors,
    agents: service.agents.size,
    denied,
    datagramsToConnectors: service.datagramsToConnectors,
    datagramsToAgents: service.datagramsToAgents,
  };
}

const NOTHING: Omit<ServiceSnapshot, "service" | "denied"> = {
  connectors: 0,
  displaced: 0,
  silent: 0,
  agents: 0,
  datagramsToConnectors: 0,
  datagramsToAgents: 0,
};
