// Round-trip times, sample by sample, in virtual time.
import { expect, test } from "bun:test";
import { readU32, toHex } from "../../../src/wire/bytes.ts";
import { encodeAck, encodeObservedAddress } from "../../../src/wire/tunnel.ts";
import { checkUdp } from "../../../src/wire/udp.ts";
import { type Answers, echoOf, FLOW, ProbeWorld, payloadOf } from "../../support/probe-world.ts";

const PLAN = { type: "rtt", samples: 3, flow: FLOW, size: { bytes: 64 }, pattern: "sequential" } as const;

function world(answers: Answers, activity: object = PLAN) {
  return new ProbeWorld({ plan: { activity: { ...PLAN, ...activity }, collectMs: 0 }, answers });
}

test("sends one packet at a time, 10 ms after the answer to the one before, and takes the time of each", () => {
  const delays = [5, 1.25, 40];
  const run = world((bytes) => [{ afterMs: delays.shift()!, bytes: echoOf(bytes) }]);
  run.run(200);
  expect(run.sentAt()).toEqual([2, 17, 28.25]);
  expect(run.finishedAt()).toBe(68.25);
  expect(run.events("rtt")).toEqual([{ type: "rtt", rtt: { samples: [5000, 1250, 40_000], timeouts: 0 } }]);
  expect(run.report()).toMatchObject({ sent: 3, answers: 3, wantsAnswers: true });
});

test("sends inner UDP packets whose payload begins with the number of the sample", () => {
  const run = world((bytes) => [{ afterMs: 1, bytes: echoOf(bytes) }]);
  run.run(100);
  const sent = run.sent();
  expect(sent.map((inner) => readU32(payloadOf(inner), 0))).toEqual([0, 1, 2]);
  for (const inner of sent) {
    expect(checkUdp(inner)).toBeUndefined();
    expect(toHex(inner.subarray(0, 28))).toBe("4500005c00004000401125c90a0000640a6400013039270f00480000");
    expect(toHex(payloadOf(inner).subarray(4, 8))).toBe("04050607");
  }
});

test("gives up on an answer after 1000 ms and goes on", () => {
  const run = world(() => []);
  run.run(2);
  expect(run.deadline()).toBe(1002);
  run.run(5000);
  expect(run.sentAt()).toEqual([2, 1012, 2022]);
  expect(run.finishedAt()).toBe(3022);
  expect(run.report().rtt).toEqual({ samples: [], timeouts: 3 });
});

test("counts neither an acknowledgement nor an observed address as an answer", () => {
  const run = world((bytes) => [
    { afterMs: 1, bytes: encodeAck("echo-service") },
    { afterMs: 2, bytes: encodeObservedAddress(0xcb007105, 54_321) },
    { afterMs: 30, bytes: echoOf(bytes) },
  ]);
  run.run(300);
  expect(run.report().rtt).toMatchObject({ samples: [30_000, 30_000, 30_000] });
  expect(run.events("received")).toHaveLength(0);
});

test("does not take the late echo of one packet for the answer to the next", () => {
  const delays = [1015, 30, 30];
  const run = world((bytes) => [{ afterMs: delays.shift()!, bytes: echoOf(bytes) }]);
  run.run(3000);
  expect(run.report().rtt).toMatchObject({ samples: [30_000, 30_000], timeouts: 1 });
});

test.each([28 + 63, 28 + 62, 28 + 4])(
  "takes an answer that differs from an earlier packet at byte %d for what it is",
  (at) => {
    let first: Uint8Array | undefined;
    const run = world((bytes) => {
      if (first === undefined) {
        first = echoOf(bytes);
        return [];
      }
      const similar = first.slice();
      similar[at]! ^= 1;
      return [{ afterMs: 5, bytes: similar }];
    });
    run.run(3000);
    expect(run.report().rtt).toEqual({ samples: [5000, 5000], timeouts: 1 });
  },
);

test("takes an answer of another length for what it is, whatever it begins with", () => {
  let first: Uint8Array | undefined;
  const run = world((bytes) => {
    first ??= echoOf(bytes);
    return [{ afterMs: 5, bytes: Uint8Array.of(...first, 7) }];
  });
  run.run(100);
  expect(run.report().rtt).toEqual({ samples: [5000, 5000, 5000], timeouts: 0 });
});

test("knows late echoes from four bytes of payload on, as that is what a number takes", () => {
  const delays = [1015, 30, 30];
  const four = world((bytes) => [{ afterMs: delays.shift()!, bytes: echoOf(bytes) }], { size: { bytes: 4 } });
  four.run(3000);
  expect(four.report().rtt).toEqual({ samples: [30_000, 30_000], timeouts: 1 });
  const three = world((bytes) => [{ afterMs: 1, bytes: echoOf(bytes) }], { size: { bytes: 3 } });
  three.run(100);
  expect(three.sent().map((inner) => toHex(payloadOf(inner)))).toEqual(["000102", "000102", "000102"]);
});

test("fills what is behind the number as it is told to", () => {
  const ones = world(() => [], { pattern: "ones", size: { bytes: 6 } });
  ones.run(10);
  expect(toHex(payloadOf(ones.sent()[0]!))).toBe("00000000ffff");
  const random = world(() => [], { pattern: "random" });
  random.run(10);
  expect(new Set(payloadOf(random.sent()[0]!).subarray(4)).size).toBeGreaterThan(20);
});

test("takes an answer that is no echo: not every service sends back what it got", () => {
  const run = world(() => [{ afterMs: 8, bytes: echoOf(new Uint8Array(40)) }]);
  run.run(300);
  expect(run.report().rtt).toMatchObject({ samples: [8000, 8000, 8000], timeouts: 0 });
});

test("counts a connection that closes as lost samples until the next send fails", () => {
  const run = world(() => []);
  run.run(100);
  run.close(0, "");
  expect(run.finishedAt()).toBe(100);
  expect(run.report()).toMatchObject({ sendFailure: "the connection is closed", rtt: { samples: [], timeouts: 1 } });
  expect(run.events("rtt")).toHaveLength(0);
});

test("has ended as it should when the connection closes during the last sample", () => {
  const run = world(() => [], { samples: 1 });
  run.run(100);
  run.close(0, "");
  expect(run.report().sendFailure).toBeUndefined();
  expect(run.events("rtt")).toEqual([{ type: "rtt", rtt: { samples: [], timeouts: 1 } }]);
});

test("measures nothing when no sample is asked for", () => {
  const run = world(() => [], { samples: 0 });
  run.run(10);
  expect(run.events("rtt")).toEqual([{ type: "rtt", rtt: { samples: [], timeouts: 0 } }]);
});

test("fails on a payload that does not fit, and works with ones too short for a number", () => {
  const big = world(() => [], { size: { beyondLargest: 1 } });
  big.run(10);
  expect(big.report().sendFailure).toBe("a datagram of 1307 bytes is too large: 1306 fit");
  const huge = world(() => [], { size: { bytes: 1e9 } });
  huge.run(10);
  expect(huge.report().sendFailure).toBe("a datagram of 1000000028 bytes is too large: 1306 fit");
  const small = world((bytes) => [{ afterMs: 1, bytes: echoOf(bytes) }], { size: { bytes: 0 } });
  small.run(100);
  expect(small.report().rtt).toMatchObject({ samples: [1000, 1000, 1000] });
});
