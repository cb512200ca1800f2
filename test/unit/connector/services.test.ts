// What leads to a backend and what does not.
import { describe, expect, test } from "bun:test";
import { parsePorts, type ServiceEntry, Services, serviceFault } from "../../../src/connector/services.ts";
import { ip } from "../../support/connector-world.ts";

const DB = ip("10.100.0.2");
const LAB = ip("10.100.0.3");

const services = new Services([
  { id: "db", virtualIp: DB, backend: { host: "127.0.0.1", port: 5432 }, protocol: "tcp", ports: parsePorts([5432])! },
  { id: "db", virtualIp: DB, backend: { host: "127.0.0.2", port: 53 }, protocol: "udp", ports: parsePorts([53])! },
  { id: "lab", virtualIp: LAB, backend: { host: "10.1.2.3" }, ports: parsePorts(["8000-8999", 22])! },
  { id: "old", backend: { host: "192.0.2.1", port: 9999 } },
]);

describe("Services", () => {
  test("names each service once", () => {
    expect(services.ids).toEqual(["db", "lab", "old"]);
  });

  test("finds the backend by service, address, protocol and port", () => {
    expect(services.backendFor("db", DB, "tcp", 5432)).toEqual({ host: "127.0.0.1", port: 5432 });
    expect(services.backendFor("db", DB, "udp", 53)).toEqual({ host: "127.0.0.2", port: 53 });
  });

  test("a backend without a port keeps the destination's", () => {
    expect(services.backendFor("lab", LAB, "tcp", 8080)).toEqual({ host: "10.1.2.3", port: 8080 });
    expect(services.backendFor("lab", LAB, "udp", 22)).toEqual({ host: "10.1.2.3", port: 22 });
    const open = new Services([{ id: "any", backend: { host: "10.1.2.3" } }]);
    expect(open.backendFor("any", DB, "udp", 0)).toBe("foreign-port");
  });

  test("nothing else is reachable, and the closest miss is named", () => {
    expect(services.backendFor("db", LAB, "tcp", 5432)).toBe("foreign-address");
    expect(services.backendFor("lab", DB, "tcp", 5432)).toBe("foreign-address");
    expect(services.backendFor("nobody", DB, "tcp", 5432)).toBe("foreign-address");
    expect(services.backendFor("db", DB, "tcp", 53)).toBe("foreign-port");
    expect(services.backendFor("db", DB, "udp", 5432)).toBe("foreign-port");
    for (const port of [7999, 9000, 21, 23, 0]) {
      expect(services.backendFor("lab", LAB, "tcp", port)).toBe("foreign-port");
    }
    const tcpOnly = new Services([{ id: "t", virtualIp: DB, backend: { host: "h", port: 1 }, protocol: "tcp" }]);
    expect(tcpOnly.backendFor("t", DB, "udp", 1)).toBe("foreign-protocol");
  });

  test("a service without a virtual address takes any destination", () => {
    for (const address of [DB, LAB, 0, 0xffff_ffff]) {
      expect(services.backendFor("old", address, "udp", 1)).toEqual({ host: "192.0.2.1", port: 9999 });
      expect(services.echoFault("old", address)).toBeUndefined();
    }
  });

  test("the first matching entry counts", () => {
    const twice = new Services([
      { id: "a", virtualIp: DB, backend: { host: "first", port: 1 }, ports: parsePorts(["1-100"])! },
      { id: "a", virtualIp: DB, backend: { host: "second", port: 2 } },
    ]);
    expect(twice.backendFor("a", DB, "udp", 100)).toEqual({ host: "first", port: 1 });
    expect(twice.backendFor("a", DB, "udp", 101)).toEqual({ host: "second", port: 2 });
  });

  test("echo is answered only for own addresses and where the protocol is allowed", () => {
    expect(services.echoFault("lab", LAB)).toBeUndefined();
    expect(services.echoFault("lab", DB)).toBe("foreign-address");
    expect(services.echoFault("db", DB)).toBe("foreign-protocol");
    expect(services.echoFault("nobody", DB)).toBe("foreign-address");
  });
});

describe("serviceFault", () => {
  const entry = (parts: Partial<ServiceEntry>): ServiceEntry => ({
    id: "web",
    backend: { host: "h", port: 1 },
    ...parts,
  });

  test("accepts what the constructor takes", () => {
    expect(serviceFault([entry({}), entry({ id: "x".repeat(255) }), entry({ id: "" })])).toBeUndefined();
  });

  test("names each mistake in one sentence", () => {
    const mistakes: ServiceEntry[][] = [
      [],
      [entry({ id: "é".repeat(128) })],
      [entry({ id: "\ud800" })],
      [entry({ virtualIp: DB }), entry({ virtualIp: LAB })],
      [entry({ virtualIp: DB }), entry({})],
      [entry({ ports: [{ first: 0, last: 5 }] })],
      [entry({ ports: [{ first: 5, last: 4 }] })],
      [entry({ ports: [{ first: 1, last: 65536 }] })],
    ];
    for (const entries of mistakes) expect(serviceFault(entries)).toMatch(/^[A-Z].*\.$/);
  });
});

describe("parsePorts", () => {
  test("reads numbers and ranges", () => {
    expect(parsePorts([5432, "80", "8000-8999", "7-7"])).toEqual([
      { first: 5432, last: 5432 },
      { first: 80, last: 80 },
      { first: 8000, last: 8999 },
      { first: 7, last: 7 },
    ]);
    expect(parsePorts([])).toEqual([]);
  });

  test("refuses everything else", () => {
    for (const wrong of [
      0,
      -1,
      65536,
      1.5,
      Number.NaN,
      "",
      "x",
      "1-",
      "-1",
      "9-8",
      "1-65536",
      "01",
      "1 - 2",
      "1-2-3",
    ]) {
      expect(parsePorts([wrong])).toBeUndefined();
    }
  });
});
