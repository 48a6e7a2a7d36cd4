import { randomBytes } from 'node:crypto';
import { closedEnvelope, openedEnvelope, updatedEnvelope } from '../wire/event.js';
import type { EventHub } from '../events/event-hub.js';
import { aliasKey } from '../identity/name.js';
import type { HttpHit } from '../types/hit.js';
import type { CloseReason, PlaySession, Quality } from '../types/play-session.js';
import type { Approval } from '../types/policy.js';
import type { Registry } from '../registry/registry.js';
import { NO_HIT, type Session } from '../session/session.js';
import { SharedFieldsPool } from '../session/shared-fields.js';
import type { Clock } from '../support/clock.js';
import { StreamSessionsError } from '../support/errors.js';
import type { Logger } from '../support/logger.js';
import { ownCopy, StringPool } from '../support/strings.js';
import type { Totals } from '../registry/totals.js';
import { lastWords } from '../session/last-words.js';
import type { PolicyDecision } from '../types/explanation.js';
import { countable, type HandleOwner, type OpenHandle } from './handles.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import { SessionDeadlines } from './session-deadlines.js';
import { SessionFactory } from '../registry/create-session.js';
import type { Settings } from '../settings/settings.js';
import { HitMerger } from '../registry/hit-merger.js';
import { withReport } from '../session/quality.js';
import { withTags } from '../session/tags.js';

/**
 * What can happen to a session: it opens, is joined, is touched, ends. Each is one synchronous transition, finished
 * before its event leaves; the event loop is the lock.
 */
