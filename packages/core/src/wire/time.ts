/** A time as JSON: RFC 3339 in UTC. */
export const iso = (ms: number): string => new Date(ms).toISOString();

export const isoOrAbsent = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : iso(ms));

/** Formats times that mostly come in a row of the same: all that one sweep closes happens in one millisecond. */
export function isoWithMemory(): (ms: number) => string {
  let last = NaN;
  let text = '';
  return (ms) => {
    if (ms !== last) [last, text] = [ms, iso(ms)];
    return text;
  };
}
