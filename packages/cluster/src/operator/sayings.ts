import type { Logger } from '@stream-sessions/core';
import { wordsOf } from '../errors.js';

/** The most entries said at once. */
const AT_ONCE = 100;

interface Saying {
  readonly about: string;
  readonly say: () => Promise<number>;
  readonly done: (n: number | undefined) => void;
}

/**
 * What this node says in the log: many entries at once, but those about the same thing one after the other. What cannot be said applies
 * here, and is said at the next check of the table.
 */
export class Sayings {
  private readonly waiting: Saying[] = [];
  private latest: Promise<number | undefined> = Promise.resolve(0);
  private isSaying = false;
  private hasWarned = false;

  constructor(private readonly logger: Logger) {}

  /** Resolves like `said`. */
  say(about: string, say: () => Promise<number>): Promise<number | undefined> {
    this.latest = new Promise((done) => this.waiting.push({ about, say, done }));
    if (!this.isSaying) void this.sayAll();
    return this.latest;
  }

  /**
   * Resolves when everything said is in the log, with the number of the last entry (0: there is none); undefined: not all of it
   * could be said. As long as nothing more is said, this is the same promise.
   */
  said(): Promise<number | undefined> {
    return this.latest;
  }

  private async sayAll(): Promise<void> {
    this.isSaying = true;
    // whatever else is said in this turn goes with it
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.take();
      const numbers = await Promise.all(batch.map((each) => this.sayOne(each)));
      const n = numbers.includes(undefined) ? undefined : Math.max(...(numbers as number[]));
      for (const { done } of batch) done(n);
    }
    this.isSaying = false;
  }

  private take(): Saying[] {
    const about = new Set<string>();
    let count = 0;
    for (const each of this.waiting) {
      if (count === AT_ONCE || about.has(each.about)) break;
      about.add(each.about);
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async sayOne({ say }: Saying): Promise<number | undefined> {
    try {
      const n = await say();
      this.hasWarned = false;
      return n;
    } catch (error) {
      // once, however much cannot be said
      if (!this.hasWarned) {
        this.logger.warn({ error }, `cluster: the other nodes have not heard of a denial yet: ${wordsOf(error)}.`);
      }
      this.hasWarned = true;
      return undefined;
    }
  }
}
