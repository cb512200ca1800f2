// The name of a TUN device, as the operator gives it or leaves it to the system.
import { interfaceNameFault } from "../runtime/interface-name.ts";
import type { Kind } from "./option-kinds.ts";

/** ANY_DEVICE, or the name of an interface. */
export const tunDevice: Kind<string> = {
  placeholder: "NAME",
  bare: "auto",
  expected: "auto, or the name of an interface: 1 to 15 letters, digits, hyphens, dots and underscores",
  parse: (text) => (interfaceNameFault(text) === undefined ? text : undefined),
  schema: (z) => z.string(),
};

/** The system chooses a free name. */
export const ANY_DEVICE = "auto";
