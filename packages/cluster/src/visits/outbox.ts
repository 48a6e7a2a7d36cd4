import { BUCKETS } from '../link/link.js';
import { MAX_ACKNOWLEDGED } from './outbox-steps.js';
import type { Place } from './fields.js';
import type { Happening } from './happening.js';

/** The step by which this node made a visit begin, and where. */
export interface Origin {
  readonly step: string;
  readonly place: Place;
}

/**
 * Receives what has happened; `told` is to be called once it need not be reported again.
 *
 * @param origin For a visit that began by a step of this node, and whose outcome is not known yet
 */
export type OnHappened = (happening: Happening, told: () => void, origin?: Origin) => void;

/** The numbers of steps, and which of them have been reported to all listeners. */
export class Outbox {
  private steps = 0;
  private readonly told: string[][] = Array.from({ length: BUCKETS }, () => []);
  private untold = 0;
  private onEmpty: (() => void)[] = [];

  /** @param later Called when Redis is to be told, eventually, what has been reported. */
  constructor(private readonly later: (bucket: number) => void) {}

  /** The number of a step. If it runs twice, it has the same number. */
  next(): string {
    return String(++this.steps);
  }

  /** A step has caused this many events. Returns the function that each of them calls when it has been reported. */
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

  /** Resolves when everything that has happened has been reported. */
  empty(): Promise<void> {
    if (this.untold === 0) return Promise.resolve();
    return new Promise((done) => this.onEmpty.push(done));
  }
}
