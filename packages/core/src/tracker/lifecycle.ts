import { randomBytes, randomUUID } from 'node:crypto';
import { TimingWheel } from '../deadlines/timing-wheel.js';
import { closedEnvelope, openedEnvelope, updatedEnvelope } from '../events/envelope.js';
import type { EventHub } from '../events/event-hub.js';
import { nameKey } from '../identity/name.js';
import { redact } from '../identity/secrets.js';
import type { ConnHit, HttpHit } from '../model/hit.js';
import type { CloseReason, NamedBy, PlaySession } from '../model/play-session.js';
import type { Approval, Policy } from '../policy/policy.js';
import { learnName, rename, sharedHome } from '../registry/household.js';
import type { Registry } from '../registry/registry.js';
import { makeRoom, Session } from '../registry/session.js';
import { TraitsPool } from '../registry/traits.js';
import type { Clock } from '../support/clock.js';
import { StreamSessionsError } from '../support/errors.js';
import type { Logger } from '../support/logger.js';
import { keep, ownCopy, StringPool } from '../support/strings.js';
import type { Counters } from './counters.js';
import { countable, type HandleOwner, type OpenHandle } from './handles.js';
import { MAX_TEXT_LENGTH, type Observation } from './observation.js';
import type { Settings } from './settings.js';

/** Redacting is linear, but a query may be a megabyte; more than this is not read. */
const MAX_REDACTED = 16_384;
/** Of a session that HTTP never touched: before any time at which a hit could keep it open. */
const NO_HIT = Number.MIN_SAFE_INTEGER;
const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 256;

/**
 * What can happen to a session: it opens, is joined, is touched, ends. Each is one synchronous transition, finished
 * before its event leaves; the event loop is the lock.
 */
