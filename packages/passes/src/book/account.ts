import type { PlaySession } from '@stream-sessions/core';
import { clockOffset } from '@stream-sessions/core/spi';
import type { Desk } from './desk.js';
import { lend } from './lending.js';
import { type Payer, Till } from './till.js';
import type { Visit } from './visit.js';

/** A clock that is further off than this was set, or stood still. Milliseconds. */
const CLOCK_WAS_SET_MS = 1_000;
/** A succeeding pass begins when something happens: how often this is checked. Milliseconds. */
const LOOK_FOR_START_MS = 1_000;

/** One owner who is watching: the visits, the passes that pay for them, and until when that has been billed. */
export class Account {
  readonly till: Till;
  readonly visits = new Set<Visit>();
  /** Admissions that are waiting for an answer. */
  asking = 0;
  /** Set while its providers are being asked. */
  loading: Promise<void> | undefined = undefined;
  /** None of the providers asked most recently has answered. */
  providersFailed = false;
  /** The pass that was paying when its providers were last asked. */
  paidBy: string | undefined = undefined;
  /** When to look at its visits, epoch milliseconds. */
  lookAt = Infinity;
  /** Until when watching has been billed, in epoch milliseconds. */
  private billed = -Infinity;
  /** When watching began after the last pause. */
  private openedAt = -Infinity;
  /** All its visits are about to be looked at. */
  private isLookDue = false;
  /** A pass was left at the last look. */
  private hadPayer = false;
  /** The wall clock minus the monotonic clock. */
  private offset: number;

  constructor(
    readonly owner: string,
    private readonly desk: Desk,
  ) {
    this.till = new Till(desk.expiry);
    this.offset = clockOffset(desk.clock);
  }

  /** True if nothing would be lost by closing it. */
  isIdle(now: number): boolean {
    if (this.visits.size > 0 || this.asking > 0) return false;
    return now - this.billed > this.desk.pauseAfterMs && this.till.tabs.every((tab) => tab.isSaved);
  }

  /** Something was served to one of its visits. */
  get isWatching(): boolean {
    for (const { isServed } of this.visits) if (isServed) return true;
    return false;
  }

  /** The pass that would pay for a visit that opens now, or pays for the existing ones. */
  payer(now: number): Payer {
    this.followClock(now);
    return this.till.payerAt(this.billedFrom(now, now), now);
  }

  /**
   * A viewer is refused because it came too late: the remaining time was used up by the pause until then, which counts as
   * watched.
   */
  refuse({ until }: Payer, now: number): void {
    const from = this.billedFrom(now, now);
    if (this.isWatching || from >= now) return;
    this.billed = Math.min(until, now);
    this.till.charge(from, this.billed, 0, from);
    this.tellOver(now);
    void this.save();
  }

  join(visit: Visit): void {
    const { id, openedAt } = visit.session;
    for (const other of this.visits) {
      // Until now, another policy on the same tracker has billed it.
      if (other.session.id === id && other.session.openedAt === openedAt) this.visits.delete(other);
    }
    this.visits.add(visit);
    this.billVisit(visit, this.desk.clock.now());
    visit.tracker.review(id);
    this.lookAtAll();
  }

  /** The visit has ended at its last activity, with this many bytes. */
  leave(visit: Visit, session: PlaySession, endedAt: number, bytes: number): void {
    if (!this.visits.has(visit)) return;
    const now = this.desk.clock.now();
    this.followClock(now);
    if (!visit.isServed && session.closeReason !== 'not_served') this.begin(visit, now);
    this.visits.delete(visit);
    if (visit.isServed) {
      this.charge(Math.min(endedAt, now), bytes - visit.bytes);
      this.tellOver(now);
      this.desk.tell('disconnected', { owner: this.owner, session, pass: this.till.lastUsed?.pass });
    }
    void this.save();
    this.lookAtAll();
  }

