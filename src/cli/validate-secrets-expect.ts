// --expect FILE: which secrets must be there, and what each of them is for.
import { z } from "zod";
import type { Expectation } from "../pki/secret-checks.ts";
import { isObjectName } from "../pki/secret-record.ts";
import { service } from "./certs-kinds.ts";
import { readChecked } from "./config-file.ts";
import { host, type Kind } from "./option-kinds.ts";

/** Throws a ConfigurationError that names the file and the key. */
export async function readExpectations(path: string, namespace: string): Promise<readonly Expectation[]> {
  const { secrets } = await readChecked(path, FILE);
  return secrets.map((entry) => ({ ...entry, namespace: entry.namespace ?? namespace }));
}

const objectName = z
  .string()
  .refine(isObjectName, { message: "must be the name of a Kubernetes object, in lower case" });
const FILE = z.strictObject({
  secrets: z
    .array(
      z.strictObject({
        name: objectName,
        namespace: objectName.optional(),
        role: z.enum(["relay", "connector", "agent"]).optional(),
        names: z.array(as(host)).default([]),
        services: z.array(as(service)).default([]),
      }),
    )
    .min(1, { message: "must name a secret" }),
});

function as(kind: Kind<string>) {
  return z.string().refine((text) => kind.parse(text) !== undefined, { message: `must be ${kind.expected}` });
}
