// The shape of a command's file, made from the declarations of its options: what readers check against, and the same as
// a JSON Schema for editors and for whoever writes such files by program.
import { type ZodType, z } from "zod";
import { type CommandSpec, fileKeys, type KeyStyle, type Option, type OptionTable } from "./options.ts";

/** Values are judged by their kinds afterwards, whose sentences say more than a schema can. */
export function schemaOf(table: OptionTable, style: KeyStyle): ZodType {
  const root: Branch = {};
  for (const [name, option] of Object.entries(table)) {
    const [main, ...others] = fileKeys(name, option, style);
    if (main !== undefined) place(root, main.split("."), described(option, meaningOf(option)));
    for (const key of others) place(root, key.split("."), described(option, `the same as ${main}`));
  }
  return strict(root);
}

/** The help of an option as a sentence about its value: that of a switch which is on speaks of switching it off. */
export function meaningOf({ kind, default: preset, help }: Option<unknown>): string {
  return kind.placeholder === undefined && preset === true ? `false: ${help}` : help;
}

/** Draft 2020-12. Keys that begin with _comment are allowed in every object, as the readers allow them. */
export function jsonSchemaOf(spec: CommandSpec<OptionTable>): Record<string, unknown> {
  const style = spec.file?.style ?? "snake_case";
  const { $schema, ...shape } = z.toJSONSchema(schemaOf(spec.options, style), {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === "object") jsonSchema.patternProperties = { "^_comment": {} };
    },
  });
  return {
    $schema,
    title: `The file of ztna ${spec.command}`,
    description: `Read from --config, else from the first of ${spec.file?.defaultPaths.join(", ")}`,
    ...shape,
  };
}

interface Branch {
  [key: string]: ZodType | Branch;
}

function place(branch: Branch, [first = "", ...rest]: readonly string[], leaf: ZodType): void {
  if (rest.length === 0) {
    branch[first] = leaf.optional();
    return;
  }
  const inner = branch[first];
  const next = inner === undefined || inner instanceof z.ZodType ? {} : inner;
  branch[first] = next;
  place(next, rest, leaf);
}

function strict(branch: Branch): ZodType {
  const shape = Object.entries(branch).map(([key, inner]) => [
    key,
    inner instanceof z.ZodType ? inner : strict(inner).optional(),
  ]);
  return z.strictObject(Object.fromEntries(shape));
}

function described({ kind, default: preset }: Option<unknown>, description: string): ZodType {
  const schema = kind.schema(z);
  const shown = preset === undefined ? undefined : written(kind.show?.(preset) ?? preset);
  return schema.meta({ ...schema.meta(), description, ...(shown === undefined ? {} : { default: shown }) });
}

/** A default as a file would have it. */
function written(value: unknown): unknown {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}
