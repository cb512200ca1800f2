// JSON against a JSON Schema, by a library that had no part in making either.
import { type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";

/** One sentence for each fault; empty when the document satisfies the schema. */
export function schemaFaults(document: unknown, schema: object, draft: SchemaDraft): readonly string[] {
  const { errors } = new Validator(schema as Schema, draft, false).validate(document);
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}
