/** Bytes as they may be counted: what is negative, not finite or no number is 0. */
export const countable = (bytes: unknown): number =>
  typeof bytes === 'number' && bytes > 0 && bytes < Infinity ? bytes : 0;
