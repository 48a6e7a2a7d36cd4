const MINUTE = 60_000;
/** Between two minutes, so many others are counted along, which changes nothing: one statement is quicker than two. */
const GAP_MS = 30 * MINUTE;
/** A statement takes its time for each visit in it. */
const LONGEST_MS = 6 * 60 * MINUTE;

/** Some time, in epoch milliseconds. */
export type Range = readonly [from: number, to: number];

/** Minutes in as few ranges as make sense. */
export function rangesOf(minutes: readonly number[]): Range[] {
  const ranges: [number, number][] = [];
  for (const at of [...minutes].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && at - last[1] < GAP_MS && at + MINUTE - last[0] <= LONGEST_MS) last[1] = at + MINUTE;
    else ranges.push([at, at + MINUTE]);
  }
  return ranges;
}
