// Texts that stand where key material should be: templates that were never filled in.

/** The whole text is one. */
export function isPlaceholder(text: string): boolean {
  return text.length <= MAX_LENGTH && WHOLE.test(text.trim());
}

/** Something in it is one. Only for what was meant to be PEM and is not: other texts may well hold "${…}". */
export function holdsPlaceholder(text: string): boolean {
  return isPlaceholder(text) || WITHIN.test(text.slice(0, MAX_SEARCHED));
}

const MAX_LENGTH = 200;
const MAX_SEARCHED = 10_000;
const WORDS =
  "change[-_ ]?(?:me|this)|replace(?:[-_ ]?(?:me|this|with))?|place[-_ ]?holder|insert|your|base64|todo|tbd";
const WHOLE = new RegExp(
  `^["'[({<]*(?:${WORDS})(?:[-_ :].*)?$|^<[^<>]*>$|^\\$\\{[^}]*\\}$|^\\$\\([^)]*\\)$|^\\{\\{.*\\}\\}$|^[xX]{4,}$|^\\.{3,}$|^…$`,
  "is",
);
const WITHIN =
  /replace[-_ ]?(?:me|this|with)|change[-_ ]?me|place[-_ ]?holder|your[-_ ](?:base64|cert|key|private)|<[a-z][^<>]*>|\.\.\.|…|\{\{|\$\{/i;
