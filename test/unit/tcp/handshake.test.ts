// What is agreed is what both sides offered.
import { expect, test } from "bun:test";
import { DEFAULT_LIMITS } from "../../../src/tcp/connection-options.ts";
import { Handshake } from "../../../src/tcp/handshake.ts";
import { TcpOptions } from "../../../src/wire/tcp-options.ts";

const offer = (fields: Partial<TcpOptions>) => Object.assign(new TcpOptions(), fields);
const written = (handshake: Handshake) => {
  const options = new TcpOptions();
  handshake.write(options, 1_200);
  return [options.mss, options.windowScale, options.sackPermitted];
};

test("before the peer spoke everything is offered that is not switched off", () => {
  expect(written(new Handshake(DEFAULT_LIMITS))).toEqual([1_200, 5, true]);
  const without = { ...DEFAULT_LIMITS, windowScaling: false, selectiveAcks: false, timestamps: false };
  expect(written(new Handshake(without))).toEqual([1_200, -1, false]);
});

test("afterwards only what the peer offered, too", () => {
  const handshake = new Handshake(DEFAULT_LIMITS);
  handshake.learn(offer({ mss: 900, sackPermitted: true }));
  expect([handshake.peerMss, handshake.selective, handshake.scaling, handshake.timestamps]).toEqual([
    900,
    true,
    false,
    false,
  ]);
  expect(written(handshake)).toEqual([1_200, -1, true]);
});

test("a scale above 14 counts as 14, and none without ours", () => {
  const handshake = new Handshake(DEFAULT_LIMITS);
  handshake.learn(offer({ windowScale: 200 }));
  expect(handshake.peerShift).toBe(14);
  const without = new Handshake({ ...DEFAULT_LIMITS, windowScaling: false });
  without.learn(offer({ windowScale: 7 }));
  expect(without.peerShift).toBe(0);
});

test("without a size it is 536, and never absurdly small", () => {
  const sizes = [0, 1, 64, 65, 536, 65_535].map((mss) => {
    const handshake = new Handshake(DEFAULT_LIMITS);
    handshake.learn(offer({ mss }));
    return handshake.peerMss;
  });
  expect(sizes).toEqual([536, 64, 64, 65, 536, 65_535]);
});

test("a peer whose SYN has no options is a plain one", () => {
  const plain = [{}, { mss: 536 }, { windowScale: 0 }, { hasTimestamps: true }].map((fields) => {
    const handshake = new Handshake(DEFAULT_LIMITS);
    handshake.learn(offer(fields));
    return handshake.peerIsPlain;
  });
  expect(plain).toEqual([true, false, false, false]);
});
