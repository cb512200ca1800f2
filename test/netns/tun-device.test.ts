// The TUN device against the kernel: what it looks like, what stays of it, and whether the kernel's own TCP gets every
// byte through what we cut and join.
import { afterAll, describe, expect, test } from "bun:test";
import { openLibc } from "../../src/runtime/libc.ts";
import { freeTunAddress, TunDevice, TunFailure } from "../../src/runtime/tun-device.ts";
import { ip } from "../support/connector-world.ts";
import { NetworkNamespace, removeNamespaces } from "../support/network-namespace.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { testUnless, withoutNetworkNamespaces } from "../support/skip.ts";
import { ADDRESSES, TunPair } from "../support/tun-pair.ts";

afterAll(removeNamespaces);

const here = testUnless(withoutNetworkNamespaces());
const SETTINGS = { name: "t0", address: ip("100.64.0.1"), destinations: [ip("10.100.0.2")], mtu: 1290 };

describe("a device", () => {
  here("has its name, address, MTU and routes, and takes all of them with it", () => {
    using host = new NetworkNamespace("tun");
    const before = host.run("ip", "-o", "route", "show", "table", "all");
    const device = host.enter(() => TunDevice.open(openLibc()!, { ...SETTINGS, mtu: 1280 }));
    expect(host.run("ip", "-o", "link", "show", "t0")).toMatch(/<.*\bUP\b.*> mtu 1280 /);
    host.enter(() => device.setMtu(1301));
    expect(host.run("ip", "-o", "link", "show", "t0")).toContain("mtu 1301");
    expect(host.run("ip", "-o", "address", "show", "t0")).toMatch(
      /^\d+: t0 +inet 100\.64\.0\.1\/32 scope global t0[^\n]*\n$/,
    );
    expect(host.run("ip", "route", "show")).toBe("10.100.0.2 dev t0 proto static scope link src 100.64.0.1 \n");
    device.close();
    expect(host.run("ip", "-o", "route", "show", "table", "all")).toBe(before);
    expect(host.run("ip", "-o", "link", "show")).not.toContain("t0");
  });

  here("that cannot be made says why, and leaves nothing", () => {
    using host = new NetworkNamespace("tun");
    const open = (settings: Partial<typeof SETTINGS>) =>
      host.enter(() => TunDevice.open(openLibc()!, { ...SETTINGS, ...settings }));
    const device = open({});
    const failure = (settings: Partial<typeof SETTINGS>) => {
      try {
        open(settings).close();
      } catch (error) {
        return error as TunFailure;
      }
      throw new Error("it could be made");
    };
    expect(failure({})).toMatchObject({
      code: "EBUSY",
      message: "there is an interface t0 already: give another name",
    });
    const route = failure({ name: "t1" });
    expect(route).toBeInstanceOf(TunFailure);
    expect([route.code, route.message]).toEqual(["EEXIST", expect.stringContaining("a route 10.100.0.2 already")]);
    expect(host.run("ip", "-o", "link", "show")).not.toContain("t1");
    device.close();
    open({ name: "t1" }).close();
  });
});

test("an address that an interface has is not taken again", () => {
  expect(freeTunAddress(ip("127.0.0.1"))).toBe(ip("127.0.0.2"));
  expect(freeTunAddress(ip("192.0.2.1"))).toBe(ip("192.0.2.1"));
});

