// What the daemons share: reminders, the line of a ready socket, errors of listening, bugs that end nothing.
import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { BugReports, cannotListen, listeningLine, logTerminal, openLog, Reminders } from "../../../src/cli/daemon.ts";
import { CommandError } from "../../../src/cli/errors.ts";
import { Log } from "../../../src/runtime/log.ts";
import type { CertificateDate } from "../../../src/runtime/metrics-page.ts";
import { recordingTerminal } from "../../support/recording-terminal.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

beforeEach(() => void setSystemTime(NOW));
afterEach(() => void setSystemTime());

function recordingLog() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.trimEnd().slice(25));
  const log = new Log({ format: "text", level: "info", write, wallNow: () => NOW, now: () => 0 });
  return { log, lines };
}

test("a ready socket is named as a client would write it", () => {
  expect(listeningLine({ host: "127.0.0.1", port: 4433 })).toBe("listening 127.0.0.1:4433");
  expect(listeningLine({ host: "::1", port: 53 })).toBe("listening [::1]:53");
});

test("what cannot be bound is one sentence and status 1", () => {
  const error = cannotListen("127.0.0.1:53", Object.assign(new Error("bind"), { code: "EADDRINUSE" }));
  expect(error).toEqual(new CommandError("cannot listen on 127.0.0.1:53: another process listens there"));
  expect(error.exitCode).toBe(1);
  expect(cannotListen("x", new Error("odd")).message).toBe("cannot listen on x: odd");
});

test("an open door is mentioned at once and every minute", () => {
  const { log, lines } = recordingLog();
  const reminders = new Reminders(
    log,
    () => ["no-verify-peer"],
    () => [],
  );
  reminders.remind(NOW + 60_000);
  reminders.close();
  expect(lines).toEqual(Array(2).fill("warn  insecure option=no-verify-peer"));
});

test("an expiry is announced 30, 7 and 1 days ahead and when it has come, once each, and again after a renewal", () => {
  const { log, lines } = recordingLog();
  let dates: CertificateDate[] = [{ certificate: "server", notAfter: NOW + 40 * DAY }];
  const reminders = new Reminders(
    log,
    () => [],
    () => dates,
  );
  for (let day = 0; day <= 41; day++) {
    for (const hour of [0, 1]) reminders.remind(NOW + day * DAY + hour * 3_600_000);
  }
  expect(lines.map((line) => line.replace(/ date=.*/, ""))).toEqual([
    "warn  certificate-expires certificate=server days=29",
    "warn  certificate-expires certificate=server days=6",
    "warn  certificate-expires certificate=server days=0",
    "error certificate-expired certificate=server days=-1",
  ]);
  dates = [{ certificate: "server", notAfter: NOW + 400 * DAY }];
  reminders.remind(NOW + 41 * DAY);
  dates = [{ certificate: "server", notAfter: NOW + 46 * DAY }];
  reminders.remind(NOW + 41 * DAY);
  reminders.close();
  expect(lines).toHaveLength(5);
  expect(lines[4]).toStartWith("warn  certificate-expires certificate=server days=5");
});

test("an unexpected error is one line and a number, and listening for it ends with the report", () => {
  const { log, lines } = recordingLog();
  const before = process.listenerCount("uncaughtException");
  const bugs = new BugReports(log);
  process.emit("uncaughtException", new TypeError("x is not a function\nat all"));
  process.emit("unhandledRejection", "odd", Promise.resolve());
  expect(bugs.count).toBe(2);
  expect(lines[0]).toStartWith('error unexpected-error detail="TypeError: x is not a function');
  expect(lines[1]).toBe("error unexpected-error detail=odd");
  bugs.close();
  expect(process.listenerCount("uncaughtException")).toBe(before);
});

test("what is said while options are read again goes into the log", () => {
  const { log, lines } = recordingLog();
  logTerminal(log, recordingTerminal()).err("ztna: warning: x\n");
  expect(lines).toEqual(['warn  configuration detail="ztna: warning: x"']);
});

for (const [isTerminal, noColour, format, coloured] of [
  [true, undefined, "text", true],
  [false, undefined, "text", false],
  [true, "1", "text", false],
  [true, "", "text", true],
  [true, undefined, "json", false],
] as const) {
  test(`terminal ${isTerminal}, NO_COLOR ${noColour}, ${format}: ${coloured ? "colour" : "no colour"}`, async () => {
    const terminal = recordingTerminal(noColour === undefined ? {} : { NO_COLOR: noColour });
    const log = await openLog(
      { logFormat: format, logLevel: "info" },
      Object.assign(terminal, { errIsTerminal: isTerminal }),
    );
    log.line("error", "x");
    expect(terminal.stderr.includes("\u001b[")).toBe(coloured);
  });
}
