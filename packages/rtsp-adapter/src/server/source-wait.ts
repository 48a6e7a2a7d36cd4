import type { Clock, SourceGate } from '@stream-sessions/core';
import { systemClock } from '@stream-sessions/core/spi';
import type { Streams } from '../relay/streams.js';

/** A running source still has to publish: ffmpeg takes a moment to do so. Milliseconds. */
const PUBLISHES_MS = 2_000;

/** The outcome of a player's wait for its stream. `asleep`: try again. */
export type OnAir = 'on air' | 'asleep' | 'absent';

/** Holds one admitted player until its stream is published, if something starts the source for it. */
export class SourceWaits {
  private stop: () => void = () => undefined;

  constructor(
    private readonly streams: Streams,
    private readonly ready: SourceGate | undefined,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Whether it makes sense to wait for a stream: it is on air, or may start. */
  mayCome(stream: string): boolean {
    return this.isOnAir(stream) || this.ready?.manages(stream) === true;
  }

  async until(stream: string): Promise<OnAir> {
    if (this.isOnAir(stream)) return 'on air';
    if (this.ready?.manages(stream) !== true) return 'absent';
    const published = this.published(stream);
    const wait = this.ready(stream);
    const leave = this.stop;
    this.stop = () => {
      wait?.cancel();
      leave();
    };
    const runs = await Promise.race([published, wait ?? true]);
    if (!this.isOnAir(stream) && runs) await this.inTime(published);
    this.cancel();
    return this.isOnAir(stream) ? 'on air' : 'asleep';
  }

  /** The player has gone. */
  cancel(): void {
    this.stop();
    this.stop = () => undefined;
  }

  /** Resolves when somebody publishes it, or with false if the player has gone. */
  private published(stream: string): Promise<boolean> {
    return new Promise((resolve) => {
      const forget = this.streams.whenPublished(stream, () => resolve(true));
      this.stop = () => {
        forget();
        resolve(false);
      };
    });
  }

  private async inTime(published: Promise<boolean>): Promise<void> {
    let timer: unknown;
    const late = new Promise((resolve) => (timer = this.clock.setTimeout(() => resolve(false), PUBLISHES_MS)));
    await Promise.race([published, late]);
    this.clock.clearTimeout(timer);
  }

  private isOnAir(stream: string): boolean {
    return this.streams.get(stream)?.source !== undefined;
  }
}
