import type { SourceChange } from '@stream-sessions/core';
import type { SourceTarget } from '../driver.js';
import type { Rule, SourcesSettings } from '../options.js';
import { Run } from './run.js';

/** What a source does now. */
export type SourceState = 'hibernated' | 'starting' | 'running' | 'stopping' | 'failed';

const LONGEST_PAUSE_MS = 60_000;
/** A source that has run for so long begins anew with its pauses; one that could not be stopped is asked again after it. */
const A_MINUTE = 60_000;

/** Told of every change. Nothing here throws. */
export interface SourceListener {
  changed(source: Source, change: SourceChange | undefined, detail: string | undefined): void;
}

/** The source of one stream: what it does, and since when. It starts and stops when it is told, and decides nothing. */
export class Source {
  state: SourceState = 'hibernated';
  /** Epoch milliseconds, as all times here. */
  since: number;
  /** When somebody watched, or asked for it. */
  watchedAt: number;
  /** Somebody has asked for media since the last check. */
  isAsked = false;
  /** It is to start as soon as there is room. */
  isWanted = false;
  /** What happened last. */
  detail: string | undefined;
  failures = 0;
  /** It has failed, and does not start again before. */
  retryAt = 0;
  stopAgainAt = 0;
  polledAt: number;
  private run: Run | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    readonly target: SourceTarget,
    readonly rule: Rule,
    private readonly settings: SourcesSettings,
    private readonly listener: SourceListener,
  ) {
    this.since = this.watchedAt = this.polledAt = settings.clock.now();
  }

  get stream(): string {
    return this.target.stream;
  }

  /** It takes one of the places there are. */
  get isUp(): boolean {
    return this.state === 'starting' || this.state === 'running' || this.state === 'stopping';
  }

  /** From `hibernated` or `failed`. */
  start(): void {
    const run = (this.run = new Run(this.target, this.rule, this.settings));
    this.isWanted = false;
    this.become('starting', 'waking');
    run
      .start((why) => this.run === run && this.fail(why))
      .then(
        () => {
          if (this.run === run) this.become('running', 'running');
        },
        (error: unknown) => {
          if (this.run === run) this.fail(error instanceof Error ? error.message : String(error));
        },
      );
  }

  /** It was found running: by a driver that knows, after a restart of ours. */
  adopt(): void {
    this.run = new Run(this.target, this.rule, this.settings);
    this.watchedAt = this.settings.clock.now();
    this.become('running', 'running', 'it was running already');
  }

  /** Another process decides about it: it runs there, or does not. */
  follow(runs: boolean): void {
    const state = runs ? 'running' : 'hibernated';
    if (this.state !== state) this.become(state);
  }

  /** From any state. Resolves when it is stopped, or could not be: then it is left as it is. */
  stop(detail?: string): Promise<void> {
    if (this.state === 'hibernated') return Promise.resolve();
    return (this.stopping ??= this.end(detail).finally(() => (this.stopping = undefined)));
  }

  /** Somebody else has stopped it. */
  lost(): void {
    this.fail('it was stopped by somebody else');
  }

  /** Ours is over: nothing that becomes of it is told any more. */
  release(): void {
    this.abandon('the sources are closed');
  }

  private async end(detail: string | undefined): Promise<void> {
    const { logger, clock } = this.settings;
    this.abandon('it is not wanted any more');
    this.become('stopping');
    try {
      await this.rule.driver.stop(this.target);
    } catch (error) {
      logger.error({ err: error, stream: this.stream, driver: this.rule.driver.name }, 'a source could not be stopped');
      this.stopAgainAt = clock.now() + A_MINUTE;
      this.run = new Run(this.target, this.rule, this.settings);
      return this.become('running');
    }
    this.failures = 0;
    this.become('hibernated', 'hibernated', detail);
  }

  private fail(why: string): void {
    const { clock, logger } = this.settings;
    const isFresh = this.state === 'running' && clock.now() - this.since >= A_MINUTE;
    this.abandon(why);
    this.failures = isFresh ? 1 : this.failures + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** Math.min(this.failures, 10));
    this.retryAt = Infinity; // until what is left of it is gone
    logger.warn({ stream: this.stream, driver: this.rule.driver.name, pauseMs }, `a source has failed: ${why}`);
    const retryAt = clock.now() + pauseMs;
    const gone = (): void => {
      if (this.retryAt === Infinity) this.retryAt = retryAt;
    };
    void Promise.resolve()
      .then(() => this.rule.driver.stop(this.target))
      .then(gone, gone);
    this.become('failed', 'failed', why);
  }

  /** What its run says from now on is not about this source any more. */
  private abandon(why: string): void {
    const { run } = this;
    this.run = undefined;
    run?.end(why);
  }

  private become(state: SourceState, change?: SourceChange, detail?: string): void {
    this.state = state;
    this.since = this.settings.clock.now();
    this.detail = detail;
    this.listener.changed(this, change, detail);
  }
}
