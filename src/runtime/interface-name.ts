// Names of network interfaces: what Linux takes (dev_valid_name), and less, because names end up in logs and scripts.

/** What is wrong with the name, as the end of a sentence; undefined when nothing is. */
export function interfaceNameFault(name: string): string | undefined {
  if (name === "" || name.length > MAX_LENGTH) return `must have 1 to ${MAX_LENGTH} characters`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return "may only have letters, digits, hyphens, dots and underscores";
  if (name === "." || name === "..") return "is a directory's";
  return name.startsWith("-") ? "must not begin with a hyphen" : undefined;
}

/** IFNAMSIZ with the terminating zero. */
const MAX_LENGTH = 15;
