// The production start, as README.md and `ztna demo` print it, typed in as it stands; only names and ports are those of here.
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, requireBinary } from "../support/binary.ts";
import { openEcho } from "../support/echo-fixture.ts";
import { ROOT, runProcess, startProcess } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(requireBinary);

const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** Lines that begin with the program's name, continuations joined. */
function commandsIn(text: string): string[] {
  const lines = text.replace(/\s*\\\n\s*/g, " ").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line.startsWith("ztna "));
}

function productionStart(): string[] {
  const block = /## Production\n+```sh\n([\s\S]*?)```/.exec(README)?.[1] ?? "";
  return commandsIn(block);
}

test("README.md and the demo print the same commands", async () => {
  const { stdout } = await runProcess([BINARY, "demo"]);
  const printed = commandsIn(stdout.slice(stdout.indexOf("The same in production")));
  expect(printed).toEqual(productionStart());
  expect(printed.map((command) => command.split(" ")[1])).toEqual([
    ...["certs", "certs", "certs", "certs", "serve", "connect", "test-client", "agent"],
  ]);
});

test("typed in, they carry a payload from the laptop to the private service and back", async () => {
  using directory = temporaryDirectory();
  using echo = await openEcho();
  const [init, relayCertificate, officeCertificate, laptopCertificate, serve, connect, testClient, agent] =
    productionStart().map((command) => command.split(" ").slice(1));
  for (const command of [init, relayCertificate, officeCertificate, laptopCertificate]) {
    const { status, stderr } = await runProcess([BINARY, ...(command as string[])], { cwd: directory.path });
    expect({ status, command, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, command, stderr: "" });
  }
  // Each host has its own files and the CA; here they lie together.
  const cwd = join(directory.path, "certs");
  const here = ["--bind", "127.0.0.1", "--port", "0", "--metrics-port", "0"];
  await using relay = startProcess([BINARY, ...(serve as string[]), ...here], { cwd });
  const [, address] = await relay.line(/^listening (127\.0\.0\.1:\d+)$/);
  const local = (command: string[] | undefined) =>
    (command ?? []).map((word) => (word === "relay.example.org:4433" ? (address as string) : word));
  const forward = local(connect).map((word) => (word === "127.0.0.1:9999" ? `127.0.0.1:${echo.port}` : word));
  await using connector = startProcess([BINARY, ...forward, "--metrics-port", "0"], { cwd });
  await connector.line(/^registered lab$/);
  const { status, stdout } = await runProcess([BINARY, ...local(testClient)], { cwd });
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^RECV:45.*${Buffer.from("hello").toString("hex")}$`, "m"));
  expect(echo.echoed).toBe(1);
  const anyPort = local(agent).map((word) => word.replace(/^8080=/, "0="));
  await using ports = startProcess([BINARY, ...anyPort], { cwd });
  const [, port] = await ports.line(/^listening 127\.0\.0\.1:(\d+)$/);
  await ports.line(/^registered lab$/);
  expect(await answerAt(Number(port), "hello again")).toBe("hello again");
});

/** What comes back to a datagram that a local program sends. */
async function answerAt(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const connect = { hostname: "127.0.0.1", port };
  const socket = await Bun.udpSocket({ connect, socket: { data: (_, bytes) => resolve(bytes.toString()) } });
  socket.send(text);
  return promise.finally(() => socket.close());
}
