import type { PlaySession } from '@stream-sessions/core';

/** The number of publishers per stream. */
export class Publishers {
  private readonly counts = new Map<string, number>();

  /** False: opening loses no publisher. */
  opened({ kind, stream }: PlaySession): false {
    if (kind === 'input') this.counts.set(stream, (this.counts.get(stream) ?? 0) + 1);
    return false;
  }

  /** Whether it was the last one. */
  closed({ kind, stream }: PlaySession): boolean {
    if (kind !== 'input') return false;
    const left = (this.counts.get(stream) ?? 1) - 1;
    if (left > 0) this.counts.set(stream, left);
    else this.counts.delete(stream);
    return left <= 0;
  }
}
