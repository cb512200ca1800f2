// Local ports of the agent: what the options mean, and what is refused with which sentence.
import { describe, expect, test } from "bun:test";
import { isOpenToOthers, LOCAL_OPTIONS, localListeners } from "../../../src/cli/local-listeners.ts";

const SERVICES = ["db", "web", "lab.example"];

function listeners(listen: readonly string[], socks5?: string, allowRemoteClients = false) {
  const forwards = listen.map((text) => LOCAL_OPTIONS.listen.kind.parse(text));
  if (forwards.includes(undefined)) throw new Error(`not a listener: ${listen}`);
  const options = {
    listen: forwards.flatMap((each) => each ?? []),
    socks5: socks5 === undefined ? undefined : LOCAL_OPTIONS.socks5.kind.parse(socks5),
    allowRemoteClients,
  };
  return localListeners(options, SERVICES, (name) => `--${name}`);
}

describe("a listener", () => {
  const cases: readonly (readonly [string, string, number, string, number])[] = [
    ["127.0.0.1:5432=db:5432", "127.0.0.1", 5432, "db", 5432],
    ["127.0.0.1:5432=db", "127.0.0.1", 5432, "db", 5432],
    ["5432=db", "127.0.0.1", 5432, "db", 5432],
    ["localhost:8080=web:80", "127.0.0.1", 8080, "web", 80],
    ["[::1]:8080=web:80", "::1", 8080, "web", 80],
    ["127.9.9.9:0=web:80", "127.9.9.9", 0, "web", 80],
    ["53=lab.example", "127.0.0.1", 53, "lab.example", 53],
  ];
  for (const [text, host, port, service, target] of cases) {
    test(text, () => {
      expect(listeners([text])).toEqual([{ host, port, leadsTo: { type: "forward", service, port: target } }]);
    });
  }

  const mistakes = [
    ...["", "5432", "=db", "5432=", "x=db", "70000=db", "5432=db:70000", "5432=db:0", "0=db", "relay.example.org:1=db"],
    ...["::1:8080=web", "[127.0.0.1]:80=web", "300.1.1.1:80=web", ":80=web", "-1=db"],
  ];
  for (const text of mistakes) {
    test(`${JSON.stringify(text)} is none`, () => expect(LOCAL_OPTIONS.listen.kind.parse(text)).toBeUndefined());
  }

  test("is shown as it can be written", () => {
    for (const text of ["127.0.0.1:8080=web:80", "[::1]:53=db:5353"]) {
      expect(LOCAL_OPTIONS.listen.kind.show?.(LOCAL_OPTIONS.listen.kind.parse(text))).toBe(text);
    }
  });
});

test("the SOCKS5 proxy listens on this machine, on a port alone or with an address", () => {
  const expected = (host: string) => [{ host, port: 1080, leadsTo: { type: "socks5" as const } }];
  expect(listeners([], "1080")).toEqual(expected("127.0.0.1"));
  expect(listeners([], "[::1]:1080")).toEqual(expected("::1"));
  for (const text of ["", "x", "70000", "db=1080", "example.org:1080"]) {
    expect(LOCAL_OPTIONS.socks5.kind.parse(text)).toBeUndefined();
  }
});

describe("what the options contradict", () => {
  test("a service that the agent does not use, with the nearest one", () => {
    expect(listeners(["80=wep"])).toBe('--listen 127.0.0.1:80=wep:80: there is no service "wep"; did you mean "web"?');
  });

  test("one address twice", () => {
    expect(listeners(["8080=web:80"], "8080")).toBe(
      "--listen 127.0.0.1:8080=web:80 and --socks5 127.0.0.1:8080 listen on the same address: give each its own port",
    );
    expect(listeners(["0=web:80", "0=db:5432"])).toHaveLength(2);
    expect(listeners(["127.0.0.1:80=web", "127.0.0.2:80=web"])).toHaveLength(2);
  });

  for (const address of ["0.0.0.0", "[::]", "192.168.1.5", "[2001:db8::1]", "[::ffff:127.0.0.1]", "198.51.100.7"]) {
    test(`${address} is open to others, and refused unless that is meant`, () => {
      const sentence = listeners([`${address}:80=web`]);
      expect(sentence).toContain("would lend this agent's access to whoever reaches");
      expect(sentence).toContain("--allow-remote-clients");
      expect(listeners([], `${address}:1080`)).toContain("--allow-remote-clients");
      const allowed = listeners([`${address}:80=web`], undefined, true);
      expect(allowed).toHaveLength(1);
      expect(isOpenToOthers(allowed as never)).toBe(true);
    });
  }

  test("what only this machine reaches is not", () => {
    expect(isOpenToOthers(listeners(["80=web"], "[::1]:1080", true) as never)).toBe(false);
  });
});
