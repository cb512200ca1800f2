// Health, readiness and metrics, asked by real connections that behave well and badly.
import { afterEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { openStatusServer, type StatusServer, type StatusServerOptions } from "../../../src/runtime/status-server.ts";

const servers: StatusServer[] = [];
const clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) await server.close();
});

async function start(options: Partial<StatusServerOptions> = {}): Promise<StatusServer> {
  const server = await openStatusServer({
    host: "127.0.0.1",
    port: 0,
    notReady: () => undefined,
    metrics: async () => "# HELP a b\n",
    ...options,
  });
  servers.push(server);
  return server;
}

function open(server: StatusServer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const client = connect(server.local.port, "127.0.0.1", () => resolve(client));
    client.on("error", reject);
    clients.push(client);
  });
}

/** Writes the text as it is and reads until the server closes. */
async function talk(server: StatusServer, text: string): Promise<string> {
  const client = await open(server);
  let received = "";
  client.on("data", (data) => {
    received += data;
  });
  client.write(text);
  await new Promise((resolve) => client.on("close", resolve));
  return received;
}

function head(answer: string): { status: string; headers: Record<string, string>; body: string } {
  const [top = "", body = ""] = answer.split("\r\n\r\n");
  const [status = "", ...lines] = top.split("\r\n");
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(":")).toLowerCase(),
    line.slice(line.indexOf(":") + 2),
  ]);
  return { status, headers: Object.fromEntries(headers), body };
}

for (const request of [
  "GET /healthz HTTP/1.1\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
  "GET /healthz HTTP/1.0\r\n\r\n",
  "GET /healthz?verbose=1 HTTP/1.1\r\n\r\n",
]) {
  test(`${JSON.stringify(request)} is answered in full, with its length, and the connection ends`, async () => {
    const { status, headers, body } = head(await talk(await start(), request));
    expect(status).toBe("HTTP/1.1 200 OK");
    expect(body).toBe("ok\n");
    expect(headers).toMatchObject({ "content-type": "text/plain", "content-length": "3", connection: "close" });
  });
}

test("readiness follows its reason", async () => {
  let reason: string | undefined = "not registered: web";
  const server = await start({ notReady: () => reason });
  const refused = head(await talk(server, "GET /readyz HTTP/1.1\r\n\r\n"));
  expect([refused.status, refused.body]).toEqual(["HTTP/1.1 503 Service Unavailable", "not registered: web\n"]);
  reason = undefined;
  const ready = head(await talk(server, "GET /readyz?x HTTP/1.1\r\n\r\n"));
  expect([ready.status, ready.body]).toEqual(["HTTP/1.1 200 OK", "ok\n"]);
});

test("metrics come in the format that scrapers ask for, read when they are scraped", async () => {
  let scrapes = 0;
  const server = await start({ metrics: async () => `scrapes ${++scrapes}\n` });
  await talk(server, "GET /metrics HTTP/1.1\r\n\r\n");
  const { headers, body } = head(await talk(server, "GET /metrics?x=1 HTTP/1.1\r\n\r\n"));
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4");
  expect(headers["content-length"]).toBe(String(body.length));
  expect(body).toBe("scrapes 2\n");
});

test("metrics that fail are an error of that request", async () => {
  const server = await start({ metrics: () => Promise.reject(new Error("x")) });
  expect(head(await talk(server, "GET /metrics HTTP/1.1\r\n\r\n")).status).toStartWith("HTTP/1.1 500");
  expect(head(await talk(server, "GET /healthz HTTP/1.1\r\n\r\n")).status).toStartWith("HTTP/1.1 200");
});

for (const request of [
  "GET / HTTP/1.1\r\n\r\n",
  "GET /healthz/ HTTP/1.1\r\n\r\n",
  "GET /metricsx HTTP/1.1\r\n\r\n",
  "POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  "POST /metrics HTTP/1.1\r\nContent-Length: 1000\r\n\r\n",
  "DELETE /readyz HTTP/1.1\r\n\r\n",
]) {
  test(`${JSON.stringify(request)} is not found`, async () => {
    const { status, headers, body } = head(await talk(await start(), request));
    expect(status).toBe("HTTP/1.1 404 Not Found");
    expect([headers["content-length"], headers.connection, body]).toEqual(["0", "close", ""]);
  });
}

for (const [name, text] of [
  ["nothing", ""],
  ["half a request", "GET /heal"],
  ["a body that never comes", "POST /healthz HTTP/1.1\r\nContent-Length: 1000\r\n"],
] as const) {
  test(`a client that sends ${name} is put out after its time`, async () => {
    const server = await start({ connectionMs: 50 });
    await talk(server, text);
    expect(server.connections).toBe(0);
  });
}

for (const [name, text] of [
  ["garbage", "\x16\x03\x01\x00garbage\r\n\r\n"],
  ["endless headers", `GET /healthz HTTP/1.1\r\nX: ${"a".repeat(100_000)}\r\n\r\n`],
] as const) {
  test(`a client that sends ${name} is put out and the next one is answered`, async () => {
    const server = await start();
    expect(await talk(server, text)).not.toContain("200 OK");
    expect(await talk(server, "GET /healthz HTTP/1.1\r\n\r\n")).toContain("200 OK");
  });
}

test("a hundred clients that dawdle neither grow without bound nor keep a scraper out: the oldest go", async () => {
  const server = await start({ connectionMs: 60_000 });
  const enough = Promise.withResolvers<void>();
  let putOut = 0;
  for (let n = 0; n < 100; n++) {
    const client = await open(server);
    client.resume().on("close", () => {
      if (++putOut === 100 - 64) enough.resolve();
    });
    client.write("GET /heal");
  }
  await enough.promise;
  expect(await talk(server, "GET /healthz HTTP/1.1\r\n\r\n")).toContain("200 OK");
  expect(server.connections).toBeLessThanOrEqual(64);
});

test("an address in use is the system's error", async () => {
  const { port } = (await start()).local;
  await expect(
    openStatusServer({ host: "127.0.0.1", port, notReady: () => undefined, metrics: async () => "" }),
  ).rejects.toThrow(/EADDRINUSE|in use/);
});

test("closing ends connections whose answer is still being made", async () => {
  const asked = Promise.withResolvers<void>();
  const server = await start({
    metrics: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const answer = talk(server, "GET /metrics HTTP/1.1\r\n\r\n");
  await asked.promise;
  expect(server.connections).toBe(1);
  await server.close();
  expect(await answer).toBe("");
});
