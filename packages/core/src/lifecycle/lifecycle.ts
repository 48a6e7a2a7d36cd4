import { tellPolicy } from '../policy/tell-policy.js';
import { randomBytes } from 'node:crypto';
import type { CloseReason, PlaySession } from '../types/play-session.js';
import type { Approval } from '../types/policy.js';
import type { Resolver } from '../registry/resolver.js';
import type { Registry } from '../registry/registry.js';
import { setHot } from '../session/hot-fields.js';
import { NO_HIT, type Session } from '../session/session.js';
import { snapshotOf } from '../session/snapshot.js';
import { strip } from '../session/strip.js';
import { comeBack } from '../session/watch-time.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import type { Clock } from '../support/clock.js';
import { StreamSessionsError } from '../support/errors.js';
import type { Logger } from '../support/logger.js';
import { countable } from '../support/numbers.js';
import { ownCopy } from '../support/strings.js';
import type { Totals } from '../registry/totals.js';
import type { HandleOwner, OpenHandle } from './handles.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Activity } from './activity.js';
import type { Grants } from './grants.js';
import type { Membership } from './membership.js';
import type { SessionDeadlines } from './session-deadlines.js';
import { frozen, type SessionEvents } from './session-events.js';
import type { SessionFactory } from '../registry/create-session.js';
import type { Settings } from '../settings/settings.js';

/** The parts that `Lifecycle` works with. */
export interface LifecycleParts {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly resolver: Resolver;
  readonly factory: SessionFactory;
  readonly sharedFields: SharedFieldsPool;
  readonly deadlines: SessionDeadlines;
  readonly grants: Grants;
  readonly activity: Activity;
  readonly events: SessionEvents;
  readonly totals: Totals;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each session that opens, before anybody else is told. */
  readonly onOpened: () => void;
  /** Called for each session that has closed, before anybody else is told. */
  readonly onClosed: (session: Session) => void;
}

/**
 * The transitions of a session: it opens, is joined, is touched, ends. Each is one synchronous step, finished before its event is
 * emitted; the event loop is the lock.
 */
export class Lifecycle implements HandleOwner {
  private readonly settings: Settings;
  private readonly registry: Registry;
  private readonly resolver: Resolver;
  private readonly factory: SessionFactory;
  private readonly sharedFields: SharedFieldsPool;
  readonly deadlines: SessionDeadlines;
  private readonly grants: Grants;
  readonly activity: Activity;
  private readonly events: SessionEvents;
  private readonly totals: Totals;
  private readonly membership: Membership;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly onOpened: () => void;
  private readonly onClosed: (session: Session) => void;

  constructor(parts: LifecycleParts) {
    this.settings = parts.settings;
    this.registry = parts.registry;
    this.resolver = parts.resolver;
    this.factory = parts.factory;
    this.sharedFields = parts.sharedFields;
    this.deadlines = parts.deadlines;
    this.grants = parts.grants;
    this.activity = parts.activity;
    this.events = parts.events;
    this.totals = parts.totals;
    this.membership = parts.membership;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.onOpened = parts.onOpened;
    this.onClosed = parts.onClosed;
  }

  copy(session: Session, now = this.clock.now()): PlaySession {
    return snapshotOf(session, session.closedAt ?? now, this.settings.exposeTokens);
  }

  /**
   * The live session of this hit, opened unless another request has opened it meanwhile.
   *
   * @throws StreamSessionsError ERR_SESSION_EXISTS when a connection brings an id that is live.
   */
  open(resolved: ResolvedHit, approval: Approval | undefined): Session {
    const { recipe, hit, groupKey, isConnection, visit } = resolved;
    const known = this.resolver.opened(resolved);
    if (known !== undefined) {
      this.activity.joinAs(known, resolved);
      return known;
    }
    const now = this.clock.now();
    const before = visit === undefined ? this.resolver.resumes(resolved, approval?.userId) : undefined;
    if (before !== undefined) return this.resume(before, resolved, approval, now);
    let id = resolved.idToBe;
    if (
      visit === undefined &&
      !resolved.isUnheardOf &&
      (this.registry.get(id) ?? this.resolver.waiting?.get(id)) !== undefined
    ) {
      if (groupKey === undefined) throw sessionExists(id);
      // The session that had this id goes by another name now: see `adopter`.
      id = randomBytes(8).toString('hex');
    }
    const session = this.factory.make(resolved, id, now, approval !== undefined);
    const isUnserved = this.opensUnserved(resolved);
    if (isUnserved) this.activity.hide(session);
    this.activity.keep(session, hit, now);
    if (hit.userId) this.registry.setUser(session, ownCopy(hit.userId));
    // So far it has only connections: no hit keeps it open after the last of them.
    if (isConnection && groupKey !== undefined) setHot(session, 'lastHitAt', NO_HIT);
    this.registry.add(session, recipe, groupOf(session, resolved), !resolved.isUnheardOf);
    const what = visit === undefined || visit.found === 'new' ? 'opened' : 'resumed';
    if (!isUnserved) {
      this.totals[what]++;
      this.activity.credit(session, countable(hit.bytes), now);
    }
    this.begin(session, approval);
    if (!isUnserved) this.events[what](session);
    return session;
  }

