// `ztna demo`: a complete network on loopback, of real processes and real sockets, that proves itself and goes away.
import { CAPITALS, DemoNetwork, ECHO, PAGE } from "./demo-network.ts";
import { DemoFailure } from "./demo-process.ts";
import {
  type Allowed,
  type FailOver,
  type Fetched,
  type Refused,
  showAllowed,
  showFailOver,
  showPage,
  showRefused,
} from "./demo-story.ts";
import { CommandError, EXIT } from "./errors.ts";
import { type CommandSpec, flag, readOptions } from "./options.ts";
import type { Run, Terminal } from "./terminal.ts";

const OPTIONS = {
  keep: flag("leave the network running until a signal ends it"),
  crash: flag("end a connector by SIGKILL: the gap is then the time that the relay takes to notice (some 3 s)"),
  json: flag("print one JSON object instead of the story"),
};

export const DEMO: CommandSpec<typeof OPTIONS> = {
  command: "demo",
  summary: "a complete network on this machine: rootless, loopback only, gone when it ends",
  options: OPTIONS,
  examples: ["ztna demo", "ztna demo --keep", "ztna demo --json"],
};

export const run: Run = async (args, terminal) => {
  const settings = await readOptions(DEMO, args, terminal);
  if (settings === undefined) return EXIT.done;
  const { keep, crash, json } = settings.values;
  const narrator = new Narrator(terminal, json);
  using interruption = new Interruption();
  await using network = new DemoNetwork(terminal);
  try {
    const story = tell(network, narrator, crash ? "SIGKILL" : "SIGTERM");
    if ((await Promise.race([story, interruption.happened])) === "interrupted") return EXIT.interrupted;
    if (json) terminal.out(`${JSON.stringify({ ...(await story), duration_ms: narrator.elapsed })}\n`);
    else narrator.end();
    if (keep) await keepRunning(network, narrator, interruption, await story);
    return EXIT.done;
  } catch (error) {
    if (error instanceof DemoFailure) throw new CommandError(`the demo failed: ${error.message}`);
    throw error;
  }
};

/** The shape of `--json`. */
interface Report {
  readonly schema_version: 1;
  readonly relay: string;
  readonly directory: string;
  readonly allowed: readonly Allowed[];
  readonly page: Fetched;
  readonly refused: Refused;
  readonly fail_over: FailOver;
}

async function tell(network: DemoNetwork, narrator: Narrator, signal: "SIGTERM" | "SIGKILL"): Promise<Report> {
  await network.makeCertificates();
  narrator.step("certificates", "of an authority, a relay, two connectors and two clients");
  await network.startRelay();
  narrator.step("relay", `${network.relay}; nobody enters without a certificate`);
  await Promise.all([network.startHost("a"), network.startHost("b")]);
  narrator.step(
    "connectors",
    `a and b, each with ${ECHO.id} and ${CAPITALS.id} (UDP) and ${PAGE.id} (HTTP) of its own host`,
  );
  const [page, refused, ...allowed] = await Promise.all([
    showPage(network),
    showRefused(network),
    showAllowed(network, ECHO),
    showAllowed(network, CAPITALS),
  ]);
  for (const { client, service, sent, received } of allowed) {
    narrator.step("allowed", `${client} to ${service}: "${sent}" came back as "${received}"`);
  }
  narrator.step("allowed", `${page.client} to ${page.service}: ${page.url} of its agent says "${page.body}"`);
  const code = `NACK 0x0${refused.status} ${refused.reason}`;
  narrator.step(
    "refused",
    `${refused.client} to ${refused.service}: ${code}; its certificate names ${CAPITALS.id} only`,
  );
  const failOver = await showFailOver(network, signal);
  narrator.step("fail-over", failOverText(failOver));
  const { relay, directory } = network;
  return { schema_version: 1, relay, directory, allowed, page, refused, fail_over: failOver };
}

