import { TimingWheel } from '../collections/timing-wheel.js';
import type { PlaySession } from '../types/play-session.js';
import type { Policy } from '../types/policy.js';
import { setHot } from '../session/hot-fields.js';
import type { HandleNode } from '../session/handle-list.js';
import type { Session } from '../session/session.js';
import type { Logger } from '../support/logger.js';
import { atOnce } from '../support/promises.js';
import type { Settings } from '../settings/settings.js';

/** Decides when to look at a session again: it may be idle, too old, expired, stalled, or due for review. */
export class SessionDeadlines {
  readonly wheel: TimingWheel<Session>;
  /** Known times at which sessions end or are reviewed: the latest one within each second. */
  private readonly ends = new Map<number, number>();
  /** Silence before this does not count: the clock was set forward then. Epoch milliseconds. */
  private silentFrom = 0;

  constructor(
    private readonly settings: Settings,
    private readonly logger: Logger,
    now: number,
  ) {
    this.wheel = new TimingWheel(now);
  }

  /** Schedules a look at the session at the earliest of its deadlines. */
  plan(session: Session): void {
    this.wheel.place(session, this.nextLook(session));
    const { rare } = session;
    const end = rare === undefined ? Infinity : Math.min(rare.expiresAt, rare.reviewAt);
    // Later ends are planned again before they are due.
    if (end - this.wheel.turnedAt < KNOWN_ENDS_MS) this.noteEnd(end);
  }

  /** The ends of sessions between these times, one per second. Earlier ones are forgotten. */
  endsBetween(from: number, to: number): number[] {
    const ends: number[] = [];
    for (const [second, end] of this.ends) {
      if (end <= from) this.ends.delete(second);
      else if (end <= to) ends.push(end);
    }
    return ends;
  }

  private noteEnd(end: number): void {
    const second = Math.floor(end / 1000);
    const known = this.ends.get(second);
    if (known === undefined || known < end) this.ends.set(second, end);
  }

  /** Asks the policies when they want to review the session next. */
  planReview(session: Session, copy: PlaySession): void {
    if (this.settings.reviewers.length === 0) return;
    const rare = session.rareFields;
    rare.reviewAt = Infinity;
    let reviewBytes = Infinity;
    for (const policy of this.settings.reviewers) {
      const { at, bytes } = this.deadlineOf(policy, copy) ?? OVERDUE;
      rare.reviewAt = Math.min(rare.reviewAt, at);
      reviewBytes = Math.min(reviewBytes, bytes);
    }
    setHot(session, 'reviewBytes', reviewBytes === Infinity ? undefined : reviewBytes);
  }

  /** When this policy wants to review the session; undefined: it failed to say. */
  deadlineOf(policy: Policy, copy: PlaySession): { at: number; bytes: number } | undefined {
    try {
      const { at = Infinity, bytes = Infinity } = atOnce(policy.deadline?.(copy), 'deadline()') ?? {};
      if (isTime(at) && isTime(bytes)) return { at, bytes };
      this.logger.error({ policy: policy.name, at, bytes }, 'a policy gave a deadline that is not a number');
    } catch (error) {
      this.logger.error({ err: error, policy: policy.name }, 'a policy threw in deadline()');
    }
    return undefined;
  }

  /** The clock was set forward to this time: whoever is there has not been silent for that long. Epoch milliseconds. */
  setForward(now: number): void {
    this.silentFrom = now;
  }

  /** When the session becomes idle if nothing else comes. Epoch milliseconds. */
  idleAt(session: Session): number {
    const idleAt = Math.max(session.updatedAt, this.silentFrom) + this.settings.idleTimeoutOf(session);
    return Math.max(idleAt, session.rare?.keepUntil ?? 0);
  }

  /** When a request counts as stalled if its client takes nothing more. Epoch milliseconds; Infinity: never. */
  stalledAt({ touchedAt, isConnection }: HandleNode): number {
    const { stallTimeoutMs } = this.settings;
    return isConnection || stallTimeoutMs === 0 ? Infinity : Math.max(touchedAt, this.silentFrom) + stallTimeoutMs;
  }

  /** The earliest time at which something may be due. Epoch milliseconds. */
  nextLook(session: Session): number {
    const { maxLifetimeMs } = this.settings;
    let at = this.idleAt(session);
    if (maxLifetimeMs > 0) at = Math.min(at, session.openedAt + maxLifetimeMs);
    const { rare, hot } = session;
    if (rare !== undefined) at = Math.min(at, rare.expiresAt, rare.reviewAt);
    if (hot?.rates !== undefined) at = Math.min(at, hot.rates.lookAt);
    if (session.isReviewDue) at = Math.min(at, session.updatedAt);
    return this.settings.stallTimeoutMs > 0 ? Math.min(at, this.nextStall(session)) : at;
  }

  /** A request of the session begins. If it cannot stall before the session may be idle, an already planned look suffices. */
  watch(session: Session): void {
    if (this.settings.stallsBeforeIdle && !session.isClosed) this.wheel.place(session, this.nextLook(session));
  }

  /** The session has a connection, whose rate cannot be throttled: if it has limits, they have to be checked. */
  watchSpeed(session: Session): void {
    const rates = session.isClosed ? undefined : session.hot?.rates;
    if (rates?.watch() === true) this.wheel.place(session, this.nextLook(session));
  }

  private nextStall(session: Session): number {
    let at = Infinity;
    for (let handle = session.handles; handle !== undefined; handle = handle.nextHandle) {
      at = Math.min(at, this.stalledAt(handle));
    }
    return at;
  }
}

/** More than the horizon of the wheel, within which every session is planned again. Also bounds the number of seconds kept. */
const KNOWN_ENDS_MS = 600_000;

/** A policy that fails to name a deadline is due now. */
const OVERDUE = { at: 0, bytes: Infinity };

const isTime = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);
