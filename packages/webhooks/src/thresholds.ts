import type { WebhookCondition } from './options.js';

export interface Crossing {
  readonly type: 'stream.viewers_above' | 'stream.viewers_below';
  readonly limit: number;
  /** False: the crossing is reverted, and the next one counts again. */
  readonly isNews: boolean;
}

/** Tracks the viewers of streams relative to two limits: each crossing counts once, until it is reverted. */
export class Thresholds {
  private readonly above = new Set<string>();
  private readonly enough = new Set<string>();

  constructor(private readonly when: WebhookCondition) {}

  get isEmpty(): boolean {
    return this.when.viewersAbove === undefined && this.when.viewersBelow === undefined;
  }

  /** The streams that are above a limit. */
  streams(): Set<string> {
    return new Set([...this.above, ...this.enough]);
  }

  /** A stream has this many viewers now. */
  see(stream: string, viewers: number): Crossing[] {
    const { viewersAbove: high, viewersBelow: low } = this.when;
    const crossed: Crossing[] = [];
    if (high !== undefined && viewers > high !== this.above.has(stream)) {
      crossed.push({ type: 'stream.viewers_above', limit: high, isNews: viewers > high });
      toggle(this.above, stream);
    }
    if (low !== undefined && viewers >= low !== this.enough.has(stream)) {
      crossed.push({ type: 'stream.viewers_below', limit: low, isNews: viewers < low });
      toggle(this.enough, stream);
    }
    return crossed;
  }
}

function toggle(streams: Set<string>, stream: string): void {
  if (!streams.delete(stream)) streams.add(stream);
}
