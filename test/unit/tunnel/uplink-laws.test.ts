// An uplink is a machine like any other, whatever its relay does.
import { test } from "bun:test";
import { clientEvent } from "../../support/client-arbitraries.ts";
import { checkMachineLaws } from "../../support/machine-laws.ts";
import { UplinkClient } from "../../support/uplink-client.ts";

test("an uplink obeys the machine laws", () => {
  checkMachineLaws({
    create: () => new UplinkClient({ services: ["web", "db"] }),
    input: clientEvent(["web", "db"]),
    runs: 300,
  });
});

test("so does one that never gives up", () => {
  checkMachineLaws({
    create: () => new UplinkClient({ services: ["web"], mayGiveUp: () => false }),
    input: clientEvent(["web"]),
    runs: 300,
  });
});
