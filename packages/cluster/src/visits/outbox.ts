import { BUCKETS } from '../link/link.js';
import { MAX_ACKNOWLEDGED } from './outbox-steps.js';
import type { Place } from './fields.js';
import type { Happening } from './happening.js';

/** Where this node has made a visit begin. */
export interface Origin {
  readonly step: string;
  readonly place: Place;
}

/**
 * Who hears what has happened; `told` is called when nobody has to be told again.
 *
 * @param origin of a visit that has begun by a step of this node, of which nobody knows yet what has come
 */
export type OnHappened = (happening: Happening, told: () => void, origin?: Origin) => void;

/** The numbers of steps, and which of them have been told to all who listen. */
export class Outbox {
  private steps = 0;
  private readonly told: string[][] = Array.from({ length: BUCKETS }, () => []);
  private untold = 0;
  private onEmpty: (() => void)[] = [];

  /** @param later what was told is to be said to Redis some time */
  constructor(private readonly later: (bucket: number) => void) {}

  /** The number of a step. Where it runs twice, it has the same one. */
  next(): string {
    return String(++this.steps);
  }

  /** So many things have happened by a step. Returns what each of them calls when it has been told. */
  expect(bucket: number, step: string, count: number): () => void {
    if (count === 0) return () => undefined;
    let left = count;
    this.untold++;
    return () => {
      if (--left !== 0) return;
      this.told[bucket]?.push(step);
      this.later(bucket);
      if (--this.untold === 0) for (const done of this.onEmpty.splice(0)) done();
    };
  }

  /** Steps that Redis may forget. */
  take(bucket: number): string[] {
    return this.told[bucket]?.splice(0, MAX_ACKNOWLEDGED) ?? [];
  }

  giveBack(bucket: number, steps: readonly string[]): void {
    this.told[bucket]?.unshift(...steps);
  }

  hasTold(bucket: number): boolean {
    return (this.told[bucket]?.length ?? 0) > 0;
  }

  /** Resolves when all that has happened has been told. */
  empty(): Promise<void> {
    if (this.untold === 0) return Promise.resolve();
    return new Promise((done) => this.onEmpty.push(done));
  }
}
