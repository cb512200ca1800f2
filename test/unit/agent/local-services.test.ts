// Which hosts are services, and which are not.
import { describe, expect, test } from "bun:test";
import { LocalServices } from "../../../src/agent/local-services.ts";

const services = new LocalServices([
  { id: "web", virtualIp: 0x0a640001 },
  { id: "lab.example", virtualIp: 0x0a640002 },
  { id: "twin", virtualIp: 0x0a640001 },
  { id: "odd.ztna", virtualIp: 0x0a640004 },
]);

const named = (name: string) => services.find({ type: "name", name, port: 80 })?.id;
const addressed = (address: number) => services.find({ type: "ipv4", address, port: 80 })?.id;

describe("a host is a service", () => {
  for (const name of ["web", "WEB", "web.", "web.ztna", "Web.ZTNA.", "lab.example", "lab.example.ztna"]) {
    test(`by its name: ${name}`, () =>
      expect(named(name)).toBe(name.toLowerCase().startsWith("web") ? "web" : "lab.example"));
  }

  test("by its virtual address; the first one has it", () => {
    expect(addressed(0x0a640001)).toBe("web");
    expect(addressed(0x0a640002)).toBe("lab.example");
  });

  test("by its whole name before any suffix is looked at", () => {
    expect(named("odd.ztna")).toBe("odd.ztna");
    expect(named("odd")).toBeUndefined();
  });
});

describe("everything else is not", () => {
  for (const name of [
    "",
    ".",
    ".ztna",
    "example.org",
    "web.ztna.example.org",
    "xweb",
    "localhost",
    "web..",
    "__proto__",
  ]) {
    test(JSON.stringify(name), () => expect(named(name)).toBeUndefined());
  }

  test("other addresses, and IPv6", () => {
    expect(addressed(0x0a640003)).toBeUndefined();
    expect(addressed(0x7f000001)).toBeUndefined();
    expect(services.find({ type: "ipv6", port: 80 })).toBeUndefined();
  });
});
