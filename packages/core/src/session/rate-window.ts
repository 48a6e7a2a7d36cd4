/** The window of a current rate. Milliseconds. */
export const RATE_WINDOW_MS = 10_000;

/** Bytes are credited about once a second while they flow: marks are no closer than this. Milliseconds. */
const BETWEEN_MARKS_MS = 900;
/** A pause is at least this long without a byte. Milliseconds. */
const PAUSE_MS = 1500;
/** Ten seconds' worth, with some to spare. */
const MOST_MARKS = 16;

/**
 * The rate over about the last ten seconds. It is measured between the moments at which bytes were credited, because each credit
 * is what flowed since the one before: with whole seconds of the clock instead, one more or less would be ten per cent. Times are
 * epoch milliseconds.
 */
export class RateWindow {
  private readonly times: number[];
  /** Total bytes at each of `times`. */
  private readonly totals: number[] = [0];
  private total = 0;

  constructor(now: number) {
    this.times = [now];
  }

  add(bytes: number, now: number): void {
    const sinceMark = now - this.lastMark;
    // the clock was set back
    if (sinceMark < 0) this.forget(now);
    // bytes credited now did not flow throughout the pause
    if (sinceMark > PAUSE_MS) this.mark(now - 1000);
    this.total += bytes;
    if (sinceMark >= BETWEEN_MARKS_MS) this.mark(now);
  }

  /** Megabits per second. */
  mbits(now: number): number {
    const { times, totals } = this;
    const isPause = now - this.lastMark > PAUSE_MS;
    const end = isPause ? now : this.lastMark;
    const endTotal = isPause ? this.total : (totals.at(-1) as number);
    let first = times.length - 1;
    while (first > 0 && (times[first] as number) > end - RATE_WINDOW_MS) first--;
    const sinceFirst = end - (times[first] as number);
    // nothing flowed during a pause, so the window begins where it should
    const ms = sinceFirst > RATE_WINDOW_MS + PAUSE_MS ? RATE_WINDOW_MS : Math.max(sinceFirst, 1000);
    return ((endTotal - (totals[first] as number)) * 8) / 1000 / ms;
  }

  private get lastMark(): number {
    return this.times[this.times.length - 1] as number;
  }

  private mark(time: number): void {
    this.times.push(time);
    this.totals.push(this.total);
    if (this.times.length <= MOST_MARKS) return;
    this.times.shift();
    this.totals.shift();
  }

  private forget(now: number): void {
    this.times.splice(0, Infinity, now);
    this.totals.splice(0, Infinity, this.total);
  }
}
