// `ztna agent`: reads and checks the options; what runs the agent is loaded only when it runs.

import { agentListeners } from "./agent-listeners.ts";
import { AGENT, agentFiles, agentRelay, wantsTun } from "./agent-options.ts";
import { agentServices } from "./agent-services.ts";
import { EXIT } from "./errors.ts";
import { readOptions } from "./options.ts";
import type { Run, Terminal } from "./terminal.ts";

export const run: Run = async (args, terminal) => {
  const read = async (to: Terminal) => {
    const settings = await readOptions(AGENT, args, to);
    if (settings === undefined) return undefined;
    agentRelay(settings);
    agentServices(settings);
    wantsTun(settings);
    agentListeners(settings);
    agentFiles(settings);
    return settings;
  };
  const settings = await read(terminal);
  if (settings === undefined) return EXIT.done;
  const { agent, checkAgent } = await import("./agent-daemon.ts");
  if (settings.values.check) return checkAgent(settings, terminal);
  return agent(settings, read, terminal);
};
