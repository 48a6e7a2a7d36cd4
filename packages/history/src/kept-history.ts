import { keepAlive, needDirectory } from '@stream-sessions/core/spi';
import type { SessionDirectory } from '@stream-sessions/core';
import { migrate } from './migrate.js';
import type { CheckedOptions } from './options.js';
import { erase } from './privacy/erase.js';
import type { Privacy } from './privacy/privacy.js';
import { concurrencyOf, summaryOf, topStreamsOf, viewersOf } from './query/figures.js';
import { checkText } from './query/filter.js';
import { eachVisit, oneVisit, pageOfVisits } from './query/visits.js';
import type { SqlEngine } from './types/engine.js';
import type { History, HistoryStats } from './types/history.js';
import type { Journal } from './write/journal.js';
import { Maintenance } from './write/maintenance.js';
import { Recorder } from './write/recorder.js';
import { RollUp } from './write/roll-up.js';
import { Store } from './write/store.js';
import { Writer } from './write/writer.js';

const DAY = 24 * 60 * 60_000;
const STOP_MS = 10_000;

/** Connects the parts: events go into the journal, from there into the database, and are counted there. */
export class KeptHistory implements History {
  private readonly recorders = new Set<Recorder>();
  private readonly store: Store;
  private readonly writer: Writer;
  private readonly rollUp: RollUp;
  private readonly maintenance: Maintenance;
  private stopping: Promise<void> | undefined = undefined;

  /** @param isReady The tables exist. */
  constructor(
    private readonly engine: SqlEngine,
    private readonly journal: Journal,
    private readonly privacy: { readonly now: Privacy; readonly later: Privacy | undefined },
    private readonly settings: CheckedOptions,
    id: string,
    private isReady: boolean,
  ) {
    const { clock, logger, later, retention, lostAfterMs } = settings;
    this.store = new Store(engine, id, logger);
    this.rollUp = new RollUp(engine, clock, logger);
    this.maintenance = new Maintenance(
      engine,
      id,
      retention,
      lostAfterMs,
      later && privacy.later && { privacy: privacy.later, afterDays: later.afterDays },
      () => this.rollUp.all(),
      clock,
      logger,
    );
    this.writer = new Writer(
      journal,
      async (records) => {
        await this.prepare();
        await this.store.write(records);
        this.rollUp.want();
      },
      clock,
      logger,
    );
    this.maintenance.start();
    // left by an earlier process
    if (!journal.isEmpty) this.writer.start();
    if (isReady) this.rollUp.want();
  }

  attach(directory: SessionDirectory): () => void {
    needDirectory('attach(): the first argument', directory);
    const { progressMs, clock } = this.settings;
    const added = (): void => this.writer.start();
    const { journal, privacy } = this;
    const recorder = new Recorder({ directory, journal, privacy: privacy.now, progressMs, clock, added });
    this.recorders.add(recorder);
    return () => {
      this.recorders.delete(recorder);
      recorder.stop();
    };
  }

  readonly visits: History['visits'] = (filter = {}) => pageOfVisits(this.engine, filter);

  readonly visit: History['visit'] = (id, openedAt) => oneVisit(this.engine, id, openedAt);

  readonly exportVisits: History['exportVisits'] = (filter = {}) => eachVisit(this.engine, filter);

  readonly summary: History['summary'] = async (query) => summaryOf(this.engine, query, this.minutesSince());

  readonly concurrency: History['concurrency'] = async (query) =>
    concurrencyOf(this.engine, query, this.minutesSince());

  readonly topStreams: History['topStreams'] = async (query) => topStreamsOf(this.engine, query, this.minutesSince());

  readonly broadcast: History['broadcast'] = async (id, openedAt) => {
    const publisher = await this.visit(id, openedAt);
    if (publisher?.kind !== 'input') return undefined;
    const { stream, openedAt: from, endedAt: to } = publisher;
    const [summary, uniques] = await Promise.all([
      this.summary({ stream, from, to }),
      viewersOf(this.engine, publisher),
    ]);
    return { publisher, summary, uniques };
  };

  readonly export: History['export'] = ({ user }) => {
    // without a user, it would export everyone's visits
    checkText('user', user);
    return eachVisit(this.engine, { user });
  };

  readonly erase: History['erase'] = async ({ user }) => {
    checkText('user', user);
    await this.writer.idle();
    return erase(this.engine, user);
  };

  async tidy(): Promise<void> {
    await this.prepare();
    await this.maintenance.tend();
    await this.maintenance.tidy();
  }

  stats(): HistoryStats {
    const { size, lost } = this.journal;
    return { journalBytes: size, lost, refused: this.store.refused, error: this.writer.lastError };
  }

  async flushed(): Promise<void> {
    await Promise.all([...this.recorders].map(({ begun }) => begun));
    await this.writer.idle();
    await this.rollUp.all();
  }

  stop({ timeoutMs = STOP_MS }: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    this.stopping ??= this.end(timeoutMs);
    return this.stopping;
  }

  private async end(timeoutMs: number): Promise<void> {
    for (const recorder of this.recorders) recorder.stop();
    // A database that does not respond blocks nothing: what it does not take stays in the journal.
    await this.within(timeoutMs, this.flushed());
    await this.within(STOP_MS, Promise.all([this.writer.stop(), this.rollUp.stop(), this.maintenance.stop()]));
    await this.journal.close();
    await this.within(STOP_MS, this.engine.close());
  }

  private async within(ms: number, work: Promise<unknown>): Promise<void> {
    const { clock } = this.settings;
    let timer: unknown;
    const late = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, ms)));
    keepAlive(timer);
    await Promise.race([work.catch(() => undefined), late]);
    clock.clearTimeout(timer);
  }

  /**
   * The time from which minutes are kept, along with the visits for what minutes do not tell: months are dropped as a whole, so
   * there may be more.
   */
  private minutesSince(): number {
    const { clock, retention } = this.settings;
    const days = Math.min(retention.minutes, retention.visits);
    return Number.isFinite(days) ? clock.now() - days * DAY : 0;
  }

  /** @throws errors of the database */
  private async prepare(): Promise<void> {
    if (this.isReady) return;
    await migrate(this.engine);
    this.isReady = true;
  }
}