  /** Bills the visit, and determines when to look at it again. */
  look(visit: Visit): Payer {
    const now = this.desk.clock.now();
    this.isLookDue = false;
    this.billVisit(visit, now);
    this.tellOver(now);
    const payer = this.payer(now);
    const { tab, until } = payer;
    this.lookAt = tab === undefined ? Infinity : until;
    if (tab?.pass.startedAt === null) this.lookAt = Math.min(this.lookAt, now + LOOK_FOR_START_MS);
    // If the pass of one visit runs out, all of them end at once.
    if (tab === undefined && this.hadPayer) this.lookAtAll(visit);
    this.hadPayer = tab !== undefined;
    lend(visit, this.visits, tab?.pass);
    return payer;
  }

  /** Schedules a look at all its visits in the next turn of the event loop. */
  lookAtAll(except?: Visit): void {
    if (this.isLookDue) return;
    for (const visit of this.visits) {
      if (visit === except) continue;
      this.isLookDue = true;
      // What was lent is taken back: each visit gets its share of what is left now.
      visit.limit = visit.bytes;
      visit.tracker.review(visit.session.id);
    }
  }

  /** A pass is added or changes: what was watched before is not affected by that. */
  beforeChange(now: number): void {
    this.bill(now);
    if (this.isWatching && !this.hadPayer) this.billed = Math.max(this.billed, now);
  }

  /** Bills what all of its visits have watched until now. */
  bill(now: number): void {
    for (const visit of this.visits) this.billVisit(visit, now);
    this.tellOver(now);
  }

  /** Stores what was spent; what cannot be stored is retried the next time. */
  async save(): Promise<void> {
    for (const tab of this.till.tabs) {
      try {
        while (!tab.isSaved) {
          const answer = tab.save();
          const isAsExpected = answer instanceof Promise ? await answer : answer;
          this.desk.tell('spent', { owner: this.owner, pass: tab.pass });
          if (!isAsExpected) this.lookAtAll();
        }
      } catch (error) {
        this.desk.logger.error({ err: error, pass: tab.id }, 'a pass could not be saved; it will be tried again');
      }
    }
  }

  private billVisit(visit: Visit, now: number): void {
    const { session, tracker } = visit;
    this.followClock(now);
    if (!visit.isServed) {
      if (!tracker.isServed(session.id)) return;
      this.begin(visit, now);
    }
    const activeAt = tracker.activeAt(session.id);
    const bytes = tracker.bytesOf(session.id);
    if (activeAt === undefined || bytes === undefined) {
      // It ended while its policy was not configured.
      this.visits.delete(visit);
      return;
    }
    const flowed = bytes - visit.bytes;
    visit.bytes = bytes;
    this.charge(Math.min(activeAt, now), flowed);
  }

  private begin(visit: Visit, now: number): void {
    const from = this.billedFrom(visit.since, now);
    if (!this.isWatching) this.openedAt = visit.since;
    visit.isServed = true;
    this.billed = Math.max(from, visit.since);
    this.till.charge(from, this.billed, 0, this.openedAt);
    this.desk.tell('connected', { owner: this.owner, session: visit.session, pass: this.till.lastUsed?.pass });
    void this.save();
  }

  /**
   * From when an owner who is active at `at` is billed: since the last activity, if somebody has been watching or that was not
   * long ago.
   */
  private billedFrom(at: number, now: number): number {
    if (this.isWatching) return this.billed;
    const last = Math.max(this.billed, this.till.billedUntil(now));
    return at - last <= this.desk.pauseAfterMs ? last : at;
  }

  private charge(until: number, bytes: number): void {
    const to = Math.max(until, this.billed);
    if (to > this.billed || bytes > 0) this.till.charge(this.billed, to, Math.max(0, bytes), this.openedAt);
    this.billed = to;
  }

  private tellOver(now: number): void {
    for (const { tab, over } of this.till.newlyOver(now)) {
      this.desk.tell('exhausted', { owner: this.owner, pass: tab.pass, reason: over });
    }
  }

  /** Does not bill time that did not really pass because the clock was set or the machine slept. */
  private followClock(now: number): void {
    const offset = clockOffset(this.desk.clock);
    const shift = offset - this.offset;
    if (Math.abs(shift) < CLOCK_WAS_SET_MS) return;
    this.offset = offset;
    this.billed = Math.min(now, this.billed + shift);
  }
}
