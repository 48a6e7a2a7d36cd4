/** The most reasons made up by policies and adapters that are counted separately. */
const MAX_WORDS = 32;

/** Counts how often each reason was given: the known ones, and some of those that policies make up. The rest is `other`. */
export class ReasonCounts {
  /** The values are objects, so that counting takes one look-up. */
  private readonly counts = new Map<string, { count: number }>();
  private words = 0;

  constructor(private readonly known: readonly string[]) {}

  add(reason: string): void {
    const counted = this.counts.get(reason);
    if (counted !== undefined) counted.count++;
    else this.addNew(reason);
  }

  /** A copy. Reasons that were never given are absent. */
  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.counts].map(([reason, { count }]) => [reason, count]));
  }

  private addNew(reason: string): void {
    const isKnown = this.known.includes(reason);
    if (isKnown || this.words < MAX_WORDS) {
      if (!isKnown) this.words++;
      this.counts.set(reason, { count: 1 });
      return;
    }
    const other = this.counts.get('other');
    if (other === undefined) this.counts.set('other', { count: 1 });
    else other.count++;
  }
}
