// The parts of the SARIF 2.1.0 schema (OASIS) that a log of ours uses: required properties, types, allowed values, and
// that nothing is there which the schema does not know.

/** One sentence for each fault; empty when the log is well formed. */
export function sarifFaults(log: unknown): readonly string[] {
  const faults: string[] = [];
  check(log, LOG, "log", faults);
  const rules = rulesOf(log);
  for (const [index, result] of resultsOf(log).entries()) {
    if (rules[result.ruleIndex] !== result.ruleId) faults.push(`result ${index} names rule ${result.ruleIndex}`);
  }
  return faults;
}

type Shape =
  | { readonly text: true | readonly string[] | RegExp }
  | { readonly integer: number }
  | { readonly flag: true }
  | { readonly items: Shape; readonly least?: number }
  | { readonly values: Shape }
  | { readonly required: Readonly<Record<string, Shape>>; readonly optional?: Readonly<Record<string, Shape>> };

function check(value: unknown, shape: Shape, path: string, faults: string[]): void {
  if ("text" in shape) {
    const { text } = shape;
    const good =
      typeof value === "string" &&
      (text === true || (text instanceof RegExp ? text.test(value) : text.includes(value)));
    if (!good) faults.push(`${path} is ${JSON.stringify(value)}`);
  } else if ("integer" in shape) {
    if (!Number.isInteger(value) || (value as number) < shape.integer)
      faults.push(`${path} is ${JSON.stringify(value)}`);
  } else if ("flag" in shape) {
    if (typeof value !== "boolean") faults.push(`${path} is no boolean`);
  } else if ("items" in shape) {
    if (!Array.isArray(value) || value.length < (shape.least ?? 0)) faults.push(`${path} is no proper list`);
    else for (const [index, item] of value.entries()) check(item, shape.items, `${path}[${index}]`, faults);
  } else checkObject(value, shape, path, faults);
}

function checkObject(value: unknown, shape: Extract<Shape, object>, path: string, faults: string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    faults.push(`${path} is no object`);
    return;
  }
  if ("values" in shape) {
    for (const [key, inner] of Object.entries(value)) check(inner, shape.values, `${path}.${key}`, faults);
    return;
  }
  if (!("required" in shape)) return;
  const known: Readonly<Record<string, Shape>> = { ...shape.required, ...shape.optional };
  for (const key of Object.keys(shape.required)) if (!(key in value)) faults.push(`${path} lacks ${key}`);
  for (const [key, inner] of Object.entries(value)) {
    const expected = known[key];
    if (expected === undefined) faults.push(`${path} has ${key}, which the schema does not know`);
    else check(inner, expected, `${path}.${key}`, faults);
  }
}

function resultsOf(log: unknown): readonly { readonly ruleId: string; readonly ruleIndex: number }[] {
  return (log as { runs: { results: { ruleId: string; ruleIndex: number }[] }[] }).runs.flatMap(
    ({ results }) => results,
  );
}

function rulesOf(log: unknown): readonly string[] {
  const { runs } = log as { runs: { tool: { driver: { rules: { id: string }[] } } }[] };
  return runs.flatMap(({ tool }) => tool.driver.rules.map(({ id }) => id));
}

const LEVEL: Shape = { text: ["none", "note", "warning", "error"] };
const MESSAGE: Shape = { required: { text: { text: /./ } } };
const URI: Shape = { text: /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})+$/ };
const LOCATION: Shape = {
  required: {},
  optional: {
    physicalLocation: {
      required: { artifactLocation: { required: { uri: URI } } },
      optional: { region: { required: { startLine: { integer: 1 } } } },
    },
    logicalLocations: {
      items: { required: { fullyQualifiedName: { text: true } }, optional: { kind: { text: true } } },
    },
  },
};
const RULE: Shape = {
  required: { id: { text: true } },
  optional: { shortDescription: MESSAGE, help: MESSAGE, defaultConfiguration: { required: { level: LEVEL } } },
};
const RESULT: Shape = {
  required: { message: MESSAGE },
  optional: {
    ...{ ruleId: { text: true }, ruleIndex: { integer: 0 }, level: LEVEL, locations: { items: LOCATION } },
    partialFingerprints: { values: { text: true } },
  },
};
const DRIVER: Shape = {
  required: { name: { text: true } },
  optional: { version: { text: true }, rules: { items: RULE } },
};
const LOG: Shape = {
  required: {
    version: { text: ["2.1.0"] },
    runs: {
      least: 1,
      items: {
        required: { tool: { required: { driver: DRIVER } } },
        optional: {
          results: { items: RESULT },
          columnKind: { text: ["utf16CodeUnits", "unicodeCodePoints"] },
          invocations: {
            items: { required: { executionSuccessful: { flag: true } }, optional: { exitCode: { integer: 0 } } },
          },
        },
      },
    },
  },
  optional: { $schema: { text: /^https:\/\// } },
};
