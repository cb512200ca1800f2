// What a role that dials a relay shows about each of its services.
import type { MetricsPage } from "./metrics-page.ts";

export interface ServiceFigures {
  readonly service: string;
  readonly registration: string;
  /** Largest packet that gets through now; 0 while not connected. */
  readonly maxPacket: number;
}

export function addServiceMetrics(page: MetricsPage, status: () => Iterable<ServiceFigures>): void {
  const states = ["pending", "registered", "denied"];
  page.addLabelled(
    "gauge",
    "ztna_service_registration",
    "1 for the state that the service is in.",
    ["service", "state"],
    () =>
      [...status()].flatMap(({ service, registration }) =>
        states.map((state) => [[service, state], state === registration ? 1 : 0] as const),
      ),
  );
  page.addLabelled(
    "gauge",
    "ztna_service_max_packet_bytes",
    "Largest packet that gets through to the other end; 0: not connected.",
    ["service"],
    () => [...status()].map(({ service, maxPacket }) => [[service], maxPacket] as const),
  );
}
