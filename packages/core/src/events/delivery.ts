import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { EventSink, SinkGap, SinkOptions } from '../types/event.js';
import type { WireEvent } from '../types/wire.js';

const ONCE = { tries: 1, delayMs: 0 };
const LONGEST_DELAY_MS = 60_000;

/** Delivers batches to a sink, retrying as the retry rule says. Never rejects. */
export class Delivery {
  private isOver = false;
  private wake: (() => void) | undefined = undefined;

  constructor(
    private readonly sink: EventSink,
    private readonly retry: NonNullable<SinkOptions['retry']> = ONCE,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Returns false when all attempts have failed and the batch is lost. */
  async write(batch: readonly WireEvent[]): Promise<boolean> {
    let { delayMs } = this.retry;
    for (let tries = 1; ; tries++) {
      try {
        await this.sink.write(batch);
        return true;
      } catch (error) {
        const facts = { err: error, sink: this.sink.name, events: batch.length, tries };
        if (tries >= this.retry.tries || this.isOver) {
          this.logger.error(facts, 'a sink failed; its batch is lost');
          return false;
        }
        this.logger.warn(facts, 'a sink failed; its batch is tried again');
      }
      await this.pause(delayMs);
      delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS);
    }
  }

  /** Tells the sink which events it will not receive. */
  async tell(gap: SinkGap): Promise<void> {
    this.logger.warn({ sink: this.sink.name, ...gap }, 'events were lost before they reached a sink');
    try {
      await this.sink.gap?.(gap);
    } catch (error) {
      this.logger.error({ err: error, sink: this.sink.name }, 'a sink failed in gap()');
    }
  }

  /** From now on, a batch that fails is not retried. */
  giveUp(): void {
    this.isOver = true;
    this.wake?.();
  }

  private pause(ms: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(resolve, ms);
      this.wake = () => {
        this.clock.clearTimeout(timer);
        resolve();
      };
    });
  }
}