describe("the kernel's own TCP over two devices", () => {
  here(
    "gets every byte through both ways, in large reads and writes",
    async () => {
      using pair = await TunPair.open(1300);
      const [left, right] = pair.hosts;
      await using server = startProcess([...right.prefix, process.execPath, "-e", SERVER], { name: "server" });
      await server.line(/^ready$/);
      const client = await runProcess([...left.prefix, process.execPath, "-e", CLIENT]);
      const [sent, received] = client.stdout.trim().split("\n");
      const [, seen] = await server.line(/^received (\w+)$/);
      expect(sent).toBe(`sent ${seen}`);
      expect(received).toBe(`received ${seen}`);

      expect(pair.passed).toMatchObject({ faults: 0, longest: 1300 });
      for (const { stats } of pair.tuns) {
        expect(stats.writeFailures).toBe(0);
        expect(stats.readBytes / stats.reads).toBeGreaterThan(2 * 1300);
        expect(stats.writtenPackets / stats.writes).toBeGreaterThan(2);
      }
    },
    60_000,
  );

  here(
    "takes UDP that comes in one large write for as many datagrams",
    async () => {
      using pair = await TunPair.open(1300);
      const [left, right] = pair.hosts;
      await using server = startProcess([...right.prefix, process.execPath, "-e", UDP_SERVER], { name: "server" });
      await server.line(/^ready$/);
      const { stdout } = await runProcess([...left.prefix, process.execPath, "-e", UDP_CLIENT]);
      await server.line(/^600 600 600 600 600 600 600 600 200$/);
      expect(stdout).toBe("true\n");
      expect(pair.passed.faults).toBe(0);
    },
    60_000,
  );
});

const MEGABYTES = 24;

/** Sends back what it gets, and says what that was. */
const SERVER = `
  const hash = new Bun.CryptoHasher("sha256"); const waiting = [];
  const push = (socket) => { while (waiting.length > 0) { const next = waiting[0]; const n = socket.write(next);
    if (n < next.length) { waiting[0] = next.subarray(Math.max(0, n)); return; } waiting.shift(); } if (socket.data.ended) socket.end(); };
  Bun.listen({ hostname: "${ADDRESSES[1]}", port: 7007, allowHalfOpen: true, socket: {
    open(socket) { socket.data = { ended: false }; },
    data(socket, bytes) { hash.update(bytes); waiting.push(bytes.slice()); push(socket); },
    drain: push,
    end(socket) { socket.data.ended = true; console.log("received " + hash.digest("hex")); push(socket); } } });
  console.log("ready");`;

const CLIENT = `
  const chunk = new Uint8Array(1 << 20); const sent = new Bun.CryptoHasher("sha256"); const got = new Bun.CryptoHasher("sha256");
  let left = ${MEGABYTES}, rest = chunk.subarray(0, 0); const { promise, resolve } = Promise.withResolvers();
  const push = (socket) => { for (;;) {
    if (rest.length === 0) { if (left-- <= 0) return socket.shutdown(); crypto.getRandomValues(chunk.subarray(0, 65536)); sent.update(chunk); rest = chunk; }
    const n = socket.write(rest); rest = rest.subarray(Math.max(0, n)); if (rest.length > 0) return; } };
  await Bun.connect({ hostname: "${ADDRESSES[1]}", port: 7007, allowHalfOpen: true, socket: { open: push, drain: push,
    data(_socket, bytes) { got.update(bytes); }, end: () => resolve(), close: () => resolve() } });
  await promise; console.log("sent " + sent.digest("hex")); console.log("received " + got.digest("hex"));`;

const UDP_SERVER = `
  const lengths = [];
  await Bun.udpSocket({ hostname: "${ADDRESSES[1]}", port: 7007, socket: { data(_socket, bytes) {
    lengths.push(bytes.length); if (lengths.length === 9) console.log(lengths.join(" ")); } } });
  console.log("ready");`;

/** UDP_SEGMENT (103) of SOL_UDP (17): the kernel makes datagrams of 600 bytes of one write. */
const UDP_CLIENT = `
  const { dlopen, FFIType, ptr } = require("bun:ffi");
  const { symbols } = dlopen("libc.so.6", {
    setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 } });
  const socket = await Bun.udpSocket({ connect: { hostname: "${ADDRESSES[1]}", port: 7007 } });
  const set = symbols.setsockopt(socket.fd, 17, 103, ptr(new Int32Array([600])), 4);
  console.log(set === 0 && socket.send(new Uint8Array(5000)));
  socket.close();`;
