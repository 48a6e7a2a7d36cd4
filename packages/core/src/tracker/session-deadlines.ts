import { TimingWheel } from '../deadlines/timing-wheel.js';
import type { PlaySession } from '../model/play-session.js';
import type { Policy } from '../policy/policy.js';
import type { Session } from '../registry/session.js';
import type { Logger } from '../support/logger.js';
import type { Settings } from './settings.js';

/** When to look at a session again: it may be idle, too old, expired, stalled, or up for review. */
export class SessionDeadlines {
  readonly wheel: TimingWheel<Session>;

  constructor(
    private readonly settings: Settings,
    private readonly logger: Logger,
    now: number,
  ) {
    this.wheel = new TimingWheel(now);
  }

  /** Looks at the session when the earliest of its deadlines comes. */
  plan(session: Session): void {
    this.wheel.place(session, this.nextLook(session));
  }

  /** Asks the policies when they want to look at the session again. */
  planReview(session: Session, copy: PlaySession): void {
    if (this.settings.reviewers.length === 0) return;
    const rare = session.rarities;
    rare.reviewAt = Infinity;
    let reviewBytes = Infinity;
    for (const policy of this.settings.reviewers) {
      const { at, bytes } = this.deadlineOf(policy, copy) ?? OVERDUE;
      rare.reviewAt = Math.min(rare.reviewAt, at);
      reviewBytes = Math.min(reviewBytes, bytes);
    }
    rare.reviewBytes = reviewBytes === Infinity ? undefined : reviewBytes;
  }

  /** When this policy wants to review the session; undefined: it fails to say. */
  deadlineOf(policy: Policy, copy: PlaySession): { at: number; bytes: number } | undefined {
    try {
      const { at = Infinity, bytes = Infinity } = policy.deadline?.(copy) ?? {};
      if (isTime(at) && isTime(bytes)) return { at, bytes };
      this.logger.error({ policy: policy.name, at, bytes }, 'a policy gave a deadline that is no number');
    } catch (error) {
      this.logger.error({ err: error, policy: policy.name }, 'a policy threw in deadline()');
    }
    return undefined;
  }

  /** The earliest time at which something may be due, epoch milliseconds. */
  nextLook(session: Session): number {
    const { maxLifetimeMs } = this.settings;
    let at = session.updatedAt + this.settings.idleTimeoutOf(session);
    if (maxLifetimeMs > 0) at = Math.min(at, session.openedAt + maxLifetimeMs);
    const { rare } = session;
    if (rare !== undefined) at = Math.min(at, rare.expiresAt, rare.reviewAt);
    if (session.isReviewDue) at = Math.min(at, session.updatedAt);
    return this.settings.stallsBeforeIdle ? Math.min(at, this.nextStall(session)) : at;
  }

  /** A request of it begins: where it may stall before the session is idle, that has to be looked for. */
  watch(session: Session): void {
    if (this.settings.stallsBeforeIdle && !session.isClosed) this.wheel.place(session, this.nextLook(session));
  }

  private nextStall(session: Session): number {
    let at = Infinity;
    for (let handle = session.handles; handle !== undefined; handle = handle.nextHandle) {
      if (!handle.isConnection) at = Math.min(at, handle.touchedAt + this.settings.stallTimeoutMs);
    }
    return at;
  }
}

/** A policy that fails to say when is looked at now. */
const OVERDUE = { at: 0, bytes: Infinity };

const isTime = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);
