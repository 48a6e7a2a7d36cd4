import type { Clock, Logger, PolicyAttachment } from '@stream-sessions/core';
import type { Expiry } from '../rules/availability.js';
import type { Providers } from '../providers/providers.js';
import type { PassEvents, Speed } from '../types/book.js';
import type { Pass, PassStore } from '../types/store.js';

type Listeners = { [E in keyof PassEvents]: Set<(event: PassEvents[E]) => unknown> };

/** What all accounts of a book share. */
export class Desk {
  /** The trackers whose policies bill to this book. */
  readonly trackers = new Set<PolicyAttachment>();
  private readonly listeners: Listeners = {
    connected: new Set(),
    disconnected: new Set(),
    spent: new Set(),
    exhausted: new Set(),
  };

  constructor(
    readonly store: PassStore,
    readonly providers: Providers,
    readonly clock: Clock,
    readonly logger: Logger,
    readonly expiry: Expiry,
    /** Identifies this process and its start. */
    readonly writer: string,
    private readonly shortestPauseMs: number,
    public globalSpeed: Speed,
  ) {}

  /** A pause no longer than this counts as watched: never less than a tracker's idle timeout. */
  get pauseAfterMs(): number {
    let ms = this.shortestPauseMs;
    for (const tracker of this.trackers) ms = Math.max(ms, tracker.idleTimeoutMs());
    return ms;
  }

  /** The limits for viewers on this pass. */
  speedOf({ useGlobalSpeed, downMbits, upMbits }: Pass): Speed {
    return limited(useGlobalSpeed ? this.globalSpeed : { downMbits, upMbits });
  }

  on<E extends keyof PassEvents>(event: E, listener: (event: PassEvents[E]) => void): () => void {
    // The same function may listen twice; what it returns may be a promise.
    const own = (told: PassEvents[E]): unknown => listener(told);
    this.listeners[event].add(own);
    return () => void this.listeners[event].delete(own);
  }

  tell<E extends keyof PassEvents>(name: E, event: PassEvents[E]): void {
    for (const listener of this.listeners[name]) {
      try {
        const result = listener(event);
        if (result !== undefined) Promise.resolve(result).catch((error: unknown) => this.failed(name, error));
      } catch (error) {
        this.failed(name, error);
      }
    }
  }

  private failed(event: keyof PassEvents, error: unknown): void {
    this.logger.error({ err: error, event }, 'a listener of a pass book failed');
  }
}

/** A limit of 0 means none. */
function limited({ downMbits = 0, upMbits = 0 }: Speed): Speed {
  return { ...(downMbits > 0 && { downMbits }), ...(upMbits > 0 && { upMbits }) };
}
