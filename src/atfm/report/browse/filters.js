// What a filter lets through.

/** Shares of empty readers by the name of the choice: the least and the most. */
export const EMPTY_SHARES = {
  any: ["any", 0, 1],
  none: ["none", 0, 0],
  some: ["some, not all", 1e-9, 1 - 1e-9],
  half: ["half or more", 0.5, 1],
  all: ["all", 1, 1],
};

/**
 * Whether a case passes: every word of `text` is in its names, its share of empty readers (column 2) is as `empty`
 * says, and the score of `column` lies from `low` to `high`; an end that is null is open.
 */
export function passes(one, { text, empty, column, low, high }) {
  if (!text.toLowerCase().split(/\s+/).every((word) => one.text.includes(word))) return false;
  const [, least, most] = EMPTY_SHARES[empty];
  const share = one.values[2];
  if (empty !== "any" && (share === null || share < least || share > most)) return false;
  if (low === null && high === null) return true;
  const score = one.values[column];
  return score !== null && (low === null || score >= low) && (high === null || score <= high);
}
