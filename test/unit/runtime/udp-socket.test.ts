// One suite for every implementation of the UDP socket, on real sockets.
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openUdp } from "../../../src/runtime/open-udp.ts";
import type { UdpSocket } from "../../../src/runtime/udp-socket.ts";
import type { SocketAddress } from "../../../src/wire/address.ts";
import { runProcess } from "../../support/process.ts";

const open: UdpSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

type Io = "portable" | "linux";
type Arrival = { readonly bytes: Uint8Array; readonly from: SocketAddress };

/** A socket that records what arrives, and a promise for the moment when `count` packets have. */
async function socketAt(io: Io, ...hosts: string[]) {
  const arrivals: Arrival[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let done: () => void = () => {};
  const receive = (packet: Uint8Array, from: SocketAddress) => {
    arrivals.push({ bytes: packet.slice(), from });
    if (arrivals.length >= wanted) done();
  };
  const addresses = hosts.map((host) => ({ host, port: 0 }));
  const { socket } = await openUdp(addresses, { receive, flush: () => undefined }, { io, replyFromDestination: true });
  open.push(socket);
  socket.wake();
  const arrived = (count: number) =>
    new Promise<Arrival[]>((resolve) => {
      wanted = count;
      done = () => resolve(arrivals);
      if (arrivals.length >= count) done();
    });
  return { socket, arrived };
}

function send(socket: UdpSocket, to: SocketAddress, bytes: Uint8Array): void {
  socket.batch.next().set(bytes);
  socket.batch.commit(bytes.length, to);
}

describe.each(["portable", "linux"] as const)("the %s UDP socket", (io) => {
  test("carries a batch of packets of every size in one flush", async () => {
    const [a, b] = [await socketAt(io, "127.0.0.1"), await socketAt(io, "127.0.0.1")];
    const to = a.socket.remote("127.0.0.1", b.socket.local[0]!.port);
    const sizes = Array.from({ length: 100 }, (_, i) => 1 + ((i * 97) % 1350));
    for (const size of sizes) send(a.socket, to, new Uint8Array(size).fill(size & 0xff));
    a.socket.flush();
    const arrivals = await b.arrived(sizes.length);
    expect(arrivals.map(({ bytes }) => bytes.length).sort()).toEqual(sizes.toSorted());
    expect(arrivals[0]!.from.port).toBe(a.socket.local[0]!.port);
    expect(new Set(arrivals.map(({ from }) => from)).size).toBe(1);
    expect(a.socket.stats.sentPackets).toBe(100);
  });

  test("loses only the packet whose destination the kernel refuses", async () => {
    const [a, b] = [await socketAt(io, "127.0.0.1"), await socketAt(io, "127.0.0.1")];
    const good = a.socket.remote("127.0.0.1", b.socket.local[0]!.port);
    const port0 = a.socket.remote("127.0.0.1", 0);
    for (const to of [good, port0, good]) send(a.socket, to, Uint8Array.of(1));
    a.socket.flush();
    expect(await b.arrived(2)).toHaveLength(2);
    expect(a.socket.stats).toMatchObject({ sentPackets: 2, sendErrors: 1 });
    expect(a.socket.batch.full).toBe(false);
  });

  test("goes on after nobody listened at a destination", async () => {
    const [a, b, gone] = [
      await socketAt(io, "127.0.0.1"),
      await socketAt(io, "127.0.0.1"),
      await socketAt(io, "127.0.0.1"),
    ];
    const dead = a.socket.remote("127.0.0.1", gone.socket.local[0]!.port);
    gone.socket.close();
    const good = a.socket.remote("127.0.0.1", b.socket.local[0]!.port);
    for (let i = 0; i < 20; i++) {
      send(a.socket, dead, Uint8Array.of(0));
      send(a.socket, good, Uint8Array.of(i));
      a.socket.flush();
    }
    // The ICMP error of one packet may cost the next one; the socket itself must live on.
    expect((await b.arrived(10)).length).toBeGreaterThanOrEqual(10);
  });

  test("serves IPv4 and IPv6 peers on several sockets, each answered from where it came", async () => {
    const both = await socketAt(io, "127.0.0.1", "::1");
    const [four, six] = [await socketAt(io, "127.0.0.1"), await socketAt(io, "::1")];
    send(four.socket, four.socket.remote("127.0.0.1", both.socket.local[0]!.port), Uint8Array.of(4));
    send(six.socket, six.socket.remote("::1", both.socket.local[1]!.port), Uint8Array.of(6));
    four.socket.flush();
    six.socket.flush();
    for (const { from, bytes } of await both.arrived(2)) send(both.socket, from, bytes);
    both.socket.flush();
    expect((await four.arrived(1))[0]!.bytes).toEqual(Uint8Array.of(4));
    expect((await six.arrived(1))[0]!.bytes).toEqual(Uint8Array.of(6));
  });

  test("serves IPv4 peers on a dual-stack socket under their plain address", async () => {
    const [dual, four] = [await socketAt(io, "::"), await socketAt(io, "127.0.0.1")];
    send(four.socket, four.socket.remote("127.0.0.1", dual.socket.local[0]!.port), Uint8Array.of(4));
    four.socket.flush();
    const [arrival] = await dual.arrived(1);
    expect(arrival!.from).toMatchObject({ host: "127.0.0.1", family: 4 });
    send(dual.socket, arrival!.from, Uint8Array.of(5));
    dual.socket.flush();
    expect((await four.arrived(1))[0]!.bytes).toEqual(Uint8Array.of(5));
  });

  test("keeps telling peers apart that come to a dual-stack socket in turn, one packet at a time", async () => {
    const dual = await socketAt(io, "::");
    const { port } = dual.socket.local[0]!;
    const peers = await Promise.all(["::1", "127.0.0.1", "::1", "127.0.0.1"].map((host) => socketAt(io, host)));
    for (const [index, { socket, arrived }] of peers.entries()) {
      const own = socket.local[0]!;
      send(socket, socket.remote(own.host, port), Uint8Array.of(index));
      socket.flush();
      const { from } = (await dual.arrived(index + 1))[index]!;
      expect([from.host, from.port]).toEqual([own.host, own.port]);
      send(dual.socket, from, Uint8Array.of(index));
      dual.socket.flush();
      expect((await arrived(1))[0]!.bytes).toEqual(Uint8Array.of(index));
    }
  });

  test("loses one packet to a bug in what handles it, none of those that came along", async () => {
    // In a process of its own, because a test runner takes every uncaught error for a failure.
    const { stdout, status } = await runProcess([process.execPath, "-e", buggy(io)]);
    expect([stdout, status]).toEqual(["a bug\nhandled 19 of 20, flushed\n", 0]);
  });

  test("reports an address that is in use by the system's name for it", async () => {
    const { socket } = await socketAt(io, "127.0.0.1");
    const addresses = [{ host: "127.0.0.1", port: socket.local[0]!.port }];
    const again = openUdp(addresses, { receive: () => {}, flush: () => undefined }, { io });
    await expect(again).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("asks for large kernel buffers and reports what it got", async () => {
    const { socket } = await socketAt(io, "127.0.0.1");
    expect(socket.stats.receiveBufferBytes).toBeGreaterThan(0);
    expect(socket.stats.sendBufferBytes).toBeGreaterThan(0);
  });
});

/** Twenty packets in one batch, of which the handler cannot stand the fourth. */
function buggy(io: Io): string {
  return `
    import { openUdp } from "${join(import.meta.dir, "../../../src/runtime/open-udp.ts")}";
    process.on("uncaughtException", (error) => console.log(error.message));
    const at = [{ host: "127.0.0.1", port: 0 }];
    let handled = 0;
    const receive = (packet) => {
      if (packet[0] === 3) throw new Error("a bug");
      handled++;
    };
    const flush = () => {
      if (handled !== 19) return;
      console.log("handled", handled, "of", to.stats.receivedPackets + ", flushed");
      process.exit(0);
    };
    const { socket: to } = await openUdp(at, { receive, flush }, { io: "${io}" });
    to.wake();
    const { socket: from } = await openUdp(at, { receive, flush: () => undefined }, { io: "${io}" });
    const address = from.remote("127.0.0.1", to.local[0].port);
    for (let i = 0; i < 20; i++) {
      from.batch.next().fill(i, 0, 100);
      from.batch.commit(100, address);
    }
    from.flush();
  `;
}
