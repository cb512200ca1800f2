// What becomes of a first packet: Retry, acceptance, version negotiation or silence.
import { describe, expect, test } from "bun:test";
import { randomFillSync } from "node:crypto";
import { Admission, DEFAULT_ADMISSION } from "../../../src/quic/admission.ts";
import { ConnectionIds, parseLongHeader } from "../../../src/quic/connection-id.ts";
import { Doorman, type DoormanOptions, type Verdict } from "../../../src/quic/doorman.ts";
import { EndpointStats } from "../../../src/quic/stats.ts";
import { address } from "../../support/endpoint-pair.ts";

const random = (bytes: Uint8Array) => randomFillSync(bytes);
const ids = new ConnectionIds(new TextEncoder().encode("a private key"), random);
const client = address("198.51.100.7", 40_000, "192.0.2.1", 4433);
const dcid = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const scid = Uint8Array.of(9, 10, 11, 12);

interface Shape {
  readonly size?: number;
  readonly version?: number;
  readonly dcid?: Uint8Array;
  readonly token?: Uint8Array;
  readonly first?: number;
}

/** The clear part of an Initial, padded with zeros: all that a doorman looks at. */
function initial(shape: Shape = {}): Uint8Array {
  const { size = 1200, version = 1, token = new Uint8Array(0), first = 0xc3 } = shape;
  const id = shape.dcid ?? dcid;
  const head = [first, 0, 0, 0, version, id.length, ...id, scid.length, ...scid, 0x40, token.length, ...token];
  const packet = new Uint8Array(Math.max(size, head.length));
  packet.set(head);
  return size < head.length ? packet.subarray(0, size) : packet;
}

function doorman(options: Partial<DoormanOptions> = {}, limits = DEFAULT_ADMISSION) {
  const stats = new EndpointStats();
  const admission = new Admission(limits);
  const retry = { lifetimeMs: 30_000, replayLimit: 10 };
  const made = new Doorman({ retry, retriesPerSecond: 100, ...options }, { ids, admission, stats, random }, 0);
  const judge = (packet: Uint8Array, from = client, now = 0): Verdict => {
    const header = parseLongHeader(packet);
    if (header === undefined) throw new Error("the packet under test has no header");
    return made.judge(packet, header, from, now);
  };
  return { judge, stats };
}

function answerTo(verdict: Verdict): Uint8Array {
  if (verdict.type !== "answer") throw new Error(`not answered: ${JSON.stringify(verdict)}`);
  return verdict.packet.slice();
}

describe("the doorman", () => {
  test("answers a first Initial with a Retry that is smaller than it", () => {
    const { judge } = doorman();
    const retry = answerTo(judge(initial()));
    expect((retry[0]! >> 4) & 0x0f).toBe(0x0f);
    expect(retry.length).toBeLessThan(1200);
    expect(ids.verify(parseLongHeader(retry)!.scid, 0)).toBe(true);
  });

  test("accepts the Initial that carries the token under the id of the Retry, once", () => {
    const { judge, stats } = doorman();
    const { scid: next, token } = continued(answerTo(judge(initial())));
    const verdict = judge(initial({ dcid: next, token }));
    expect(verdict).toMatchObject({ type: "accept", scid: next, original: dcid });
    expect(judge(initial({ dcid: next, token }))).toEqual({ type: "drop", reason: "token-replayed" });
    expect([stats.retryTokensValidated, stats.retryTokenFailures]).toEqual([1, 1]);
  });

  test("takes the same token again from a client for whom there was no room", () => {
    const { judge } = doorman({}, { ...DEFAULT_ADMISSION, handshakesPerSecond: 1 });
    const first = continued(answerTo(judge(initial())));
    const second = continued(answerTo(judge(initial())));
    expect(judge(initial({ dcid: first.scid, token: first.token })).type).toBe("accept");
    const repeated = initial({ dcid: second.scid, token: second.token });
    expect(judge(repeated)).toEqual({ type: "drop", reason: "limit-handshake-rate" });
    expect(judge(repeated, client, 1000).type).toBe("accept");
    expect(judge(repeated, client, 2000)).toEqual({ type: "drop", reason: "token-replayed" });
  });

  test("drops a token that was forged, is another address's, or has expired", () => {
    const { judge } = doorman();
    const { scid: next, token } = continued(answerTo(judge(initial())));
    const elsewhere = address("198.51.100.8", 40_000, "192.0.2.1", 4433);
    const forged: Verdict = { type: "drop", reason: "token-forged" };
    expect(judge(initial({ dcid: next, token: new Uint8Array(40) }))).toEqual(forged);
    expect(judge(initial({ dcid: next, token }), elsewhere)).toEqual(forged);
    expect(judge(initial({ dcid: next, token }), client, 30_001)).toEqual({ type: "drop", reason: "token-expired" });
  });

  test("drops Initials that are too small, before looking at anything else", () => {
    const { judge } = doorman();
    expect(judge(initial({ size: 1199 }))).toEqual({ type: "drop", reason: "small-initial" });
    expect(judge(initial({ size: 1199, version: 9 }))).toEqual({ type: "drop", reason: "small-initial" });
  });

  test("drops a destination id below 8 bytes, a forged source port 0, and what is not an Initial", () => {
    const { judge } = doorman();
    const short = initial({ dcid: dcid.subarray(0, 7) });
    expect(judge(short)).toEqual({ type: "drop", reason: "short-destination-id" });
    const port0 = address("198.51.100.7", 0, "192.0.2.1", 4433);
    expect(judge(initial(), port0)).toEqual({ type: "drop", reason: "source-port-0" });
    expect(judge(initial({ first: 0xe3 }))).toEqual({ type: "drop", reason: "unknown-connection" });
    expect(judge(initial({ version: 0 }))).toEqual({ type: "drop", reason: "unknown-connection" });
    expect(judge(initial({ dcid: new Uint8Array(21) }))).toEqual({ type: "drop", reason: "malformed-header" });
  });

  test("answers an unknown version with both ids swapped and version 1 alone", () => {
    const { judge } = doorman();
    const packet = answerTo(judge(initial({ version: 0x0a })));
    const expected = [0xc0, 0, 0, 0, 0, scid.length, ...scid, dcid.length, ...dcid, 0, 0, 0, 1];
    expect([...packet]).toEqual(expected);
  });

  test("accepts at once under an id of its own where Retry is switched off", () => {
    const { judge } = doorman({ retry: undefined });
    const verdict = judge(initial());
    if (verdict.type !== "accept") throw new Error("not accepted");
    expect(verdict.original).toBeUndefined();
    expect(ids.verify(verdict.scid, 0)).toBe(true);
  });

  test("limits how many Retry packets it sends", () => {
    const { judge } = doorman({ retriesPerSecond: 2 });
    const reasons = Array.from({ length: 3 }, () => judge(initial())).map((verdict) =>
      verdict.type === "accept" ? "accept" : verdict.reason,
    );
    expect(reasons).toEqual(["retry-sent", "retry-sent", "retry-limited"]);
  });
});

/** What a client takes from a Retry: the id to use and the token to send (16 bytes of integrity tag follow it). */
function continued(retry: Uint8Array): { scid: Uint8Array; token: Uint8Array } {
  const header = parseLongHeader(retry)!;
  const tokenStart = 7 + header.dcid.length + header.scid.length;
  return { scid: header.scid.slice(), token: retry.slice(tokenStart, retry.length - 16) };
}
