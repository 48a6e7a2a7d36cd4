/** Bytes as they may be counted: a negative or infinite number, or any other value, is 0. */
export const countable = (bytes: unknown): number =>
  typeof bytes === 'number' && bytes > 0 && bytes < Infinity ? bytes : 0;
