import type { Source } from './source.js';

type Answer = (runs: boolean) => void;

/** Callers that wait until it is clear whether a source runs. */
export class Settling {
  private readonly waiting = new Map<Source, Answer[]>();

  /** Resolves with whether the source is running, once that is settled. */
  of(source: Source): Promise<boolean> {
    return new Promise((resolve) => {
      const others = this.waiting.get(source);
      if (others === undefined) this.waiting.set(source, [resolve]);
      else others.push(resolve);
    });
  }

  has(source: Source): boolean {
    return this.waiting.has(source);
  }

  /** Something has changed. `isOver`: nothing will change any more. */
  answer(isOver: boolean): void {
    for (const [source, answers] of this.waiting) {
      const { isWanted, state } = source;
      if (!isOver && (isWanted || state === 'starting' || state === 'stopping')) continue;
      this.waiting.delete(source);
      for (const answer of answers) answer(state === 'running');
    }
  }
}