export class Lifecycle implements HandleOwner {
  readonly deadlines: SessionDeadlines;
  readonly merger: HitMerger;
  private readonly maker: SessionFactory;
  private readonly sharedFields: SharedFieldsPool;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly hub: EventHub,
    private readonly counters: Totals,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly fingerprint: (token: string) => string,
    private readonly firstOpened: () => void,
    private readonly ended: (session: Session) => void,
  ) {
    const now = clock.now();
    const texts = new StringPool();
    const sharedFields = (this.sharedFields = new SharedFieldsPool(Math.floor(now)));
    this.deadlines = new SessionDeadlines(settings, logger, now);
    this.merger = new HitMerger(settings, registry, texts, sharedFields, fingerprint);
    this.maker = new SessionFactory(settings, registry, texts, sharedFields, logger, fingerprint);
  }

  /** The referer as policies may see it. */
  refererOf(hit: HttpHit): string | undefined {
    return this.maker.referer(hit);
  }

  copy(session: Session, now = this.clock.now()): PlaySession {
    if (session.isClosed) {
      const visit = this.registry.closed.get(session.id);
      if (visit?.openedAt === session.openedAt) return visit;
      now = session.rare?.closedAt ?? now;
    }
    return session.snapshot(now, this.settings.exposeTokens);
  }

  /** The live session that this hit would open, if somebody else has opened it. */
  opened(resolved: ResolvedHit): Session | undefined {
    const id = resolved.groupKey === undefined ? undefined : resolved.session();
    const known = id === undefined ? undefined : this.registry.get(id);
    const isNamedSo = known?.namedBy === resolved.namedBy && known.name === resolved.name;
    if (known !== undefined && (isNamedSo || !resolved.recipe.byName)) return known;
    return this.merger.answering(resolved) ?? this.merger.adopter(resolved);
  }

  /**
   * The live session of this hit, opened unless somebody else has done so meanwhile.
   *
   * @throws StreamSessionsError ERR_SESSION_EXISTS when a connection brings an id that is live.
   */
  open(resolved: ResolvedHit, approval: Approval | undefined): Session {
    const { recipe, hit, groupKey, isConnection } = resolved;
    const known = this.opened(resolved);
    if (known !== undefined) {
      this.joinAs(known, resolved);
      return known;
    }
    let id = resolved.idToBe;
    if (this.registry.get(id) !== undefined) {
      if (groupKey === undefined) throw sessionExists(id);
      // Whose id this was goes by another name since: see `adopter`.
      id = randomBytes(8).toString('hex');
    }
    const now = this.clock.now();
    const session = this.maker.make(resolved, id, now, approval !== undefined);
    const isUnserved = this.opensUnserved(resolved);
    if (isUnserved) session.rareFields.onServed = nothing;
    if (hit.userId) this.registry.setUser(session, ownCopy(hit.userId));
    // It has connections only, so far: no hit keeps it open behind the last of them.
    if (isConnection && groupKey !== undefined) session.rareFields.lastHitAt = NO_HIT;
    const group = groupKey === resolved.network ? session.network : groupKey && ownCopy(groupKey);
    this.registry.add(session, recipe, group);
    if (!isUnserved) this.counters.opened++;
    if (!isUnserved) this.credit(session, countable(hit.bytes), now);
    if (approval !== undefined) this.approve(session, approval);
    this.planReview(session);
    this.deadlines.plan(session);
    this.firstOpened();
    if (!isUnserved && this.hub.wants('opened')) this.emit('opened', session, openedEnvelope);
    return session;
  }

  /** Whether the session of this hit would be in no list yet: anybody can make up the name of a stream. */
  opensUnserved({ hit, isConnection, stream }: ResolvedHit): boolean {
    return hit.tentative === true && !isConnection && !this.registry.isServed(stream);
  }

  /** Something was served to a session that nobody saw so far. */
  served(session: Session): void {
    const { rareFields } = session;
    const { onServed } = rareFields;
    if (onServed === undefined || session.isClosed) return;
    rareFields.onServed = nothing;
    onServed();
    // A policy that had to say who makes room may have failed to.
    if (session.isClosed) return;
    this.registry.show(session);
    if (rareFields.streams === undefined) this.registry.served.add(session.stream);
    this.counters.opened++;
    if (this.hub.wants('opened')) this.emit('opened', session, openedEnvelope);
  }

  /** Another request or connection of a live session. */
  joinAs(session: Session, { hit, ip, network, isConnection }: ResolvedHit): void {
    const before = session.rare?.lastHitAt ?? session.updatedAt;
    this.join(session, hit, ip, network, countable(hit.bytes));
    if (isConnection) session.rareFields.lastHitAt = before;
  }

  /** A hit of a live session, and the bytes that came with it. Returns the time. */
  join(session: Session, hit: HttpHit, ip: string, network: string, bytes = 0): number {
    const now = this.clock.now();
    session.updatedAt = now;
    this.merger.note(session, hit, ip, network);
    const { rare } = session;
    if (rare !== undefined) {
      if (rare.lastHitAt !== undefined) rare.lastHitAt = now;
      if (rare.onServed !== undefined) {
        if (hit.tentative === true || isError(hit)) return now;
        this.served(session);
      }
    }
    if (bytes > 0) this.credit(session, bytes, now);
    this.announce(session, now);
    return now;
  }

  /** Bytes were sent to it, or it was seen. */
  touch(session: Session, handle: OpenHandle | undefined, added: number): void {
    const now = this.clock.now();
    session.updatedAt = now;
    if (handle !== undefined) handle.touchedAt = now;
    const bytes = countable(added);
    if (bytes === 0) return;
    if (session.isUnserved) {
      this.served(session);
      if (session.isClosed) return;
    }
    this.credit(session, bytes, now);
    this.announce(session, now);
  }

  receive(session: Session, received: number): void {
    const bytes = countable(received);
    if (bytes === 0) return;
    const now = this.clock.now();
    session.updatedAt = now;
    session.rareFields.bytesReceived += bytes;
    session.begin(now);
    // the last ones come while it ends
    if (!session.isClosed && !session.isUnserved) this.announce(session, now);
  }

  requestEnded(session: Session, handle: OpenHandle, bytes: number): void {
    if (!session.isClosed) this.touch(session, handle, bytes);
    // All its requests were answered with errors, or not at all: it leaves no trace.
    if (session.isUnserved && session.handles === undefined) this.close(session, 'not_served');
  }

  /** The transport has lost a connection: the session ends with it unless something else keeps it. */
  connectionClosed(session: Session, handle: OpenHandle, reason: CloseReason, bytes: number): void {
    if (session.isClosed) return;
    this.touch(session, handle, bytes);
    if (session.handles !== undefined) return;
    const lastHit = session.rare?.lastHitAt ?? NO_HIT;
    if (this.clock.now() - lastHit <= this.settings.idleTimeoutOf(session)) return;
    this.close(session, reason);
  }

  cutFailed(error: unknown): void {
    this.logger.error({ err: error }, 'an onCut callback threw; its transport may still be open');
  }

  /**
   * Ends a session. Its transports are cut (`cut: false` leaves them alone) and hand back their last bytes before the
   * event leaves. False: it was closed already; the first reason wins.
   */
  close(session: Session, reason: CloseReason, options: { detail?: string | undefined; cut?: boolean } = {}): boolean {
    if (session.isClosed) return false;
    const now = this.clock.now();
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, closeReason: reason });
    this.deadlines.wheel.remove(session);
    const { isUnserved } = session;
    // Gone from every list before foreign code runs: what it causes must not find a session that is ending.
    this.registry.delete(session, this.settings.recipes[session.kind]);
    const open = session.handles !== undefined;
    for (let handle = session.handles; handle !== undefined; handle = session.handles) {
      const unreported = options.cut === false ? handle.detach() : handle.cut(reason);
      if (!isUnserved) this.credit(session, unreported, now);
    }
    // Watch time ends with the last activity; what was open was watched until now, save the silence before an idle end.
    if (open && reason !== 'idle') session.updatedAt = now;
    // A handle may still be asked for its session when the visit has long left the list.
    if (open) session.rareFields.closedAt = now;
    if (options.detail !== undefined) session.rareFields.closeDetail = options.detail;
    this.ended(session);
    const visit = frozen(session.snapshot(now, this.settings.exposeTokens));
    if (!isUnserved) this.tellClosed(session, visit, reason);
    for (const policy of this.settings.policies) {
      if (policy.closed === undefined) continue;
      try {
        policy.closed(visit);
      } catch (error) {
        this.logger.error({ err: error, policy: policy.name }, 'a policy threw in closed()');
      }
    }
    return true;
  }

  /** Everybody saw it, and everybody hears that it has ended. */
  private tellClosed(session: Session, visit: PlaySession, reason: CloseReason): void {
    if (session.bytes > 0 && session.rare?.streams === undefined) this.registry.served.add(session.stream);
    this.counters.closed++;
    if (reason === 'idle') this.counters.idleClosed++;
    if (reason === 'kicked') this.counters.kicked++;
    this.registry.openingTimes.closed(visit.id, visit.openedAt, visit.closedAt as number);
    this.registry.retire(visit, lastWords(session, this.settings.recipes[session.kind]));
    if (!this.hub.wants('closed')) return;
    const occurredAt = visit.closedAt as number;
    const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: visit, reason });
    this.hub.emit('closed', event, closedEnvelope);
  }

  /** Cuts the requests whose clients take nothing; the session goes on with its others. */
  cutStalledRequests(session: Session, now: number, stallTimeoutMs: number): void {
    for (let handle = session.handles; handle !== undefined;) {
      const next = handle.nextHandle;
      const stalled = !handle.isConnection && now - handle.touchedAt > stallTimeoutMs;
      if (stalled) this.credit(session, handle.cut('stalled'), now);
      handle = next;
    }
  }

  tagSession(session: Session, tags: Readonly<Record<string, string>>): void {
    session.rareFields.tags = withTags(session.tags, tags);
  }

  /** What its player says of itself. */
  report(session: Session, quality: Quality, provisional: boolean): void {
    session.rareFields.quality = withReport(session.rare?.quality, quality);
    if (!provisional) session.rareFields.reportedAt = this.clock.now();
  }

  msSinceReport(session: Session): number {
    const reportedAt = session.rare?.reportedAt ?? -Infinity;
    return reportedAt === -Infinity ? Infinity : this.clock.now() - reportedAt;
  }

  /** What the policies' yes says of the session. */
  approve(session: Session, approval: Approval): void {
    if (approval.userId !== undefined) {
      this.registry.setUser(session, ownCopy(approval.userId));
      session.rareFields.vouched = true;
    }
    if (approval.tags !== undefined) this.tagAsPolicySays(session, approval.tags);
    if (approval.limits !== undefined) session.rareFields.limits = approval.limits;
    if (approval.expiresAt !== undefined) session.rareFields.expiresAt = approval.expiresAt;
  }

  /** What policies said; what the others said before stands, and the earliest end of any yes holds. */
  judge(session: Session, policyDecisions: readonly PolicyDecision[]): void {
    const rare = session.rareFields;
    if (rare.policyDecisions === undefined) rare.policyDecisions = policyDecisions;
    else {
      const isNew = (known: PolicyDecision): boolean => policyDecisions.some(({ policy }) => policy === known.policy);
      rare.policyDecisions = [...rare.policyDecisions.filter((known) => !isNew(known)), ...policyDecisions];
    }
    const before = rare.expiresAt;
    rare.expiresAt = Infinity;
    for (const { expiresAt } of rare.policyDecisions) {
      if (expiresAt !== undefined && expiresAt < rare.expiresAt) rare.expiresAt = expiresAt;
    }
    // Once is enough: what an approval says of its end has not been planned yet.
    if (!session.isClosed && Math.min(before, rare.expiresAt) < Infinity) this.deadlines.plan(session);
  }

  /** What they said of another credential of the session: it goes on until the last of them ends. */
  judgeAlso(session: Session, policyDecisions: readonly PolicyDecision[]): void {
    const known = session.rare?.policyDecisions ?? [];
    const later = policyDecisions.map((decision) => {
      const before = known.find(({ policy, allowed }) => policy === decision.policy && allowed);
      if (before === undefined || (before.expiresAt ?? Infinity) <= (decision.expiresAt ?? Infinity)) return decision;
      const { expiresAt: _sooner, ...rest } = decision;
      return before.expiresAt === undefined ? rest : { ...rest, expiresAt: before.expiresAt };
    });
    this.judge(session, later);
  }

  /** It goes by the name of this hit from now on, and is found where that is; its id stays. */
  rename(session: Session, { recipe, groupKey, ip, network, namedBy, name, token, hit }: ResolvedHit): void {
    const before = aliasKey(session.namedBy, session.name ?? '');
    const group = groupKey === network ? network : groupKey;
    if (ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    this.registry.moveToGroup(session, recipe, ownCopy(group as string), () => {
      session.name = name === undefined ? undefined : ownCopy(name);
      session.sharedFields = this.sharedFields.share({ ...session.sharedFields, namedBy });
      if (token !== undefined) session.fingerprint = this.fingerprint(token);
    });
    if (before !== aliasKey(namedBy, name ?? '')) this.merger.remember(session, before);
    session.query = this.maker.shown(hit.query, hit) ?? session.query;
  }

  /** Asks the policies when they want to look at the session again. */
  planReview(session: Session): void {
    if (this.settings.reviewers.length > 0) this.deadlines.planReview(session, this.copy(session));
  }

  /** The policies allowed the stream and token it opened with. */
  allow(session: Session): void {
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, allowed: true });
  }

  private tagAsPolicySays(session: Session, tags: Readonly<Record<string, string>>): void {
    try {
      this.tagSession(session, tags);
    } catch (error) {
      this.logger.warn({ err: error }, 'a policy gave tags that cannot be kept; the session has none of them');
    }
  }

  private credit(session: Session, bytes: number, now: number): void {
    if (bytes === 0) return;
    session.credit(bytes, now);
    this.counters.bytes += bytes;
    if (session.isReviewDue && !session.isClosed) this.deadlines.wheel.place(session, now);
  }

  private announce(session: Session, now: number): void {
    if (!this.hub.wants('updated')) return;
    const interval = this.settings.updateIntervalMs;
    if (interval === 0 || now - session.announcedAt < interval) return;
    session.announcedAt = now;
    this.emit('updated', session, updatedEnvelope);
  }

  private emit(name: 'opened' | 'updated', session: Session, wire: typeof openedEnvelope): void {
    const now = this.clock.now();
    const copy = frozen(session.snapshot(now, this.settings.exposeTokens));
    this.hub.emit(name, Object.freeze({ seq: this.hub.nextSeq(), occurredAt: now, session: copy }), wire);
  }
}

const nothing = (): void => undefined;

/** A hit that has been answered, and not with what it asked for. */
export const isError = ({ status }: HttpHit): boolean => status !== undefined && status >= 400;

/** What several listeners share, none can change for the others. */
function frozen(copy: PlaySession): PlaySession {
  for (const list of [copy.streams, copy.protocols, copy.ips]) Object.freeze(list);
  return Object.freeze(copy);
}

export const sessionExists = (id: string): StreamSessionsError =>
  new StreamSessionsError('ERR_SESSION_EXISTS', `A session with the id "${id}" is live already.`);
