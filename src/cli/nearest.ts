// The known word that a misspelt one most likely stands for.

/** The candidate with the smallest edit distance, the first one among equals; undefined when none is like the word. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const start = word.slice(0, LONGEST);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(start.length * ALIKE)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(start, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** To a word that nobody knows: the one that was likely meant, if any is like it, and the command that lists them. */
export function hintFor(word: string, candidates: readonly string[], list: string): string {
  const near = nearest(word, candidates);
  return near === undefined ? `see ${list}.` : `did you mean "${near}"? See ${list}.`;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** So much of a word may be wrong. */
const ALIKE = 0.4;
/** Longer words than any of ours cannot be near one. */
const LONGEST = 64;
