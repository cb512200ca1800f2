// `ztna serve`: reads and checks the options; what runs the relay is loaded only when it runs.
import { EXIT } from "./errors.ts";
import { readOptions } from "./options.ts";
import { clientAuthOf, SERVE } from "./serve-options.ts";
import type { Run, Terminal } from "./terminal.ts";

export const run: Run = async (args, terminal) => {
  const read = async (to: Terminal) => {
    const settings = await readOptions(SERVE, args, to);
    if (settings !== undefined) clientAuthOf(settings);
    return settings;
  };
  const settings = await read(terminal);
  if (settings === undefined) return EXIT.done;
  const { checkServe, serve } = await import("./serve-daemon.ts");
  if (settings.values.check) return checkServe(settings, terminal);
  return serve(settings, read, terminal);
};
