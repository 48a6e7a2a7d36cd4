import { toRecord as toDenialRecord } from '../denials/denial-record.js';
import type { DenialEntry } from '../denials/denial-entry.js';
import type { DenialJournal } from '../denials/denial-table.js';
import type { Registry } from '../registry/registry.js';
import type { SessionJournal } from '../registry/session-journal.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import { monotonic, type Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { StateChange, StateStore } from '../types/state.js';
import { CLOCK_KEY, denialKey, progressKey, recordKey, sessionKey } from './keys.js';
import { clockRecord } from '../support/passed-time.js';
import { toProgress, toRecord } from './session-record.js';

/** Changes are given to the store this long after the first of them. Milliseconds. */
const SAVE_AFTER_MS = 50;
/**
 * Progress is stored every five seconds for up to 16,000 sessions. With more, it takes as long as this rate requires: for 100,000
 * sessions, twice a minute.
 */
const PROGRESS_MS = 5_000;
const PROGRESS_PER_SECOND = 3_334;
const TICK_MS = 250;
const CLOCK_MS = 30_000;
/** Delays before retrying a store that failed: the first one doubles up to the second. Milliseconds. */
const RETRY_MS = [1_000, 10_000] as const;
/** The most changes that wait for a failing store; beyond that, ends are no longer recorded. */
const MAX_WAITING = 1_000_000;

/** The parts that `StateWriter` works with. */
export interface StateWriterParts {
  readonly store: StateStore;
  readonly registry: Registry;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called each time the store has been given changes. */
  readonly onSaved: () => void;
}

/**
 * Gives the store what has changed: at once when a session opens, ends or changes its names, or when a denial is made or lifted;
 * and periodically everyone's progress, by walking over the sessions, so that no hit pays for it.
 */
export class StateWriter implements SessionJournal, DenialJournal {
  private readonly sessions = new Set<Session>();
  /** Values by key; undefined for deleted keys. */
  private readonly changes = new Map<string, unknown>();
  private timer: unknown = undefined;
  private ticking: unknown = undefined;
  private saving: Promise<void> | undefined = undefined;
  private retryMs = 0;
  /** Nothing may be saved, either not yet or no longer. */
  private isShut = true;
  /** Nothing will be saved any more. */
  private isOver = false;
  /** State of the walk: the last session visited, when it began (by both clocks), and when the previous one began. */
  private walkedTo: Session | undefined = undefined;
  private walkBegan: number;
  private walkBeganAt: number;
  private changedSince = -Infinity;
  private clockNotedAt = -Infinity;

  constructor(private readonly parts: StateWriterParts) {
    this.walkBegan = parts.clock.now();
    this.walkBeganAt = monotonic(parts.clock);
  }

  start(): void {
    const { clock } = this.parts;
    const tick = (): void => {
      this.walk();
      this.ticking = clock.setTimeout(tick, TICK_MS);
    };
    this.isShut = false;
    this.changes.set(CLOCK_KEY, clockRecord(clock));
    this.saveSoon();
    tick();
  }

  changed(session: Session): void {
    this.sessions.add(session);
    this.saveSoon();
  }

  gone({ id }: Session): void {
    this.note(sessionKey(id), undefined);
    this.note(progressKey(id), undefined);
  }

  added(entry: DenialEntry): void {
    if (!entry.endsWithSession)
      this.note(denialKey(entry.denialId), toDenialRecord(entry, this.parts.settings.hash.keyId));
  }

  deleted({ denialId }: DenialEntry): void {
    this.note(denialKey(denialId), undefined);
  }

  /** A record of a package. Undefined deletes it. */
  record(owner: string, id: string, value: unknown): void {
    if (!this.isOver) this.note(recordKey(owner, id), value);
  }

  /** Resolves when everything that has changed so far is in the store, or the store has failed to take it. */
  async saved(): Promise<void> {
    await this.saving; // it may have begun earlier
    if (this.hasChanges && !this.isShut) await this.save();
    else await this.saving; // another caller that waits has started it
  }

