/** As much CPU as a text may take without a second look, in ms. */
const QUICK_MS = 60;
/** Eight times the text takes 8 times as long in linear time, more with its garbage, and 64 times in quadratic time. */
const MAX_GROWTH = 22;
/** What is not linear is too slow each time; a neighbour that takes the caches away is not there each time. */
const ATTEMPTS = 4;

/** Of this process, not of the wall: other tests may run at the same time. */
function cpuMs(run: () => unknown): number {
  const before = process.cpuUsage();
  try {
    run();
  } catch {
    // what is refused is as good as read
  }
  return process.cpuUsage(before).user / 1000;
}

/** The best of several, for any one may have met the garbage collector, or the compiler. */
function bestMs(run: () => unknown): number {
  return Math.min(...Array.from({ length: 3 }, () => cpuMs(run)));
}

/**
 * Throws when `read` takes more than linear time for what `text` writes. It
 * compares two lengths, so that a slow or busy machine does not matter.
 * @param read what is tested; what it throws counts as read
 * @param text a hostile text of a length; called with `length` and an eighth of it
 */
export function expectLinearTime(
  read: (text: string) => unknown,
  text: (length: number) => string,
  length = 32_768,
): void {
  const long = text(length);
  const short = text(length / 8);
  if (cpuMs(() => read(long)) <= QUICK_MS) return;
  let longMs = 0;
  let growth = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    longMs = bestMs(() => read(long));
    if (longMs <= QUICK_MS) return;
    growth = longMs / bestMs(() => read(short));
    if (growth <= MAX_GROWTH) return;
  }
  throw new Error(
    `${longMs.toFixed(0)} ms for ${length} characters, ${growth.toFixed(1)} times as long as for an eighth: ` +
      JSON.stringify(`${long.slice(0, 20)}…${long.slice(-5)}`),
  );
}
