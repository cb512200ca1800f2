// A grant is what one certificate name allows: "agent.web.ztna" lets its holder use the service "web".

export type Role = "agent" | "connector";

/** `service` is lower-case; "*" means every service. */
export interface Grant {
  readonly role: Role;
  readonly service: string;
}
