// How kubectl reads plain words and numbers: its YAML is that of version 1.1 here and there, where our library knows 1.2
// only. Whoever reads `yes` as a text would pass what the cluster refuses, and follow what it takes for optional.
import type { ScalarTag } from "yaml";

export const KUBECTL_TAGS: readonly ScalarTag[] = [
  booleans(/^(?:y|Y|yes|Yes|YES|on|On|ON)$/, true),
  booleans(/^(?:n|N|no|No|NO|off|Off|OFF)$/, false),
  integers(/^[-+]?0b_*[01][01_]*$/, 2, "0b"),
  integers(/^[-+]?0_*[0-7][0-7_]*$/, 8, "0"),
  integers(/^[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*$/, 16, "0x"),
  integers(/^[-+]?[1-9][0-9_]*$/, 10, ""),
];

function booleans(test: RegExp, value: boolean): ScalarTag {
  return { tag: "tag:yaml.org,2002:bool", default: true, test, resolve: () => value };
}

function integers(test: RegExp, base: number, prefix: string): ScalarTag {
  return {
    tag: "tag:yaml.org,2002:int",
    default: true,
    test,
    resolve: (text) => {
      const digits = text.replace(/^[-+]/, "").replaceAll("_", "").slice(prefix.length);
      return (text.startsWith("-") ? -1 : 1) * Number.parseInt(digits, base);
    },
  };
}
