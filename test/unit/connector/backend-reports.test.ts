// What is said about backends, and how often.
import { expect, test } from "bun:test";
import { BackendReports } from "../../../src/connector/backend-reports.ts";

test("a failure is said once until the backend answers, and that is said once too", () => {
  const reports = new BackendReports();
  expect(reports.answered("dns")).toBeUndefined();
  expect(reports.failed("dns", "refused", 0)).toMatchObject({
    level: "warn",
    event: "backend-unavailable",
    fields: { service: "dns", reason: "refused" },
  });
  expect(reports.failed("dns", "refused", 120_000)).toBeUndefined();
  expect(reports.answered("dns")).toMatchObject({ level: "info", event: "backend-available" });
  expect(reports.answered("dns")).toBeUndefined();
});

test("a backend that comes and goes is reported at most once a minute", () => {
  const reports = new BackendReports();
  let said = 0;
  for (let now = 0; now < 600_000; now += 1000) {
    if (reports.failed("dns", "refused", now) !== undefined) said++;
    reports.answered("dns");
  }
  expect(said).toBe(10);
});

test("services are reported on their own", () => {
  const reports = new BackendReports();
  reports.failed("dns", "refused", 0);
  expect(reports.failed("web", "unresolved", 0)).toBeDefined();
  expect(reports.answered("web")).toBeDefined();
  expect(reports.answered("dns")).toBeDefined();
});

test("the last failure is known until the backend answers, also while nothing is said of it", () => {
  const reports = new BackendReports();
  expect(reports.failure("dns")).toBeUndefined();
  reports.failed("dns", "refused", 0);
  reports.failed("dns", "unreachable", 1);
  expect([reports.failure("dns"), reports.failure("web")]).toEqual(["unreachable", undefined]);
  reports.answered("dns");
  expect(reports.failure("dns")).toBeUndefined();
  expect(reports.failed("dns", "timeout", 2)).toBeUndefined();
  expect(reports.failure("dns")).toBe("timeout");
  expect(reports.answered("dns")).toBeUndefined();
  expect(reports.failure("dns")).toBeUndefined();
});
