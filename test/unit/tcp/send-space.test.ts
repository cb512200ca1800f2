// How far the stream may go.
import { expect, test } from "bun:test";
import { PagePool } from "../../../src/tcp/page-pool.ts";
import { SendSpace } from "../../../src/tcp/send-space.ts";

/** A thousand bytes written, the handshake over, a window of so many. */
function space(window: number): SendSpace {
  const result = new SendSpace(10_000, new PagePool(0));
  result.buffer.append(new Uint8Array(1_000), "given");
  result.una = 1;
  result.nxt = 1;
  result.peer.update(1, 1, window, false);
  return result;
}

test("is bounded by what was written and by the peer", () => {
  const wide = space(5_000);
  expect([wide.available, wide.limit]).toEqual([1_001, 1_001]);
  expect(space(300).limit).toBe(301);
});

test("the FIN is one position more, rides on the last segment, and counts as acknowledged behind it", () => {
  const closing = space(5_000);
  closing.finAt = 1_001;
  expect([
    closing.available,
    closing.segmentEnd(1, closing.limit, 600),
    closing.segmentEnd(601, closing.limit, 600),
  ]).toEqual([1_002, 601, 1_002]);
  expect(closing.segmentEnd(401, closing.limit, 600)).toBe(1_002);
  expect(closing.segmentEnd(1_001, closing.limit, 600)).toBe(1_002);
  closing.una = 1_001;
  expect(closing.finAcknowledged).toBe(false);
  closing.una = 1_002;
  expect(closing.finAcknowledged).toBe(true);
});

test("a FIN that has to be alone rides on no payload", () => {
  const closing = space(5_000);
  closing.finAt = 1_001;
  closing.finAlone = true;
  const ends = [1, 601, 401, 1_001].map((start) => closing.segmentEnd(start, closing.limit, 600));
  expect(ends).toEqual([601, 1_001, 1_001, 1_002]);
});

test("a FIN that the window has no room for stays behind", () => {
  const closing = space(1_000);
  closing.finAt = 1_001;
  expect(closing.segmentEnd(1, closing.limit, 2_000)).toBe(1_001);
});

test("a segment is silly that the window cuts short below half of what it ever was", () => {
  const peer = space(800);
  peer.peer.update(1, 1, 300, false);
  expect([peer.isSilly(301, 600), peer.isBlockedByPeer(600)]).toEqual([true, true]);
  peer.peer.update(1, 1, 400, false);
  expect([peer.isSilly(401, 600), peer.isBlockedByPeer(600)]).toEqual([false, false]);
  expect(peer.isSilly(301, 300)).toBe(false);
  expect(peer.isSilly(1_001, 2_000)).toBe(false);
});

test("nobody is blocked by the peer who has nothing to send, or no connection yet", () => {
  const done = space(0);
  expect(done.isBlockedByPeer(600)).toBe(true);
  done.nxt = 1_001;
  expect(done.isBlockedByPeer(600)).toBe(false);
  const opening = space(0);
  opening.una = 0;
  expect(opening.isBlockedByPeer(600)).toBe(false);
});
