import type { Clock } from '@stream-sessions/core';
import { Deadlines } from '@stream-sessions/core/spi';
import { linkFailed, wordsOf } from '../errors.js';

/** The most unanswered steps: they would queue up without bound while nobody answers. */
const MAX_PENDING = 10_000;
/** Pauses between attempts. Milliseconds. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

const CLOSED = Symbol('closed');

export const linkClosed = (): Error => linkFailed('it is closed', CLOSED);

/** Whether no attempt will succeed any more, because the link has been closed. */
export const isLinkClosed = (error: unknown): boolean => (error as { cause?: unknown } | null)?.cause === CLOSED;

export interface AttemptsParts {
  /** What has to answer, for messages. */
  readonly at: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether another attempt may succeed. */
  readonly mayPass: (error: unknown) => boolean;
  readonly asError: (error: unknown) => Error;
}

interface Trying {
  isOver: boolean;
  /** Why the last attempt has failed: who waits in vain needs to know. */
  failure: unknown;
}

/** Retries errors that may pass, until the time is up. */
export class Attempts {
  private pending = 0;
  private isClosed = false;
  private readonly deadlines: Deadlines;

  constructor(private readonly parts: AttemptsParts) {
    this.deadlines = new Deadlines(parts.timeoutMs, parts.clock);
  }

  make<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { at, timeoutMs, asError } = this.parts;
    if (this.isClosed) return Promise.reject(linkClosed());
    if (this.pending >= MAX_PENDING) return Promise.reject(linkFailed(`${this.pending} steps wait for ${at} already`));
    this.pending++;
    return new Promise<T>((resolve, reject) => {
      const trying: Trying = { isOver: false, failure: undefined };
      const waiting = this.deadlines.add(() => {
        trying.isOver = true;
        const { failure } = trying;
        const why = failure === undefined ? '' : ` (the last attempt: ${wordsOf(failure)})`;
        reject(linkFailed(`${at} has not answered ${name} within ${timeoutMs} ms${why}. It may still happen`, failure));
      });
      this.tries(work, trying)
        .then(resolve, (error) => reject(asError(error)))
        .finally(() => {
          this.pending--;
          this.deadlines.remove(waiting);
        });
    });
  }

  /** Nothing is retried, and nothing new is started. */
  close(): void {
    this.isClosed = true;
  }

  private async tries<T>(work: () => Promise<T>, trying: Trying): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await work();
      } catch (error) {
        if (trying.isOver || this.isClosed || !this.parts.mayPass(error)) throw error;
        trying.failure = error;
      }
      await new Promise<void>((resolve) => void this.parts.clock.setTimeout(resolve, pauseMs));
    }
  }
}