function failOverText({ from, to, signal, gap_ms, sent, answered }: FailOver): string {
  const losses = `${sent - answered} of ${sent} requests unanswered`;
  return `connector ${from} ended by ${signal} in mid-traffic; ${to} served after ${gap_ms} ms, ${losses}`;
}

async function keepRunning(
  network: DemoNetwork,
  narrator: Narrator,
  interruption: Interruption,
  { page }: Report,
): Promise<void> {
  for (const host of network.hosts)
    if (!host.connector.running) host.connector = await network.startConnector(host.name);
  narrator.kept(network, page.url);
  await Promise.race([interruption.happened, network.broken()]);
}

/** Tells the story as it happens, or keeps quiet for `--json`. */
class Narrator {
  readonly #terminal: Terminal;
  readonly #quiet: boolean;
  readonly #begunAt = performance.now();

  constructor(terminal: Terminal, quiet: boolean) {
    this.#terminal = terminal;
    this.#quiet = quiet;
    this.#say("ztna demo: a whole network on loopback, of real processes. Nothing is installed, nothing stays.\n");
  }

  /** Milliseconds since the demo began. */
  get elapsed(): number {
    return Math.round(performance.now() - this.#begunAt);
  }

  step(what: string, detail: string): void {
    const seconds = (this.elapsed / 1000).toFixed(2);
    this.#say(`  ${seconds} s  ${what.padEnd(12)}  ${detail}`);
  }

  end(): void {
    this.#say(PRODUCTION);
    this.#say(`Done in ${(this.elapsed / 1000).toFixed(2)} s.`);
  }

  /** On standard error: with `--json` the other stream holds one object and nothing else. */
  kept(network: DemoNetwork, page: string): void {
    const client = "--client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem";
    this.#terminal.err(
      `Running until Ctrl-C. Try it: curl ${page}\nor, from ${network.directory}:\n` +
        `  ztna test-client --server ${network.relay} ${client} --service ${ECHO.id} --routed \\\n` +
        `    --dst ${ECHO.address}:${ECHO.port} --send-udp hello\n` +
        "  ztna status --control-dir .\n",
    );
  }

  #say(line: string): void {
    if (!this.#quiet) this.#terminal.out(`${line}\n`);
  }
}

/** The first INT or TERM. What the demo started is ended by its own hand afterwards. */
class Interruption implements Disposable {
  readonly happened: Promise<"interrupted">;
  #ignore: () => void = () => {};

  constructor() {
    this.happened = new Promise((resolve) => {
      const stop = () => resolve("interrupted");
      process.on("SIGINT", stop).on("SIGTERM", stop);
      this.#ignore = () => void process.off("SIGINT", stop).off("SIGTERM", stop);
    });
  }

  [Symbol.dispose](): void {
    this.#ignore();
  }
}

const PRODUCTION = `
The same in production. Once, on a machine that stays offline:
  ztna certs init
  ztna certs issue relay --server --host relay.example.org
  ztna certs issue office --connector lab
  ztna certs issue laptop --agent lab
On a host that everybody reaches (UDP port 4433):
  ztna serve --cert relay.crt --key relay.key --ca-cert ca.pem
Beside the private service:
  ztna connect --server relay.example.org:4433 --service lab --forward 127.0.0.1:9999 --service-ip 10.100.0.1 \\
    --client-cert office.crt --client-key office.key --ca-cert ca.pem
On the laptop, a test of the whole way:
  ztna test-client --server relay.example.org:4433 --service lab --routed --expect-ack \\
    --client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem --dst 10.100.0.1:9999 --send-udp hello
or, for programs that speak TCP, a local port that leads to the service, without root:
  ztna agent --server relay.example.org:4433 --service lab=10.100.0.1 --listen 8080=lab:9999 \\
    --client-cert laptop.crt --client-key laptop.key --ca-cert ca.pem

A connector that dies without a goodbye is missed after 3 s: ztna demo --crash. To look around: ztna demo --keep.
`;
