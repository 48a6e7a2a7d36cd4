/** What "now" means for a rate. */
export const RATE_WINDOW_MS = 10_000;

/** Bytes are credited about once a second while they flow: marks are no closer. */
const BETWEEN_MARKS_MS = 900;
/** So long without a byte is a pause. */
const PAUSE_MS = 1500;
/** Ten seconds' worth, with some to spare. */
const MOST_MARKS = 16;

/**
 * The rate of about the last ten seconds. It is measured between the moments at which bytes were credited, for each
 * credit is what flowed since the one before: with seconds of the clock in their place, one more or less of them would
 * be ten per cent. Times are epoch milliseconds.
 */
export class RateWindow {
  private readonly times: number[];
  /** Bytes until then. */
  private readonly totals: number[] = [0];
  private total = 0;

  constructor(now: number) {
    this.times = [now];
  }

  add(bytes: number, now: number): void {
    const sinceMark = now - this.lastMark;
    // the clock was set back
    if (sinceMark < 0) this.forget(now);
    // what comes now did not flow during all of the pause
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
    // within a pause nothing flowed: the window begins where it should
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