  /** Continues a visit of an earlier process, with the same id and everything known about it. */
  private resume(session: Session, resolved: ResolvedHit, approval: Approval | undefined, now: number): Session {
    this.resolver.waiting?.release(session);
    this.factory.resume(session, resolved, approval !== undefined);
    // By now, others may be watching the stream, or nobody.
    session.entry = this.registry.liveStreams.entryFor(session.stream);
    comeBack(session, now, this.settings.idleTimeoutOf(session));
    this.registry.add(session, resolved.recipe, groupOf(session, resolved));
    this.totals.resumed++;
    const { hit, ip, network, isConnection, groupKey } = resolved;
    this.activity.join(session, hit, ip, network, countable(hit.bytes));
    if (isConnection && groupKey !== undefined) setHot(session, 'lastHitAt', NO_HIT);
    this.begin(session, approval);
    this.events.resumed(session);
    return session;
  }

  /** Ends a visit of an earlier process that was not continued: its watch time ended with its last activity. */
  endWaiting(session: Session, reason: CloseReason, detail?: string): void {
    this.resolver.waiting?.release(session);
    session.sharedFields = this.sharedFields.closed(session.sharedFields, reason);
    session.closedAt = this.clock.now();
    if (detail !== undefined) session.rareFields.closeDetail = detail;
    this.registry.openingTimes.closed(session.id, session.openedAt, session.closedAt);
    this.tellClosed(session, reason);
    this.registry.journal?.gone(session);
  }

  private begin(session: Session, approval: Approval | undefined): void {
    if (approval !== undefined) this.grants.approve(session, approval);
    this.planReview(session);
    this.deadlines.plan(session);
    this.onOpened();
  }

  /** True if the session of this hit would be hidden at first: anyone can make up a stream name. */
  opensUnserved({ hit, isConnection, stream }: ResolvedHit): boolean {
    return hit.tentative === true && !isConnection && !this.registry.liveStreams.isServed(stream);
  }

  connectionOpened(session: Session): void {
    this.deadlines.watchSpeed(session);
  }

  requestEnded(session: Session, handle: OpenHandle, bytes: number): void {
    if (!session.isClosed) this.activity.touch(session, handle, bytes);
    this.closeIfNotServed(session);
  }

  /** All its requests failed, went unanswered or were cut: it leaves no trace. True: it has closed. */
  closeIfNotServed(session: Session): boolean {
    return session.isUnserved && session.handles === undefined && this.close(session, 'not_served');
  }

  /** The transport has lost a connection: the session ends with it unless something else keeps it open. */
  connectionClosed(session: Session, handle: OpenHandle, reason: CloseReason, bytes: number, at?: number): void {
    if (session.isClosed) return;
    const now = this.clock.now();
    // not before anything seen of it since
    const last = at === undefined || Number.isNaN(at) ? now : Math.min(now, Math.max(at, session.updatedAt));
    this.activity.touch(session, handle, bytes, last);
    if (session.handles !== undefined) return;
    const { lastHitAt = NO_HIT } = session.hot ?? {};
    // a session that others may join is kept for them; a connection that is a session of its own has ended with it
    const keepUntil = (session.group === undefined ? undefined : session.rare?.keepUntil) ?? NO_HIT;
    if (Math.max(lastHitAt + this.settings.idleTimeoutOf(session), keepUntil) >= now) return;
    this.close(session, reason);
  }

  listenerFailed(error: unknown): void {
    this.logger.error({ err: error }, 'an onLimits callback threw');
  }

