import type { Clock, Everywhere, PlaySession } from '@stream-sessions/core';
import type { Subscription } from './subscription.js';
import type { Crossing } from './thresholds.js';

const LOOK_MS = 1_000;
/** The number of attempts to find out whether a publisher was the last one. */
const TRIES = 30;

export interface StreamsParts {
  readonly everywhere: Everywhere;
  readonly clock: Clock;
  readonly subscriptions: readonly Subscription[];
  readonly onCrossed: (subscription: Subscription, stream: string, viewers: number, crossing: Crossing) => void;
}

/** Viewers and publishers of streams over all nodes of a cluster. Each change is reported by one of the nodes. */
export class StreamsEverywhere {
  private readonly timers = new Set<unknown>();
  private hasBegun = false;
  private isStopped = false;

  constructor(private readonly parts: StreamsParts) {}

  /** Resolves when the current state of the streams is known: limits crossed from now on are reported. */
  async begin(): Promise<void> {
    if (this.parts.subscriptions.some(({ thresholds }) => !thresholds.isEmpty)) await this.look();
  }

  /** A publisher has come. */
  async opened({ stream }: PlaySession): Promise<void> {
    await this.keepTrying(async () => {
      const { at } = await this.parts.everywhere.live({ isFresh: true });
      await this.parts.everywhere.claim(publisherOf(stream), 'live', at);
      return false;
    });
  }

  /** A publisher has gone. Resolves with whether it was the last one and this node has to report it. */
  closed({ stream }: PlaySession): Promise<boolean> {
    return this.keepTrying(async () => {
      const { at, streams } = await this.parts.everywhere.live({ isFresh: true });
      const left = streams.get(stream)?.input ?? 0;
      return left <= 0 && this.parts.everywhere.claim(publisherOf(stream), 'lost', at);
    });
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers) this.parts.clock.clearTimeout(timer);
  }

  private async look(): Promise<void> {
    // if this fails, the next check sees the change
    await this.compare().catch(() => undefined);
    this.later(() => void this.look());
  }

  private async compare(): Promise<void> {
    const { at, streams } = await this.parts.everywhere.live();
    const isNew = !this.hasBegun;
    this.hasBegun = true;
    for (const subscription of this.parts.subscriptions) {
      const { thresholds, endpoint } = subscription;
      if (thresholds.isEmpty) continue;
      for (const stream of new Set([...streams.keys(), ...thresholds.streams()])) {
        const viewers = streams.get(stream)?.viewer ?? 0;
        const crossings = thresholds.see(stream, viewers);
        if (isNew || !subscription.hears(stream)) continue;
        for (const crossing of crossings) {
          const { type, limit, isNews } = crossing;
          const about = `${type} ${limit} ${endpoint.name} ${stream}`;
          const isOurs = await this.parts.everywhere.claim(about, String(isNews), at);
          if (isOurs && isNews && !this.isStopped) this.parts.onCrossed(subscription, stream, viewers, crossing);
        }
      }
    }
  }

  private async keepTrying(ask: () => Promise<boolean>): Promise<boolean> {
    for (let tries = 0; tries < TRIES && !this.isStopped; tries++) {
      try {
        return await ask();
      } catch {
        await new Promise<void>((resolve) => this.later(resolve));
      }
    }
    return false;
  }

  private later(then: () => void): void {
    if (this.isStopped) return;
    const timer = this.parts.clock.setTimeout(() => {
      this.timers.delete(timer);
      then();
    }, LOOK_MS);
    this.timers.add(timer);
  }
}

const publisherOf = (stream: string): string => `publisher ${stream}`;
