// The peer's window, from segments in any order.
import { expect, test } from "bun:test";
import { PeerWindow } from "../../../src/tcp/peer-window.ts";

test("counts from the acknowledgement, scaled but for a SYN", () => {
  const peer = new PeerWindow();
  peer.shift = 4;
  peer.update(0, 1, 1_000, true);
  expect(peer.edge).toBe(1_001);
  peer.update(1, 1, 1_000, false);
  expect([peer.edge, peer.largest]).toEqual([16_001, 16_000]);
});

test("an older segment changes nothing, one of the same place with a later acknowledgement does", () => {
  const peer = new PeerWindow();
  peer.update(100, 50, 1_000, false);
  peer.update(99, 60, 5_000, false);
  peer.update(100, 49, 5_000, false);
  expect(peer.edge).toBe(1_050);
  peer.update(100, 50, 0, false);
  expect(peer.edge).toBe(50);
  peer.update(100, 70, 500, false);
  peer.update(101, 60, 100, false);
  expect([peer.edge, peer.largest]).toEqual([160, 1_000]);
});
