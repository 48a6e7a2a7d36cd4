import type { PlaySession } from '@stream-sessions/core';
import type { Desk } from './desk.js';
import { lend } from './lending.js';
import { type Payer, Till } from './till.js';
import type { Visit } from './visit.js';

/** A clock that is further from where it should be was set, or stood still. */
const CLOCK_WAS_SET_MS = 1_000;
/** A pass that takes over begins when something happens: how often that is looked for. */
const LOOK_FOR_START_MS = 1_000;

/** One owner who watches: whose visits, on which passes, and until when that is billed. */
export class Account {
  readonly till: Till;
  readonly visits = new Set<Visit>();
  /** Admissions that wait for an answer. */
  asking = 0;
  /** Its providers are being asked. */
  loading: Promise<void> | undefined = undefined;
  /** None of the providers that were asked last has answered. */
  providersFailed = false;
  /** The pass that paid when its providers were asked last. */
  paidBy: string | undefined = undefined;
  /** When to look at its visits, epoch milliseconds. */
  lookAt = Infinity;
  /** Until when its watching is billed, epoch milliseconds. */
  private billed = -Infinity;
  /** When it began to watch, after the last pause. */
  private openedAt = -Infinity;
  /** All its visits will be looked at. */
  private isLookDue = false;
  /** A pass was left when it was looked at last. */
  private hadPayer = false;
  /** What the wall clock says beyond the one that only goes forward. */
  private offset: number;

  constructor(
    readonly owner: string,
    private readonly desk: Desk,
  ) {
    this.till = new Till(desk.expiry);
    this.offset = desk.clockOffset();
  }

  /** Nothing would be lost without it. */
  isIdle(now: number): boolean {
    if (this.visits.size > 0 || this.asking > 0) return false;
    return now - this.billed > this.desk.pauseAfterMs && this.till.tabs.every((tab) => tab.isSaved);
  }

  /** Something was served to one of its visits. */
  get isWatching(): boolean {
    for (const { isServed } of this.visits) if (isServed) return true;
    return false;
  }

  /** Who would pay for a visit that opens now, or pays for those that there are. */
  payer(now: number): Payer {
    this.followClock(now);
    return this.till.payerAt(this.billedFrom(now, now), now);
  }

  /** Somebody comes too late, and what was left is taken by the time until then: it counts as watched. */
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
      // Another policy on the same tracker has billed it so far.
      if (other.session.id === id && other.session.openedAt === openedAt) this.visits.delete(other);
    }
    this.visits.add(visit);
    this.billVisit(visit, this.desk.clock.now());
    visit.tracker.review(id);
    this.lookAtAll();
  }

  /** It has ended, after its last activity and with so many bytes. */
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

  /** Bills it, and works out when to look at it again. */
  look(visit: Visit): Payer {
    const now = this.desk.clock.now();
    this.isLookDue = false;
    this.billVisit(visit, now);
    this.tellOver(now);
    const payer = this.payer(now);
    const { tab, until } = payer;
    this.lookAt = tab === undefined ? Infinity : until;
    if (tab?.pass.startedAt === null) this.lookAt = Math.min(this.lookAt, now + LOOK_FOR_START_MS);
    // What ends one ends all, at once.
    if (tab === undefined && this.hadPayer) this.lookAtAll(visit);
    this.hadPayer = tab !== undefined;
    lend(visit, this.visits, tab?.pass);
    return payer;
  }

  /** All its visits are looked at in the next turn of the event loop. */
  lookAtAll(except?: Visit): void {
    if (this.isLookDue) return;
    for (const visit of this.visits) {
      if (visit === except) continue;
      this.isLookDue = true;
      // What was lent is taken back: each gets its share of what there is now.
      visit.limit = visit.bytes;
      visit.tracker.review(visit.session.id);
    }
  }

  /** A pass has come, or changes: what was watched before has nothing to do with that. */
  beforeChange(now: number): void {
    this.bill(now);
    if (this.isWatching && !this.hadPayer) this.billed = Math.max(this.billed, now);
  }

  /** Bills what all of its visits have watched until now. */
  bill(now: number): void {
    for (const visit of this.visits) this.billVisit(visit, now);
    this.tellOver(now);
  }

  /** Writes down what was spent; what cannot be written is tried again at the next time. */
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
   * From when on an owner who is active at `at` is billed: since the last activity, if somebody has been watching or that is
   * not long ago.
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

  /** Time that nobody lived through, because the clock was set or the machine slept, is not billed. */
  private followClock(now: number): void {
    const offset = this.desk.clockOffset();
    const shift = offset - this.offset;
    if (Math.abs(shift) < CLOCK_WAS_SET_MS) return;
    this.offset = offset;
    this.billed = Math.min(now, this.billed + shift);
  }
}
