import type { FlowRates } from '../session/flow-rates.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';
import { everyMs } from '../support/every-ms.js';
import { SetForwardWatch } from '../support/passed-time.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Reviews } from './reviews.js';
import type { Settings } from '../settings/settings.js';

const SWEEP_EVERY_MS = 1000;
/** The most sessions that one slice of a sweep examines and closes, so that the event loop never stalls. */
const SLICE = 128;

/** The parts that `Sweeper` works with. */
export interface SweeperParts {
  readonly settings: Settings;
  readonly lifecycle: Lifecycle;
  readonly reviews: Reviews;
  readonly clock: Clock;
  /** Called with every sweep. */
  readonly alsoDue: (now: number) => void;
}

/** Looks once a second for sessions that are due. Costs only what is due, not the number of sessions. */
export class Sweeper {
  private stopTicking: (() => void) | undefined = undefined;
  private rest: unknown = undefined;
  private readonly between = new Set<unknown>();
  private readonly settings: Settings;
  private readonly lifecycle: Lifecycle;
  private readonly reviews: Reviews;
  private readonly clock: Clock;
  private readonly alsoDue: (now: number) => void;
  private readonly setForward: SetForwardWatch;

  constructor(parts: SweeperParts) {
    this.settings = parts.settings;
    this.lifecycle = parts.lifecycle;
    this.reviews = parts.reviews;
    this.clock = parts.clock;
    this.alsoDue = parts.alsoDue;
    this.setForward = new SetForwardWatch(parts.clock);
  }

  start(): void {
    this.stopTicking ??= everyMs(this.clock, SWEEP_EVERY_MS, () => {
      this.sweep();
      this.sweepAtEnds();
    });
  }

  stop(): void {
    this.stopTicking?.();
    if (this.rest !== undefined) this.clock.clearTimeout(this.rest);
    for (const timer of this.between) this.clock.clearTimeout(timer);
    this.between.clear();
    this.stopTicking = this.rest = undefined;
  }

  /** One sweep. What does not fit into its slice follows as soon as the event loop has handled everything else. */
  sweep(): void {
    const now = this.clock.now();
    this.alsoDue(now);
    if (this.rest === undefined) this.slice();
  }

  /** A session is due now, and need not wait for the next sweep. */
  lookSoon(): void {
    if (this.stopTicking === undefined || this.rest !== undefined) return;
    this.rest = this.sliceLater();
  }

  /** A session that ends or is reviewed before the next sweep does not get the rest of the second. */
  private sweepAtEnds(): void {
    const now = this.clock.now();
    for (const end of this.lifecycle.deadlines.endsBetween(now, now + SWEEP_EVERY_MS - 1)) {
      const timer = this.clock.setTimeout(() => {
        this.between.delete(timer);
        this.sweep();
      }, end - now);
      this.between.add(timer);
    }
  }

  private sliceLater(): unknown {
    return this.clock.setTimeout(() => {
      this.rest = undefined;
      this.slice();
    }, 0);
  }

  private slice(): void {
    const now = this.clock.now();
    if (this.setForward.look()) this.lifecycle.deadlines.setForward(now);
    const more = this.lifecycle.deadlines.wheel.turn(now, SLICE, (session) => this.examine(session, now));
    this.rest = more ? this.sliceLater() : undefined;
  }

  private examine(session: Session, now: number): void {
    if (session.updatedAt > now) this.rebase(session, now);
    if (this.closeIfOver(session, now)) return;
    const { rare } = session;
    if (rare !== undefined && (rare.reviewAt <= now || session.isReviewDue)) {
      if (this.reviews.review(session, now)) return;
    }
    const rates = session.hot?.rates;
    if (rates !== undefined && rates.lookAt <= now && this.closeIfTooFast(session, rates, now)) return;
    // Something that a policy or a cut caused may have closed it meanwhile.
    if (!session.isClosed) this.lifecycle.deadlines.plan(session);
  }

  /** The clock was set back: anything last seen in the future counts as last seen now. */
  private rebase(session: Session, now: number): void {
    session.updatedAt = now;
    for (let handle = session.handles; handle !== undefined; handle = handle.nextHandle) {
      handle.touchedAt = Math.min(handle.touchedAt, now);
    }
  }

  private closeIfOver(session: Session, now: number): boolean {
    const { maxLifetimeMs } = this.settings;
    if (maxLifetimeMs > 0 && now - session.openedAt >= maxLifetimeMs) {
      return this.lifecycle.close(session, 'max_lifetime');
    }
    if (session.rare !== undefined && session.rare.expiresAt <= now) return this.lifecycle.close(session, 'expired');
    const idle = now > this.lifecycle.deadlines.idleAt(session);
    if (session.handles === undefined) return idle && this.lifecycle.close(session, 'idle');
    return this.closeIfStalled(session, now, idle);
  }

  private closeIfTooFast(session: Session, rates: FlowRates, now: number): boolean {
    const isJudged = mayBeTooFast(session);
    const excess = isJudged ? rates.excess(now) : undefined;
    if (excess !== undefined) return this.reviews.tooFast(session, excess);
    rates.lookAt = isJudged ? now + SWEEP_EVERY_MS : Infinity;
    return false;
  }

  /**
   * A session with an open request is not idle, unless that client takes nothing; one stalled request among others is cut on its
   * own.
   */
  private closeIfStalled(session: Session, now: number, idle: boolean): boolean {
    let requests = 0;
    let stalled = 0;
    for (let handle = session.handles; handle !== undefined; handle = handle.nextHandle) {
      if (handle.isConnection) continue;
      requests++;
      if (now > this.lifecycle.deadlines.stalledAt(handle)) stalled++;
    }
    if (idle && requests === 0) return this.lifecycle.close(session, 'idle');
    if (idle && requests === stalled) return this.lifecycle.close(session, 'stalled');
    if (stalled === 0) return false;
    this.cutStalled(session, now);
    return this.lifecycle.closeIfNotServed(session);
  }

  /** Cuts the requests whose clients take nothing; the session continues with its other requests. */
  private cutStalled(session: Session, now: number): void {
    for (let handle = session.handles; handle !== undefined;) {
      const next = handle.nextHandle;
      const isStalled = now > this.lifecycle.deadlines.stalledAt(handle);
      if (isStalled) this.lifecycle.activity.credit(session, handle.cut('stalled'), now);
      handle = next;
    }
  }
}

/** True if it has a connection whose rate nobody throttles. */
function mayBeTooFast(session: Session): boolean {
  let handle = session.handles;
  while (handle !== undefined && (!handle.isConnection || handle.keepsLimits)) handle = handle.nextHandle;
  return handle !== undefined;
}
