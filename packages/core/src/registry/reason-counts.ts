/** So many words of policies and adapters are counted by themselves. */
const MAX_WORDS = 32;

/** How often each reason was given: the known ones, and as many of those that policies make up. The rest is `other`. */
export class ReasonCounts {
  private readonly counts = new Map<string, number>();
  private words = 0;

  constructor(private readonly known: readonly string[]) {}

  add(reason: string): void {
    const count = this.counts.get(reason);
    if (count !== undefined) this.counts.set(reason, count + 1);
    else if (this.known.includes(reason)) this.counts.set(reason, 1);
    else if (this.words < MAX_WORDS) {
      this.words++;
      this.counts.set(reason, 1);
    } else this.counts.set('other', (this.counts.get('other') ?? 0) + 1);
  }

  /** A copy. Reasons that were never given are absent. */
  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }
}
