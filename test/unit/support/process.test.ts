// The tools that end-to-end tests stand on: a wait that could hang or a lost line would make every one of them lie.
import { expect, test } from "bun:test";
import { runProcess, source, startProcess } from "../../support/process.ts";

test("a line is found whether it was printed before or after the wait began", async () => {
  await using shell = startProcess(["sh", "-c", "echo ready 41; read x; echo got $x >&2; read y"], { stdin: true });
  expect((await shell.line(/^ready (\d+)$/))[1]).toBe("41");
  const late = shell.line(/^got (\w+)$/, { stream: "stderr" });
  shell.write("it\n");
  expect((await late)[1]).toBe("it");
  expect((await shell.line(/^ready/)).input).toBe("ready 41");
});

test("a wait names what the process said when it ends without the line", async () => {
  const shell = startProcess(["sh", "-c", "echo before; echo why >&2; exit 3"]);
  const failure = await shell.line(/^never$/).catch((error: Error) => error.message);
  expect(failure).toContain("ended without a line like /^never$/");
  expect(failure).toContain("before");
  expect(failure).toContain("why");
  expect((await shell.ended).status).toBe(3);
});

test("a wait for a line that does not come is given up in time", async () => {
  await using shell = startProcess(["sh", "-c", "echo here; read x"], { stdin: true });
  await expect(shell.line(/^there$/, { timeoutMs: 50 })).rejects.toThrow("within 50 ms");
  await expect(shell.line(/^here$/, { stream: "stderr", timeoutMs: 50 })).rejects.toThrow("within 50 ms");
});

test("a process that ignores TERM is killed after the grace period", async () => {
  const shell = startProcess(["sh", "-c", "trap '' TERM; echo up; while :; do read x || exec sleep 1000; done"]);
  await shell.line(/^up$/);
  const ended = await shell.end("SIGTERM", 100);
  expect(ended).toMatchObject({ status: undefined, signal: "SIGKILL" });
  expect(await shell.end()).toEqual(ended);
});

test("a command that ends gives its status, both streams and a last line without newline", async () => {
  const ended = await runProcess(["sh", "-c", "cat; printf tail; exit 7"], { input: "in\n" });
  expect(ended).toEqual({ status: 7, signal: undefined, stdout: "in\ntail", stderr: "" });
});

test("a command that does not end is an error with its output", async () => {
  const run = runProcess(["sh", "-c", "echo stuck; exec sleep 1000"], { timeoutMs: 200 });
  await expect(run).rejects.toThrow(/did not end within 200 ms[\s\S]*stuck/);
});

test("the echo fixture as a process prints its port and returns a datagram to its sender", async () => {
  await using echo = startProcess(source("test/support/echo-fixture.ts", "--port", "0"));
  const [, port] = await echo.line(/^listening 0\.0\.0\.0:(\d+)$/);
  const answer = Promise.withResolvers<string>();
  const socket = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port: Number(port) },
    socket: { data: (_socket, data) => answer.resolve(data.toString()) },
  });
  socket.send("hello");
  expect(await answer.promise).toBe("hello");
  socket.close();
});
