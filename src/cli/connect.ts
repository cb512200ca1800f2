// `ztna connect`: reads and checks the options; what runs the connector is loaded only when it runs.
import { CONNECT, clientFiles, idleOptions, relayAddress } from "./connect-options.ts";
import { serviceEntries } from "./connect-services.ts";
import { EXIT } from "./errors.ts";
import { readOptions, warn } from "./options.ts";
import type { Run, Terminal } from "./terminal.ts";

export const run: Run = async (args, terminal) => {
  const read = async (to: Terminal) => {
    const settings = await readOptions(CONNECT, args, to);
    if (settings === undefined) return undefined;
    relayAddress(settings);
    serviceEntries(settings);
    clientFiles(settings);
    return settings;
  };
  const settings = await read(terminal);
  if (settings === undefined) return EXIT.done;
  const idle = idleOptions(settings);
  if (idle.length > 0) warn(terminal, `peer-to-peer connections are not offered; without effect: ${idle.join(", ")}`);
  const { checkConnect, connect } = await import("./connect-daemon.ts");
  if (settings.values.check) return checkConnect(settings, terminal);
  return connect(settings, read, terminal);
};
