// What one source and all together may cost the relay.
import { describe, expect, test } from "bun:test";
import { Admission, DEFAULT_ADMISSION, type Handshake, prefixOf } from "../../../src/quic/admission.ts";
import { address } from "../../support/endpoint-pair.ts";

const at = (host: string) => address(host, 1, "192.0.2.1", 4433);
const prefix = prefixOf(at("198.51.100.7"));
const other = prefixOf(at("203.0.113.7"));
const begun = (since = 0, giveUp = () => {}): Handshake => ({ since, giveUp });

describe("admission", () => {
  test("takes a /24 and a /64 for one source", () => {
    expect(prefixOf(at("198.51.100.250"))).toBe(prefix);
    expect(prefixOf(at("203.0.113.1"))).not.toBe(prefix);
    expect(prefixOf(at("2001:db8:1:2::5"))).toBe(prefixOf(at("2001:db8:1:2:3:4:5:6")));
    expect(prefixOf(at("2001:db8:1:3::5"))).not.toBe(prefixOf(at("2001:db8:1:2::5")));
    expect(prefixOf(at("::1"))).toBe("0:0:0:0");
    expect(prefixOf(at("2001:db8::"))).toBe("2001:db8:0:0");
  });

  test("bounds the connections of a source without touching others, and gives the place back", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, connectionsPerPrefix: 2 });
    admission.opened(prefix, begun());
    admission.opened(prefix, begun());
    expect(admission.refuse(prefix, 0)).toBe("limit-prefix");
    expect(admission.refuse(other, 0)).toBeUndefined();
    admission.closed(prefix);
    expect(admission.refuse(prefix, 0)).toBeUndefined();
  });

  test("bounds handshakes under way, and connections in all", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, halfOpen: 1, connections: 2 });
    const [first, second] = [begun(), begun()];
    admission.opened(prefix, first);
    expect(admission.refuse(other, 0)).toBe("limit-half-open");
    admission.settled(first);
    expect(admission.refuse(other, 0)).toBeUndefined();
    admission.opened(other, second);
    admission.settled(second);
    expect(admission.refuse(other, 0)).toBe("limit-connections");
    expect(admission.connections).toBe(2);
  });

  test("gives up the oldest handshake for a new one when there is no room, unless it is younger than a second", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, halfOpen: 2, handshakesPerSecond: 2 });
    const givenUp: string[] = [];
    for (const name of ["first", "second"]) {
      const handshake: Handshake = begun(0, () => {
        givenUp.push(name);
        admission.settled(handshake);
      });
      admission.opened(prefix, handshake);
    }
    expect(admission.refuse(other, 999)).toBe("limit-half-open");
    expect(givenUp).toEqual([]);
    expect(admission.refuse(other, 1000)).toBeUndefined();
    expect(givenUp).toEqual(["first"]);
    admission.opened(other, begun(1000));
    expect(admission.halfOpen).toBe(2);
    expect(admission.refuse(prefix, 1000)).toBeUndefined();
    expect(givenUp).toEqual(["first", "second"]);
  });

  test("gives nothing up for a source that may not begin one", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, halfOpen: 1, handshakesPerSecond: 1 });
    expect(admission.refuse(prefix, 1000)).toBeUndefined();
    const giveUp = () => {
      throw new Error("given up");
    };
    admission.opened(other, begun(0, giveUp));
    expect(admission.refuse(prefix, 1000)).toBe("limit-handshake-rate");
  });

  test("bounds handshakes per second and source", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, handshakesPerSecond: 3 });
    const outcomes = Array.from({ length: 5 }, () => admission.refuse(prefix, 0));
    const refused = "limit-handshake-rate";
    expect(outcomes).toEqual([undefined, undefined, undefined, refused, refused]);
    expect(admission.refuse(other, 0)).toBeUndefined();
    expect(admission.refuse(prefix, 1000)).toBeUndefined();
  });

  test("refuses unknown sources when its memory of rates is full", () => {
    const admission = new Admission({ ...DEFAULT_ADMISSION, handshakesPerSecond: 1, prefixes: 2 });
    expect(admission.refuse(1, 0)).toBeUndefined();
    expect(admission.refuse(2, 0)).toBeUndefined();
    expect(admission.refuse(3, 0)).toBe("limit-handshake-rate");
    expect(admission.refuse(3, 2000)).toBeUndefined();
  });
});
