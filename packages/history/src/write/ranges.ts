const MINUTE = 60_000;
/**
 * Up to this gap between two minutes, those in between are recounted as well, which changes nothing: one statement is faster than
 * two.
 */
const GAP_MS = 30 * MINUTE;
/** A longer statement would take too long, because its time depends on the visits in it. */
const LONGEST_MS = 6 * 60 * MINUTE;

/** A period in epoch milliseconds. */
export type Range = readonly [from: number, to: number];

/** Minutes, grouped into as few ranges as makes sense. */
export function rangesOf(minutes: readonly number[]): Range[] {
  const ranges: [number, number][] = [];
  for (const at of [...minutes].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && at - last[1] < GAP_MS && at + MINUTE - last[0] <= LONGEST_MS) last[1] = at + MINUTE;
    else ranges.push([at, at + MINUTE]);
  }
  return ranges;
}
