// Where an agent listens for local programs, with everything that the options could contradict.
import type { AgentSettings } from "./agent-options.ts";
import { agentServices } from "./agent-services.ts";
import { isOpenToOthers, type ListenerSetting, localListeners } from "./local-listeners.ts";

/** Throws when the options contradict each other, or name a service that the agent does not use. */
export function agentListeners(settings: AgentSettings): readonly ListenerSetting[] {
  const services = agentServices(settings).map(({ id }) => id);
  const listeners = localListeners(settings.values, services, settings.place);
  if (typeof listeners !== "string") return listeners;
  throw settings.conflict(listeners, "listen", "socks5", "allowRemoteClients");
}

/** Protections that are off, by the option that switched them off. */
export function listenerInsecurities(settings: AgentSettings): readonly string[] {
  return isOpenToOthers(agentListeners(settings)) ? ["allow-remote-clients"] : [];
}
