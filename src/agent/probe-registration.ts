// The one registration of a probe, and what the relay made of it.
import { encodeRegistration, parseTunnelDatagram } from "../wire/tunnel.ts";
import type { RegistrationResult } from "./probe-output.ts";
import type { RegistrationPlan } from "./probe-plan.ts";

/** What the plan expected: still possible, come true, or not to come true any more. */
export type Expectation = "open" | "met" | "disappointed";

export class ProbeRegistration {
  result: RegistrationResult = { type: "none" };
  private readonly plan: RegistrationPlan;

  constructor(plan: RegistrationPlan) {
    this.plan = plan;
  }

  /** The datagram to send. */
  request(): Uint8Array {
    this.result = { type: "unanswered" };
    return encodeRegistration("agent", this.plan.service);
  }

  /** Takes note if the datagram is the answer. */
  received(bytes: Uint8Array): void {
    const message = parseTunnelDatagram(bytes);
    const { service } = this.plan;
    if (message.type === "ack" && message.service === service) {
      this.result = { type: "acknowledged" };
    } else if (message.type === "nack" && (message.service === service || message.service === "")) {
      // A relay that could not read the request cannot repeat the id.
      this.result = { type: "refused", status: message.status };
    }
  }

  expectation(): Expectation {
    const { expect } = this.plan;
    const { type } = this.result;
    if (expect === "any" || type === "none" || type === "unanswered") return "open";
    return type === (expect === "ack" ? "acknowledged" : "refused") ? "met" : "disappointed";
  }
}

/** Whether a datagram from the relay is data: no answer to a registration, no observed address. */
export function isData(bytes: Uint8Array): boolean {
  const message = parseTunnelDatagram(bytes);
  switch (message.type) {
    case "ack":
    case "nack":
    case "observed-address":
      return false;
    case "malformed":
      return message.kind === "routed" || message.kind === "keepalive";
    default:
      return true;
  }
}