  cutFailed(error: unknown): void {
    this.logger.error({ err: error }, 'an onCut callback threw; its transport may still be open');
  }

  /**
   * Ends a session. Its transports are cut (`cut: false` leaves them alone) and return their last bytes before the event is
   * emitted. False: it was closed already; the first reason wins.
   */
  close(session: Session, reason: CloseReason, options: { detail?: string | undefined; cut?: boolean } = {}): boolean {
    if (session.isClosed) return false;
    const now = this.clock.now();
    session.sharedFields = this.sharedFields.closed(session.sharedFields, reason);
    this.deadlines.wheel.remove(session);
    const { isUnserved } = session;
    // Before foreign code runs: it must not find a session that is ending, and may open the next visit of its id.
    this.registry.delete(session, this.settings.recipes[session.kind]);
    if (!isUnserved) this.registry.openingTimes.closed(session.id, session.openedAt, now);
    const open = session.handles !== undefined;
    this.endHandles(session, options.cut === false ? undefined : reason, isUnserved, now);
    // Watch time ends with the last activity; a session with open handles was watched until now, except for the silence before an
    // idle end.
    if (open && reason !== 'idle') {
      if (!isUnserved) this.totals.watched(session.updatedAt, now);
      session.updatedAt = now;
    }
    session.closedAt = now;
    if (options.detail !== undefined) session.rareFields.closeDetail = options.detail;
    this.onClosed(session);
    if (!isUnserved) {
      if (this.membership.directory !== undefined) this.membership.left(session, frozen(this.copy(session)));
      this.tellClosed(session, reason, open);
    }
    let visit: PlaySession | undefined;
    for (const policy of this.settings.policies) {
      if (policy.closed === undefined) continue;
      visit ??= frozen(this.copy(session));
      tellPolicy(this.logger, policy, 'closed', visit);
    }
    return true;
  }

  /** The session turns out to be a visit that began on another node: it takes over that id; its transports are left alone. */
  rename(session: Session, id: string, openedAt: number): void {
    const now = this.clock.now();
    const before = snapshotOf(session, now, this.settings.exposeTokens);
    this.registry.reopen(session, id, openedAt);
    this.totals.closed++;
    this.totals.closedBy.add('renamed');
    this.totals.resumed++;
    if (this.events.isEndHeard)
      this.events.closed(frozen({ ...before, closedAt: now, closeReason: 'renamed' }), 'renamed');
    this.events.resumed(session);
  }

  /** Cuts the transports of a session that continues in the next process. */
  detach(session: Session): void {
    const now = this.clock.now();
    const { isUnserved } = session;
    if (session.handles !== undefined && !isUnserved) this.activity.touch(session, undefined, 0, now);
    this.endHandles(session, 'shutdown', isUnserved, now);
  }

  /** Cuts all transports (or leaves them alone if no reason is given) and credits their last bytes. */
  private endHandles(session: Session, reason: CloseReason | undefined, isUnserved: boolean, now: number): void {
    for (let handle = session.handles; handle !== undefined; handle = session.handles) {
      const unreported = reason === undefined ? handle.detach() : handle.cut(reason);
      if (!isUnserved) this.activity.credit(session, unreported, now);
    }
  }

  /** Reports the end of a session that has been visible. */
  private tellClosed(session: Session, reason: CloseReason, mayBeBack = true): void {
    this.totals.closed++;
    this.totals.closedBy.add(reason);
    if (reason === 'idle') this.totals.idleClosed++;
    if (reason === 'kicked') this.totals.kicked++;
    strip(session, this.settings.exposeTokens);
    if (!this.membership.letsGo(reason)) this.registry.retire(session, mayBeBack);
    if (this.events.isEndHeard) this.events.closed(frozen(this.copy(session)), reason);
  }

  /** Asks the policies when they want to review the session next. */
  planReview(session: Session): void {
    if (this.settings.reviewers.length > 0) this.deadlines.planReview(session, this.copy(session));
  }
}

const groupOf = (session: Session, { groupKey, network }: ResolvedHit): string | undefined =>
  groupKey === network ? session.network : groupKey && ownCopy(groupKey);

export const sessionExists = (id: string): StreamSessionsError =>
  new StreamSessionsError('ERR_SESSION_EXISTS', `A session with the id "${id}" is live already.`);
