// `ztna bench`: what the way to a service and back is like, measured by a user with a user's credentials.
import type { BenchPlan } from "../agent/bench.ts";
import { parseIpv4 } from "../wire/address.ts";
import { BENCH, type BenchSettings } from "./bench-options.ts";
import { credentialFiles, namesOf, relayOf } from "./client-options.ts";
import { EXIT, UsageError } from "./errors.ts";
import { readOptions } from "./options.ts";
import type { Run } from "./terminal.ts";

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(BENCH, args, terminal);
  if (settings === undefined) return EXIT.done;
  const relay = relayOf(settings, "serverHost");
  const plan = planOf(settings);
  const files = credentialFiles(settings.values, (message, ...names) => settings.conflict(message, ...names));
  if (files === undefined) throw new UsageError("who are we? Give --client-cert and --client-key");
  const { bench } = await import("./bench-run.ts");
  return bench({ settings, relay, names: namesOf(settings, relay), plan, files }, terminal);
};

function planOf({ values }: BenchSettings): BenchPlan {
  const { service, dst, bytes, rate, seconds } = values;
  if (service === undefined) throw new UsageError("the way to which service? Give --service NAME");
  return { service, destination: parseIpv4(dst) ?? 0, bytes, perSecond: rate, seconds };
}
