// What a connector tells about itself: bounded, whatever it was configured with.
import { expect, test } from "bun:test";
import { connectorStatus } from "../../../src/cli/connect-status.ts";
import { MAX_SERVICES } from "../../../src/cli/daemon-status.ts";
import { parseStatus } from "../../../src/cli/status-document.ts";
import { Connector } from "../../../src/connector/connector.ts";
import type { ServiceEntry } from "../../../src/connector/services.ts";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { testHash } from "../../support/test-hash.ts";

const RELAY = { host: "relay.example.org", port: 4433 };
const FACTS = { notReady: undefined, uptimeSeconds: 5, dates: [], wallNow: 0 };

function statusOf(entries: readonly ServiceEntry[]) {
  const connector = new Connector({ services: entries, random: () => 0.5, hash: testHash });
  return connectorStatus({ connector, entries, backends: { size: 0 }, relay: RELAY }, FACTS);
}

test("each service with its address and where its entries lead", () => {
  const virtualIp = parseIpv4("10.100.0.2");
  const { services, service_count: count } = statusOf([
    { id: "web", virtualIp, backend: { host: "::1", port: 8080 }, protocol: "tcp" },
    { id: "db", backend: { host: "db.internal" } },
    { id: "web", virtualIp, backend: { host: "127.0.0.1" }, protocol: "icmp" },
  ]);
  expect(count).toBe(2);
  expect(services).toMatchObject([
    { service: "web", virtual_ip: "10.100.0.2", state: "pending", backends: ["[::1]:8080/tcp", "echo"] },
    { service: "db", virtual_ip: null, connection: "connecting", backends: ["db.internal"], backend_failure: null },
  ]);
});

test("thousands of services with the longest names still fit into an answer", () => {
  const entries = Array.from({ length: 60_000 }, (_, index) => ({
    id: `${String(index % 3000).padStart(4, "0")}${"s".repeat(196)}`,
    backend: { host: "h".repeat(253), port: 65_535 },
  }));
  const status = statusOf(entries);
  expect([status.services.length, status.service_count]).toEqual([MAX_SERVICES, 3000]);
  const text = JSON.stringify(status);
  expect(text.length).toBeLessThan(1024 * 1024);
  expect(parseStatus(text)).toEqual(status);
});
