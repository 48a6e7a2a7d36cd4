import type { Clock, Logger } from '@stream-sessions/core';
import type { JournalRecord } from '../types/visit-row.js';
import type { Journal } from './journal.js';

/** Records that arrive within this time are written together. Milliseconds. */
const GATHER_MS = 50;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Moves the journal into the database, segment by segment, however long the database is unreachable. */
export class Writer {
  /** The last write error, while it persists. */
  lastError: Error | undefined = undefined;
  private running: Promise<void> | undefined = undefined;
  private isOver = false;
  private wake: (() => void) | undefined = undefined;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly journal: Pick<Journal, 'oldest' | 'seal' | 'done' | 'isEmpty' | 'isBehind'>,
    private readonly write: (records: readonly JournalRecord[]) => Promise<void>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** There is something in the journal. */
  start(): void {
    if (!this.isOver) this.running ??= this.run();
  }

  /** Resolves when the journal is empty. */
  async idle(): Promise<void> {
    if (this.journal.isEmpty || this.isOver) return;
    const isEmpty = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.start();
    this.wake?.();
    await isEmpty;
  }

  /** The current write is finished; the rest waits for the next process. */
  async stop(): Promise<void> {
    this.isOver = true;
    this.wake?.();
    await this.running;
    this.makeKnown();
  }

  private async run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    if (this.waiting.length === 0) await this.pause(GATHER_MS);
    for (let part = this.journal.oldest(); part !== undefined && !this.isOver; part = this.journal.oldest()) {
      try {
        this.journal.seal();
        await this.write(await part.read());
        await this.journal.done(part);
        if (this.lastError !== undefined) this.logger.info({}, 'history is written again');
        this.lastError = undefined;
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (this.lastError === undefined)
          this.logger.warn({ err: error }, 'history cannot be written: events wait in the journal');
        this.lastError = error as Error;
        await this.pause(retryMs);
        retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
        continue;
      }
      if (this.waiting.length === 0 && !this.journal.isBehind) await this.pause(GATHER_MS);
    }
    this.running = undefined;
    if (this.journal.isEmpty) this.makeKnown();
  }

  private makeKnown(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
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