  /** Nothing can be saved. */
  giveUp(): void {
    this.isShut = this.isOver = true;
    this.sessions.clear();
    this.changes.clear();
  }

  /** Stores every session once more and closes the store. Resolves even if that fails. */
  async close(): Promise<void> {
    const { clock, registry, store, logger } = this.parts;
    for (const timer of [this.timer, this.ticking]) if (timer !== undefined) clock.clearTimeout(timer);
    if (!this.isShut) {
      for (const session of registry.listed()) this.changes.set(progressKey(session.id), toProgress(session));
      this.changes.set(CLOCK_KEY, clockRecord(clock));
      await this.saved();
    }
    this.isShut = this.isOver = true;
    if (this.timer !== undefined) clock.clearTimeout(this.timer);
    try {
      await store.close();
    } catch (error) {
      logger.error({ err: error }, 'the state store failed to close');
    }
  }

  private get hasChanges(): boolean {
    return this.sessions.size > 0 || this.changes.size > 0;
  }

  private note(key: string, value: unknown): void {
    if (value === undefined && this.changes.size >= MAX_WAITING) return;
    this.changes.set(key, value);
    this.saveSoon();
  }

  private saveSoon(): void {
    if (this.timer !== undefined || this.saving !== undefined || this.isShut) return;
    this.timer = this.parts.clock.setTimeout(() => void this.save(), Math.max(SAVE_AFTER_MS, this.retryMs));
  }

  private save(): Promise<void> {
    if (this.timer !== undefined) this.parts.clock.clearTimeout(this.timer);
    this.timer = undefined;
    return (this.saving ??= this.saveAll().finally(() => {
      this.saving = undefined;
      if (this.hasChanges) this.saveSoon();
    }));
  }

  private async saveAll(): Promise<void> {
    const changes = this.take();
    try {
      await this.parts.store.save(changes);
      if (this.retryMs > 0) this.parts.logger.info({}, 'the state store takes changes again');
      this.retryMs = 0;
    } catch (error) {
      if (this.retryMs === 0) {
        this.parts.logger.error(
          { err: error },
          'the state store failed; a restart now would lose what changes until it works',
        );
      }
      this.retryMs = Math.min(Math.max(RETRY_MS[0], 2 * this.retryMs), RETRY_MS[1]);
      for (const [key, value] of changes) if (!this.changes.has(key)) this.changes.set(key, value);
    }
    this.parts.onSaved();
  }

  private take(): StateChange[] {
    const { settings } = this.parts;
    for (const session of this.sessions) {
      if (session.isClosed) continue;
      this.changes.set(sessionKey(session.id), toRecord(session, settings));
      this.changes.set(progressKey(session.id), toProgress(session));
    }
    this.sessions.clear();
    const changes = [...this.changes];
    this.changes.clear();
    return changes;
  }

  /** Without it, the age of the other records would be unknown. */
  private noteClock(at: number): void {
    if (at - this.clockNotedAt < CLOCK_MS) return;
    this.clockNotedAt = at;
    this.note(CLOCK_KEY, clockRecord(this.parts.clock));
  }

  /** Visits some of the sessions, so that each is visited once per period. */
  private walk(): void {
    const { registry, clock } = this.parts;
    if (this.walkedTo === undefined) {
      const at = monotonic(clock);
      if (at - this.walkBeganAt < PROGRESS_MS) return;
      this.walkBeganAt = at;
      const now = clock.now();
      // the clock may have been set back
      this.changedSince = Math.min(this.walkBegan, now);
      this.walkBegan = now;
      this.noteClock(at);
    }
    let left = Math.ceil((PROGRESS_PER_SECOND * TICK_MS) / 1_000);
    let last: Session | undefined;
    registry.live.walk(this.walkedTo, (session) => {
      last = session;
      if (session.updatedAt >= this.changedSince) this.note(progressKey(session.id), toProgress(session));
      return --left > 0;
    });
    this.walkedTo = left > 0 ? undefined : last;
  }
}
