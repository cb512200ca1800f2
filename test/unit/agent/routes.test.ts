// Which service a destination belongs to, and which services an agent cannot have.
import { expect, test } from "bun:test";
import { agentServicesFault, MAX_SERVICES, Routes } from "../../../src/agent/routes.ts";
import { ip } from "../../support/connector-world.ts";
import { hex } from "../../support/vectors.ts";

const registrationOf = (service: string) => ({ service, state: "pending", reason: undefined }) as const;
const WEB = { id: "web", virtualIp: ip("10.100.0.2") };
const DB = { id: "database", virtualIp: ip("10.100.0.3") };

test("a virtual address leads to its service, with the head of its datagrams", () => {
  const routes = new Routes([WEB, DB], registrationOf);
  expect(routes.at(WEB.virtualIp)).toMatchObject({ id: "web", head: hex("2f 03 776562") });
  expect(routes.of("database")).toBe(routes.at(DB.virtualIp)!);
  expect(routes.at(ip("10.100.0.4"))).toBeUndefined();
  expect(routes.of("data")).toBeUndefined();
  expect([...routes.all()].map(({ id }) => id)).toEqual(["web", "database"]);
});

test("the longest head is what every service can do with", () => {
  expect(new Routes([WEB, DB], registrationOf).longestHead).toBe(10);
  expect(new Routes([], registrationOf).longestHead).toBe(0);
});

test("what cannot be used is one sentence", () => {
  expect(agentServicesFault([WEB, DB])).toBeUndefined();
  expect(agentServicesFault([WEB, { ...DB, id: "web" }])).toContain('"web" is named twice');
  expect(agentServicesFault([WEB, { ...WEB, id: "two" }])).toContain("have the same virtual address 10.100.0.2");
  expect(agentServicesFault([{ ...WEB, id: "" }])).toContain("1 to 255 bytes");
  expect(agentServicesFault([{ ...WEB, id: "x".repeat(256) }])).toContain("1 to 255 bytes");
  for (const address of ["0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255"]) {
    expect(agentServicesFault([{ ...WEB, virtualIp: ip(address) }])).toContain(`${address}, which no host can have`);
  }
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id: `s${index}`, virtualIp: ip("10.0.0.1") + index }));
  expect(agentServicesFault(many(MAX_SERVICES))).toBeUndefined();
  expect(agentServicesFault(many(MAX_SERVICES + 1))).toContain("too many");
});