export class Lifecycle implements HandleOwner {
  readonly wheel: TimingWheel<Session>;
  private readonly texts = new StringPool();
  private readonly traits: TraitsPool;

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly hub: EventHub,
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly fingerprint: (token: string) => string,
    private readonly firstOpened: () => void,
  ) {
    const now = clock.now();
    this.wheel = new TimingWheel(now);
    this.traits = new TraitsPool(Math.floor(now));
  }

  copy(session: Session, now = this.clock.now()): PlaySession {
    if (session.isClosed) {
      const visit = this.registry.closed.get(session.id);
      if (visit?.openedAt === session.openedAt) return visit;
      now = session.rare?.closedAt ?? now;
    }
    return session.snapshot(now, this.settings.exposeTokens);
  }

  /** The live session that this observation would open, if somebody else has opened it. */
  opened(observation: Observation): Session | undefined {
    const id = observation.household === undefined ? undefined : observation.session();
    const known = id === undefined ? undefined : this.registry.get(id);
    if (known === undefined || !observation.recipe.byName) return known;
    return known.namedBy === observation.namedBy && known.name === observation.name ? known : undefined;
  }

  /**
   * The live session of this observation, opened unless somebody else has done so meanwhile.
   *
   * @throws StreamSessionsError ERR_SESSION_EXISTS when a connection brings an id that is live.
   */
  open(observation: Observation, approval: Approval | undefined): Session {
    const { recipe, hit, household, namedBy, name, isConnection } = observation;
    const known = this.opened(observation);
    if (known !== undefined) {
      this.joinAs(known, observation);
      return known;
    }
    let id = observation.session() ?? randomUUID();
    if (this.registry.get(id) !== undefined) {
      if (household === undefined) throw sessionExists(id);
      // Whose id this was goes by another name since: see `adopts`.
      id = randomBytes(8).toString('hex');
    }
    const now = this.clock.now();
    // A visit is (id, openedAt): who comes back within the same millisecond opens one later.
    const last = this.registry.closed.get(id)?.openedAt ?? -1;
    const ip = ownCopy(observation.ip);
    const { secure = false, dvr = false, protocol } = hit;
    const session = new Session(
      id,
      this.traits.share({
        kind: recipe.kind,
        namedBy,
        protocol,
        secure,
        dvr,
        country: observation.country(this.settings.geo, this.logger),
        allowed: approval !== undefined,
        fresh: true,
        closeReason: undefined,
      }),
      name === undefined ? undefined : ownCopy(name),
      this.registry.streamEntry(ownCopy(hit.stream)),
      ip,
      observation.network === observation.ip ? ip : this.texts.share(observation.network),
      hit.userAgent ? this.texts.share(hit.userAgent) : undefined,
      Math.max(now, last + 1),
    );
    this.describe(session, hit, isConnection);
    // It has connections only, so far: no hit keeps it open behind the last of them.
    if (isConnection && household !== undefined) session.rarities.lastHitAt = NO_HIT;
    const home = household === observation.network ? session.network : household && ownCopy(household);
    this.registry.add(session, recipe, home);
    this.counters.opened++;
    this.credit(session, countable(hit.bytes), now);
    if (approval !== undefined) this.approve(session, approval);
    this.planReview(session);
    this.wheel.place(session, this.nextLook(session));
    this.firstOpened();
    if (this.hub.wants('opened')) this.emit('opened', session, openedEnvelope);
    return session;
  }

  /**
   * Players tell their CMCD sid only from their second request on (hls.js 1.7, dash.js 5.2): a session that has had one
   * hit, of the same player, and knows no such name is the one that this name belongs to. False: it is not.
   */
  adopts(session: Session, namedBy: NamedBy, name: string): boolean {
    if (!session.traits.fresh) return false;
    if (session.namedBy === 'fingerprint') {
      rename(session, ownCopy(name), this.traits.share({ ...session.traits, namedBy }));
      return true;
    }
    return session.namedBy === 'token' && session.sid === undefined && session.playerSessionId === undefined;
  }

  /** Another request or connection of a live session. */
  joinAs(session: Session, { hit, ip, network, isConnection }: Observation): void {
    const lastHitAt = session.rare?.lastHitAt ?? -Infinity;
    const before = lastHitAt === -Infinity ? session.updatedAt : lastHitAt;
    this.join(session, hit, ip, network, countable(hit.bytes));
    if (isConnection) session.rarities.lastHitAt = before;
  }

  /** A hit of a live session, and the bytes that came with it. Returns the time. */
  join(session: Session, hit: HttpHit, ip: string, network: string, bytes = 0): number {
    const now = this.clock.now();
    session.updatedAt = now;
    if (session.traits.fresh) session.traits = this.traits.share({ ...session.traits, fresh: false });
    if (hit.protocol !== session.protocol) this.changeProtocol(session, hit.protocol);
    if (hit.userAgent !== session.userAgent && hit.userAgent) this.changeUserAgent(session, hit.userAgent);
    if (hit.sid && hit.sid !== session.sid) this.changeSid(session, hit.sid);
    if (hit.playerSessionId) this.seePlayer(session, hit.playerSessionId);
    this.place(session, hit.stream, ip, network);
    if (session.rare !== undefined) session.rare.lastHitAt = now;
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
    this.credit(session, bytes, now);
    this.announce(session, now);
  }

  receive(session: Session, received: number): void {
    const bytes = countable(received);
    if (bytes === 0) return;
    const now = this.clock.now();
    session.updatedAt = now;
    session.rarities.bytesReceived += bytes;
    session.begin(now);
    this.announce(session, now);
  }

  requestEnded(session: Session, handle: OpenHandle, bytes: number): void {
    if (!session.isClosed) this.touch(session, handle, bytes);
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
    session.traits = this.traits.share({ ...session.traits, closeReason: reason });
    this.wheel.remove(session);
    // Gone from every list before foreign code runs: what it causes must not find a session that is ending.
    this.registry.delete(session, this.settings.recipes[session.kind]);
    const open = session.handles !== undefined;
    for (let handle = session.handles; handle !== undefined; handle = session.handles) {
      if (options.cut === false) handle.detach();
      else this.credit(session, handle.cut(reason), now);
    }
    // Watch time ends with the last activity; what was open was watched until now, save the silence before an idle end.
    if (open && reason !== 'idle') session.updatedAt = now;
    // A handle may still be asked for its session when the visit has long left the list.
    if (open) session.rarities.closedAt = now;
    if (options.detail !== undefined) session.rarities.closeDetail = options.detail;
    this.counters.closed++;
    if (reason === 'idle') this.counters.idleClosed++;
    if (reason === 'kicked') this.counters.kicked++;
    const visit = frozen(session.snapshot(now, this.settings.exposeTokens));
    this.registry.closed.add(visit);
    if (this.hub.wants('closed')) {
      const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt: now, session: visit, reason });
      this.hub.emit('closed', event, closedEnvelope);
    }
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
    for (const [key, value] of Object.entries(tags)) {
      if (typeof value !== 'string' || key === '' || key.length > MAX_TAG_LENGTH || value.length > MAX_TAG_LENGTH) {
        throw new StreamSessionsError(
          'ERR_BAD_TAG',
          `A tag is a name and a text of at most ${MAX_TAG_LENGTH} characters.`,
        );
      }
    }
    const merged = Object.assign(Object.create(null) as Record<string, string>, session.tags, tags);
    if (Object.keys(merged).length > MAX_TAGS) {
      throw new StreamSessionsError('ERR_BAD_TAG', `A session has at most ${MAX_TAGS} tags.`);
    }
    session.rarities.tags = merged;
  }

  /** What the policies' yes says of the session. */
  approve(session: Session, approval: Approval): void {
    if (approval.userId !== undefined) {
      this.registry.setUser(session, approval.userId);
      session.rarities.vouched = true;
    }
    if (approval.tags !== undefined) this.tagAsPolicySays(session, approval.tags);
    if (approval.limits !== undefined) session.rarities.limits = approval.limits;
    if (approval.expiresAt !== undefined) {
      session.rarities.expiresAt = approval.expiresAt;
      this.wheel.place(session, this.nextLook(session));
    }
  }

  /** Asks the policies when they want to look at the session again. */
  planReview(session: Session): void {
    if (this.settings.reviewers.length === 0) return;
    const rare = session.rarities;
    rare.reviewAt = rare.reviewBytes = Infinity;
    const copy = this.copy(session);
    for (const policy of this.settings.reviewers) {
      const { at, bytes } = this.deadlineOf(policy, copy) ?? OVERDUE;
      rare.reviewAt = Math.min(rare.reviewAt, at);
      rare.reviewBytes = Math.min(rare.reviewBytes, bytes);
    }
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
    if (rare !== undefined && session.bytes >= rare.reviewBytes) at = Math.min(at, session.updatedAt);
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

  /** The policies allowed the stream and token it opened with. */
  allow(session: Session): void {
    session.traits = this.traits.share({ ...session.traits, allowed: true });
  }

  private tagAsPolicySays(session: Session, tags: Readonly<Record<string, string>>): void {
    try {
      this.tagSession(session, tags);
    } catch (error) {
      this.logger.warn({ err: error }, 'a policy gave tags that cannot be kept; the session has none of them');
    }
  }

  private describe(session: Session, hit: HttpHit & Partial<ConnHit>, isConnection: boolean): void {
    session.fingerprint = session.token === undefined ? undefined : this.fingerprint(session.token);
    session.query = this.shown(hit.query, session.token);
    if (isConnection) session.begin(session.openedAt);
    if (hit.sid && session.namedBy !== 'cmcd') session.rarities.sid = ownCopy(hit.sid);
    if (hit.playerSessionId && session.namedBy !== 'playback-session') {
      session.rarities.playerSessionId = ownCopy(hit.playerSessionId);
    }
    const referer = this.shown(hit.referer, session.token);
    if (referer !== undefined) session.rarities.referer = referer;
    if (hit.userId) this.registry.setUser(session, ownCopy(hit.userId));
  }

  private shown(text: string | undefined, token: string | undefined): string | undefined {
    if (!text) return undefined;
    return keep(redact(text.slice(0, MAX_REDACTED), token, this.fingerprint), MAX_TEXT_LENGTH);
  }

  private credit(session: Session, bytes: number, now: number): void {
    if (bytes === 0) return;
    session.credit(bytes, now);
    this.counters.bytes += bytes;
    const { rare } = session;
    if (rare !== undefined && session.bytes >= rare.reviewBytes && !session.isClosed) this.wheel.place(session, now);
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

  /** Where it is seen now. What its recipe already says is not compared again. */
  private place(session: Session, stream: string, ip: string, network: string): void {
    const { byAddress, byStream } = this.settings.recipes[session.traits.kind];
    const sameAddress = byAddress && ip === network;
    if (!sameAddress && ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    if (!byStream && stream !== session.entry.code) this.registry.addStream(session, stream);
  }

  private changeProtocol(session: Session, raw: string): void {
    const protocol = this.texts.share(raw);
    const protocols = session.rare?.protocols ?? [session.protocol];
    session.traits = this.traits.share({ ...session.traits, protocol });
    if (protocols.includes(protocol)) return;
    makeRoom(protocols);
    protocols.push(protocol);
    session.rarities.protocols = protocols;
  }

  /** Shows the latest, remembers all. */
  private changeUserAgent(session: Session, userAgent: string): void {
    learnName(session, 'fingerprint', session.userAgent ?? '');
    session.userAgent = this.texts.share(userAgent);
    sharedHome(session)?.see(session, nameKey('fingerprint', session.userAgent));
  }

  private changeSid(session: Session, sid: string): void {
    if (session.namedBy === 'cmcd') return learnName(session, 'cmcd', sid);
    const rare = session.rarities;
    if (rare.sid !== undefined) learnName(session, 'cmcd', rare.sid);
    rare.sid = ownCopy(sid);
    sharedHome(session)?.see(session, nameKey('cmcd', sid));
  }

  private seePlayer(session: Session, id: string): void {
    if (session.playerSessionId === id) return;
    if (session.namedBy === 'playback-session') return learnName(session, 'playback-session', id);
    const rare = session.rarities;
    if (rare.playerSessionId !== undefined) learnName(session, 'playback-session', rare.playerSessionId);
    rare.playerSessionId = ownCopy(id);
    sharedHome(session)?.see(session, nameKey('playback-session', id));
  }
}

/** What several listeners share, none can change for the others. */
function frozen(copy: PlaySession): PlaySession {
  for (const list of [copy.streams, copy.protocols, copy.ips]) Object.freeze(list);
  return Object.freeze(copy);
}

/** A policy that fails to say when is looked at now. */
const OVERDUE = { at: 0, bytes: Infinity };

const isTime = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);

export const sessionExists = (id: string): StreamSessionsError =>
  new StreamSessionsError('ERR_SESSION_EXISTS', `A session with the id "${id}" is live already.`);
