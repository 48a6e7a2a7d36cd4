import { randomBytes } from 'node:crypto';
import { EventHub } from '../events/event-hub.js';
import type { EventSink, TrackerEvents } from '../types/event.js';
import { matchesSession } from '../denials/live-match.js';
import { readTarget } from '../denials/target.js';
import { bestNameKind, givenName } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import { fingerprinter } from '../identity/fingerprint.js';
import type { Denial, DenialTarget } from '../types/denial.js';
import type { ConnHit, HttpHit } from '../types/hit.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { PlaySession, SessionFilter, StreamSummary } from '../types/play-session.js';
import type { Admission, Closer, ConnHandle, PendingAdmission, RequestHandle } from '../types/admission.js';
import { Pipeline } from '../policy/pipeline.js';
import type { TrackerView } from '../types/policy.js';
import { ClosedSessions } from '../registry/closed-sessions.js';
import { checkFilter, isEmptyFilter } from '../registry/filter.js';
import { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import { systemClock, type Clock } from '../support/clock.js';
import { StreamSessionsError } from '../support/errors.js';
import { consoleLogger, isolated } from '../support/logger.js';
import { checkOptions } from '../support/options.js';
import { Admissions } from '../admission/admissions.js';
import { Totals } from '../registry/totals.js';
import { checkDuration, Denials } from '../denials/denials.js';
import { explain } from './explain.js';
import type { Explanation } from '../types/explanation.js';
import { countable, TrackedConnection, TrackedRequest } from '../lifecycle/handles.js';
import { DecidedCredentials } from '../admission/decided-credentials.js';
import { Lifecycle, sessionExists } from '../lifecycle/lifecycle.js';
import { Sweeper } from '../sweeper/sweeper.js';
import { ResolvedHit } from '../identity/resolved-hit.js';
import type { HotOptions, TrackerOptions } from '../types/options.js';
import { Reviews } from '../sweeper/reviews.js';
import type { DenyOptions, InvalidateResult, KickOptions, SessionTracker, TrackerStats } from '../types/tracker.js';
import { Evictions } from '../admission/evictions.js';
import { Settings } from '../settings/settings.js';
import { check, isConnection, tidyConnection, tidyRequest } from '../identity/tidy.js';

/** So many sessions are closed before the event loop gets its turn, when all are to go. */
const CLOSED_AT_ONCE = 1024;

/** The conductor: normalises what comes in, finds who is meant, and passes it to the part that knows what to do. */
export class Tracker implements SessionTracker {
  private readonly settings: Settings;
  private readonly clock: Clock;
  private readonly hub: EventHub;
  private readonly registry: Registry;
  private readonly denied: Denials;
  private readonly lifecycle: Lifecycle;
  private readonly admissions: Admissions;
  private readonly reviews: Reviews;
  private readonly sweeper: Sweeper;
  private readonly counters = new Totals();
  private stopping: Promise<void> | undefined = undefined;

  constructor(options: TrackerOptions) {
    this.settings = new Settings(options);
    const clock = (this.clock = options.clock ?? systemClock);
    const logger = isolated(options.logger ?? consoleLogger);
    const fingerprint = fingerprinter(options.fingerprintKey ?? randomBytes(32));
    const { settings, counters } = this;
    const hub = (this.hub = new EventHub(logger));
    const registry = (this.registry = new Registry(
      new ClosedSessions(settings.closedRetentionMs, settings.closedRetentionMax),
    ));
    const pipeline = new Pipeline(clock, logger, () => settings.policyTimeoutMs);
    const view = this.view();
    const firstOpened = options.autoStart === false ? () => undefined : () => this.sweeper.start();
    const desk = (this.denied = new Denials(settings, hub, counters, clock, fingerprint));
    const life = new Lifecycle(settings, registry, hub, counters, clock, logger, fingerprint, firstOpened, (session) =>
      desk.replaced.ended(session),
    );
    this.lifecycle = life;
    const decided = new DecidedCredentials(settings, life, clock);
    const room = new Evictions(registry, desk, life, pipeline);
    const asking = { pipeline, view, decided, room };
    this.admissions = new Admissions(settings, registry, desk, life, asking, counters, clock, logger);
    this.reviews = new Reviews(settings, life, this.admissions, room, desk, pipeline, view);
    this.sweeper = new Sweeper(settings, life, this.reviews, clock, (now) => {
      registry.closed.expire(now);
      desk.expire(now);
    });
  }

  trackHttp(raw: HttpHit): PlaySession | null {
    const hit = tidyRequest(raw);
    const { recipes, addresses } = this.settings;
    const recipe = recipes[hit.kind ?? 'viewer'];
    const ip = addresses.address(hit.ip);
    const network = addresses.network(ip);
    const known = this.find(recipe, hit, network);
    if (known !== undefined && !this.admissions.mustAskDenials(known, hit, ip, network)) {
      return this.lifecycle.copy(known, this.lifecycle.join(known, hit, ip, network, countable(hit.bytes)));
    }
    const resolved = resolveRequest(hit, recipe, ip, network);
    const session = this.admissions.record(resolved, known ?? this.lifecycle.merger.adopter(resolved));
    return session === undefined ? null : this.lifecycle.copy(session);
  }

  openConn(raw: ConnHit): { session: PlaySession | null; closer: Closer } {
    const resolved = this.resolveConnection(raw);
    const joins = this.findMerged(resolved);
    const session = this.admissions.record(resolved, joins);
    const closer = new TrackedConnection(this.lifecycle, session, this.clock.now());
    return { session: session === undefined ? null : this.lifecycle.copy(session), closer };
  }

  admit(hit: ConnHit): Admission<ConnHandle> | PendingAdmission<ConnHandle>;
  admit(hit: HttpHit): Admission<RequestHandle> | PendingAdmission<RequestHandle>;
  admit(
    hit: ConnHit | HttpHit,
  ): Admission<ConnHandle> | PendingAdmission<ConnHandle> | Admission<RequestHandle> | PendingAdmission<RequestHandle> {
    return isConnection(hit) ? this.admitConnection(hit) : this.admitRequest(hit);
  }

  list(filter: SessionFilter = {}): PlaySession[] {
    return this.rows(filter, false);
  }

  count(filter: SessionFilter = {}): number {
    return this.countRows(filter, false);
  }

  streams(): StreamSummary[] {
    return this.registry.streams();
  }

  get(id: string): PlaySession | undefined {
    const live = this.registry.get(id);
    if (live !== undefined) return this.lifecycle.copy(live);
    this.registry.closed.expire(this.clock.now());
    return this.registry.closed.get(id);
  }

  kick(id: string, options: KickOptions = {}): boolean {
    const { denyForMs = this.settings.deniedRetentionMs, reason } = options;
    checkDuration('denyForMs', denyForMs);
    const session = this.registry.get(id);
    if (session === undefined) return false;
    // The denial first: what the cut connection causes must already find the door shut.
    this.denied.denyKicked(session, denyForMs, reason);
    return this.lifecycle.close(session, 'kicked', { detail: reason });
  }

  kickAll(filter: SessionFilter, options?: KickOptions): number {
    checkFilter(filter);
    if (isEmptyFilter(filter)) {
      throw new StreamSessionsError('ERR_EMPTY_FILTER', 'An empty filter would kick everybody. Say whom you mean.');
    }
    if (filter.status === 'closed') return 0;
    const ids = this.rows({ ...filter, status: 'active' }, true).map((session) => session.id);
    return ids.filter((id) => this.kick(id, options)).length;
  }

  tag(id: string, tags: Record<string, string>): boolean {
    const session = this.registry.get(id);
    if (session === undefined) return false;
    this.lifecycle.tagSession(session, tags);
    return true;
  }

  deny(rawTarget: DenialTarget, options: DenyOptions = {}): Denial {
    const target = readTarget(rawTarget);
    const { forMs = this.settings.deniedRetentionMs, reason } = options;
    checkDuration('forMs', forMs);
    const denial = this.denied.deny(target, forMs, reason);
    for (const session of this.liveSuspects(target)) {
      if (matchesSession(target, session, this.settings.addresses))
        this.lifecycle.close(session, 'denied', { detail: reason });
    }
    return denial;
  }

  liftDenial(which: string | DenialTarget): boolean {
    return this.denied.lift(which);
  }

  denials(): Denial[] {
    return this.denied.list();
  }

  async invalidate(streams?: string | readonly string[]): Promise<InvalidateResult> {
    const codes = typeof streams === 'string' ? [streams] : streams;
    const denialsLifted = this.denied.liftRemembered(
      ({ target }) => codes === undefined || (target.stream !== undefined && codes.includes(target.stream)),
    );
    const sessions = new Set((codes ?? [undefined]).flatMap((code) => this.registry.liveOf(code)));
    return { ...(await this.reviews.decideAgain([...sessions])), denialsLifted };
  }

  async reauthorize(target: { user?: string; session?: string }): Promise<InvalidateResult> {
    checkOptions('reauthorize()', target, ['user', 'session']);
    const { user, session: id } = target;
    if (!user && !id) {
      throw new StreamSessionsError('ERR_EMPTY_FILTER', 'reauthorize() needs a user or a session.');
    }
    const denialsLifted = user ? this.denied.liftRemembered((denial) => denial.target.user === user) : 0;
    const one = id ? this.registry.get(id) : undefined;
    const sessions = id ? (one === undefined ? [] : [one]) : this.registry.liveOfUser(user as string);
    const meant = user ? sessions.filter((session) => session.userId === user) : sessions;
    return { ...(await this.reviews.decideAgain(meant)), denialsLifted };
  }

  explain(id: string): Explanation | undefined {
    this.registry.closed.expire(this.clock.now());
    return explain(id, this.registry, this.settings, this.denied);
  }

  get authorises(): boolean {
    return this.settings.authorises;
  }

  stats(): TrackerStats {
    const { counters, registry } = this;
    return {
      active: registry.live.size,
      openedTotal: counters.opened,
      closedTotal: counters.closed,
      idleClosedTotal: counters.idleClosed,
      kickedTotal: counters.kicked,
      deniedTotal: counters.denied,
      overloadTotal: counters.overload,
      droppedEventsTotal: this.hub.dropped,
      viewers: registry.counts.viewer,
      inputs: registry.counts.input,
      outputs: registry.counts.output,
      bytesTotal: counters.bytes,
    };
  }

  updateConfig(patch: HotOptions): void {
    const { recipes: before, addresses } = this.settings;
    const wasEnabled = this.settings.enabled;
    this.settings.update(patch);
    const { recipes, closedRetentionMs, closedRetentionMax } = this.settings;
    for (const kind of SESSION_KINDS) {
      if (recipes[kind].signature !== before[kind].signature) this.registry.forgetGroups(kind);
    }
    Object.assign(this.registry.closed, { retentionMs: closedRetentionMs, max: closedRetentionMax });
    this.registry.closed.expire(this.clock.now());
    if (this.settings.addresses !== addresses) {
      this.registry.placeAgain((ip) => this.settings.addresses.network(ip));
      this.denied.placeAgain();
    }
    this.denied.resize();
    this.lifecycle.deadlines.wheel.placeAllNow();
    if (wasEnabled && !this.settings.enabled) void this.closeAll(false, () => !this.settings.enabled);
  }

  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void {
    return this.hub.on(event, listener);
  }

  addSink(sink: EventSink): () => void {
    return this.hub.addSink(sink);
  }

  start(): void {
    if (!this.admissions.stopped) this.sweeper.start();
  }

  sweep(): void {
    this.sweeper.sweep();
  }

  stop(options: { timeoutMs?: number } = {}): Promise<void> {
    return (this.stopping ??= this.shutDown(options.timeoutMs ?? 10_000));
  }

  private admitRequest(raw: HttpHit): Admission<RequestHandle> | PendingAdmission<RequestHandle> {
    const hit = tidyRequest(raw);
    const { recipes, addresses } = this.settings;
    const recipe = recipes[hit.kind ?? 'viewer'];
    const ip = addresses.address(hit.ip);
    const network = addresses.network(ip);
    let session = this.find(recipe, hit, network);
    let resolved: ResolvedHit | undefined;
    if (session === undefined) {
      resolved = resolveRequest(hit, recipe, ip, network);
      session = this.lifecycle.merger.adopter(resolved);
    }
    if (
      session !== undefined &&
      !this.admissions.mustAsk(session, hit, session.namedBy !== bestNameKind(hit), recipe, network)
    ) {
      if (resolved !== undefined || this.admissions.mayBeDenied(session, hit, ip, network)) {
        resolved ??= resolveRequest(hit, recipe, ip, network);
        const refused = this.denied.match(resolved, session);
        if (refused !== undefined) return refused;
      }
      const request = new TrackedRequest(this.lifecycle, session, this.lifecycle.join(session, hit, ip, network));
      this.lifecycle.deadlines.watch(session);
      return request;
    }
    return this.admissions.decide(resolved ?? resolveRequest(hit, recipe, ip, network), session);
  }

  private admitConnection(raw: ConnHit): Admission<ConnHandle> | PendingAdmission<ConnHandle> {
    const resolved = this.resolveConnection(raw);
    const joins = this.findMerged(resolved);
    if (
      joins !== undefined &&
      !this.admissions.mustAsk(joins, resolved.hit, false, resolved.recipe, resolved.network)
    ) {
      const refused = this.denied.match(resolved, joins);
      if (refused !== undefined) return refused;
      this.lifecycle.joinAs(joins, resolved);
      return new TrackedConnection(this.lifecycle, joins, this.clock.now());
    }
    return this.admissions.decide(resolved, joins);
  }

  private find(recipe: Recipe, hit: HttpHit, network: string): Session | undefined {
    const aliases = this.settings.aliases && recipe.aliasable;
    const { stream, userAgent = '' } = hit;
    const groupKey = recipe.groupKey(network, hit.protocol, userAgent);
    const name = givenName(hit) ?? userAgent;
    return this.registry.find(recipe, stream, groupKey, bestNameKind(hit), name, aliases);
  }

  private findMerged({ recipe, stream, groupKey, namedBy, name }: ResolvedHit): Session | undefined {
    return groupKey === undefined
      ? undefined
      : this.registry.find(recipe, stream, groupKey, namedBy, name ?? '', this.settings.aliases);
  }

  private resolveConnection(raw: ConnHit): ResolvedHit {
    const hit = tidyConnection(raw);
    check(hit, 'remoteAddress');
    if (hit.id !== undefined && this.registry.get(hit.id) !== undefined) {
      throw sessionExists(hit.id);
    }
    return ResolvedHit.ofConnection(hit, this.settings.recipes[hit.kind ?? 'viewer'], this.settings);
  }

  /** `unserved`: also those who are in no list yet. */
  private rows(filter: SessionFilter, unserved: boolean): PlaySession[] {
    checkFilter(filter);
    const { registry, settings, lifecycle } = this;
    registry.closed.expire(this.clock.now());
    return registry.list(filter, settings.addresses, (session) => lifecycle.copy(session), unserved);
  }

  private countRows(filter: SessionFilter, unserved: boolean): number {
    checkFilter(filter);
    this.registry.closed.expire(this.clock.now());
    return this.registry.count(filter, this.settings.addresses, unserved);
  }

  /** Live sessions that a denial of this target could mean: by the narrowest index there is. */
  private liveSuspects({ session: id, user, stream, ip }: DenialTarget): Session[] {
    const { registry, settings } = this;
    if (id !== undefined) return [registry.get(id)].filter((session) => session !== undefined);
    if (user !== undefined) return registry.liveOfUser(user);
    if (stream !== undefined) return registry.liveOf(stream);
    if (ip !== undefined && !ip.includes('/')) {
      return registry.liveOfNetwork(settings.addresses.network(settings.addresses.address(ip)));
    }
    return registry.liveOf();
  }

  private view(): TrackerView {
    const { clock, registry } = this;
    return Object.freeze({
      get now() {
        return clock.now();
      },
      count: (filter: SessionFilter) => this.countRows(filter, true),
      list: (filter: SessionFilter) => this.rows(filter, true),
      activeAt(id: string) {
        const session = registry.get(id);
        return session?.handles === undefined ? session?.updatedAt : clock.now();
      },
    });
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    this.admissions.stopped = true;
    this.sweeper.stop();
    await this.closeAll(true, () => true);
    let timer: unknown;
    const timeout = new Promise<void>((resolve) => {
      timer = this.clock.setTimeout(() => {
        this.hub.abandon();
        resolve();
      }, timeoutMs);
    });
    await Promise.race([this.hub.close(), timeout]);
    this.clock.clearTimeout(timer);
  }

  /** The first thousand at once, the others without stalling the event loop. */
  private async closeAll(cut: boolean, goOn: () => boolean): Promise<void> {
    while (goOn()) {
      for (let i = 0; i < CLOSED_AT_ONCE; i++) {
        const session = this.registry.firstLive();
        if (session === undefined) return;
        this.lifecycle.close(session, 'shutdown', { cut });
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

/** A request that a quick look does not do for: what is wrong with it would be kept, or asked about. */
function resolveRequest(hit: HttpHit, recipe: Recipe, ip: string, network: string): ResolvedHit {
  check(hit, 'ip');
  return ResolvedHit.ofRequest(hit, recipe, ip, network);
}
