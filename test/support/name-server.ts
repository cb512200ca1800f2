// A real name server, dnsmasq, with two records of its own that asks nobody else.
import { freePort } from "./daemons.ts";
import { type RunningProcess, startProcess } from "./process.ts";

export interface NameServer {
  readonly process: RunningProcess;
  readonly port: number;
}

/** db.internal.test is 192.0.2.55, and its owner is the platform. */
export async function startNameServer(): Promise<NameServer> {
  const port = freePort();
  const settings = ["--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--log-facility=-"];
  const where = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--keep-in-foreground"];
  const user = "--user=root"; // stay who we are; without privileges it is not looked at
  const records = ["--address=/db.internal.test/192.0.2.55", "--txt-record=db.internal.test,owner=platform"];
  const command = ["dnsmasq", ...settings, ...where, user, ...records, "--local=/internal.test/"];
  const running = startProcess(command, { name: "dnsmasq" });
  await running.line(/dnsmasq.*: started, version/);
  return { process: running, port };
}
