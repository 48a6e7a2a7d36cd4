import type { SourceChange } from '@stream-sessions/core';
import { momentOf, type Moment } from '@stream-sessions/core/spi';
import type { SourceTarget } from '../driver.js';
import type { Rule, SourcesSettings } from '../options.js';
import { withoutSecrets } from '../without-secrets.js';
import { stopped } from './drivers.js';
import { later, LONG_AGO, msSince, NEVER } from './moment.js';
import { Run, textOf } from './run.js';

/** What a source is doing now. */
export type SourceState = 'hibernated' | 'starting' | 'running' | 'stopping' | 'failed';

const LONGEST_PAUSE_MS = 60_000;
/**
 * Once a source has run for this long, its pauses start over; one that could not be stopped is retried after this long.
 * Milliseconds.
 */
const A_MINUTE = 60_000;

/** Notified of every change. Must not throw. */
export interface SourceListener {
  changed(source: Source, change: SourceChange | undefined, detail: string | undefined): void;
  /** The driver has completed a start that was given up. */
  late(source: Source): void;
}

/** The source of one stream: its state, and since when. It starts and stops when told to, and decides nothing. */
export class Source {
  state: SourceState = 'hibernated';
  since: Moment;
  /** When it was last watched or asked for. */
  watchedAt: Moment;
  /** A client has requested media since the last check. */
  isAsked = false;
  /** Somebody was watching or waiting at the last check, or has come since; undefined: somebody has left since. */
  isWatched: boolean | undefined = false;
  /** It is to start as soon as there is room. */
  isWanted = false;
  /** What happened last, without the secrets of its driver. */
  detail: string | undefined;
  failures = 0;
  /** It has failed, and does not start again before this time. */
  retryAt = LONG_AGO;
  stopAgainAt = LONG_AGO;
  polledAt: Moment;
  private run: Run | undefined;
  private stopping: Promise<void> | undefined;
  private pauseEndsAt = LONG_AGO;
  /** What is left of failed runs is being stopped. */
  private resting: Promise<void> = Promise.resolve();

  constructor(
    readonly target: SourceTarget,
    readonly rule: Rule,
    private readonly settings: SourcesSettings,
    private readonly listener: SourceListener,
  ) {
    this.since = this.watchedAt = this.polledAt = momentOf(settings.clock);
  }

  get stream(): string {
    return this.target.stream;
  }

  /** True if it takes up one of the places. */
  get isUp(): boolean {
    return this.state === 'starting' || this.state === 'running' || this.state === 'stopping';
  }

  /** Allowed in the states `hibernated` and `failed`. */
  start(): void {
    const run = (this.run = this.newRun());
    this.isWanted = false;
    this.become('starting', 'waking');
    run
      .start((why) => this.run === run && this.fail(why))
      .then(
        () => {
          if (this.run === run) this.become('running', 'running');
        },
        (error: unknown) => {
          if (this.run === run) this.fail(textOf(error));
        },
      );
  }

  /** The driver found it running, for example after we restarted. */
  adopt(): void {
    this.run = this.newRun();
    this.watchedAt = momentOf(this.settings.clock);
    this.become('running', 'running', 'it was running already');
  }

  /** Another process decides about it: it is running there, or is not. */
  follow(runs: boolean): void {
    const state = runs ? 'running' : 'hibernated';
    if (this.state !== state) this.become(state);
  }

  /** Allowed in any state. Resolves when it has stopped; if it could not be stopped, it is left as it is. */
  stop(detail?: string): Promise<void> {
    if (this.state === 'hibernated') return Promise.resolve();
    return this.ending(detail);
  }

  /** Somebody else has stopped it. */
  lost(): void {
    this.fail('it was stopped by somebody else');
  }

  /** Stops what a start has begun after it was given up, unless it runs by now because it is wanted again. */
  async clear(): Promise<void> {
    await this.stopping; // it may have come too early
    if (this.state === 'failed') this.stopRest();
    else if (this.state === 'hibernated') await this.ending();
  }

  /** The sources are being closed: nothing that happens to it is reported any more. */
  release(): void {
    this.abandon('the sources are closed');
  }

  private newRun(): Run {
    return new Run(this.target, this.rule, this.settings, () => this.listener.late(this));
  }

  private ending(detail?: string): Promise<void> {
    return (this.stopping ??= this.end(detail).finally(() => (this.stopping = undefined)));
  }

  private async end(detail?: string): Promise<void> {
    const { logger, clock } = this.settings;
    const isNews = this.state !== 'hibernated';
    this.abandon('it is not wanted any more');
    this.become('stopping');
    try {
      await stopped(this.rule, this.target, this.settings);
    } catch (error) {
      logger.error({ err: error, stream: this.stream, driver: this.rule.driver.name }, 'a source could not be stopped');
      this.stopAgainAt = later(momentOf(clock), A_MINUTE);
      this.run = this.newRun();
      return this.become('running');
    }
    this.failures = 0;
    this.become('hibernated', isNews ? 'hibernated' : undefined, detail);
  }

  private fail(why: string): void {
    const { clock, logger } = this.settings;
    const now = momentOf(clock);
    const isFresh = this.state === 'running' && msSince(this.since, now) >= A_MINUTE;
    this.abandon(why);
    this.failures = isFresh ? 1 : this.failures + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** Math.min(this.failures, 10));
    this.pauseEndsAt = later(now, pauseMs);
    logger.warn({ stream: this.stream, driver: this.rule.driver.name, pauseMs }, `a source has failed: ${why}`);
    this.stopRest();
    this.become('failed', 'failed', why);
  }

  /** It does not start again until what is left of it is gone. */
  private stopRest(): void {
    this.retryAt = NEVER;
    const resting = (this.resting = this.resting
      .then(() => stopped(this.rule, this.target, this.settings))
      .catch(() => undefined)
      .then(() => {
        if (this.resting === resting) this.retryAt = this.pauseEndsAt;
      }));
  }

  /** Whatever its run reports from now on no longer concerns this source. */
  private abandon(why: string): void {
    const { run } = this;
    this.run = undefined;
    run?.end(why);
  }

  private become(state: SourceState, change?: SourceChange, detail?: string): void {
    this.state = state;
    this.since = momentOf(this.settings.clock);
    this.detail = detail === undefined ? undefined : withoutSecrets(detail);
    this.listener.changed(this, change, this.detail);
  }
}
