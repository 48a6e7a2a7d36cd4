import type { Admissions } from '../admission/admissions.js';
import { gone } from '../admission/pending-openings.js';
import type { Denials } from '../denials/denials.js';
import { bestNameKind } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import { ResolvedHit } from '../identity/resolved-hit.js';
import { check, isConnection, tidyConnection, tidyRequest } from '../identity/tidy.js';
import type { Activity } from '../lifecycle/activity.js';
import { TrackedRequest } from '../lifecycle/handles.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Registry } from '../registry/registry.js';
import type { Resolver } from '../registry/resolver.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import { countable } from '../support/numbers.js';
import { badOption, checkDuration, checkOptions } from '../support/options.js';
import type { Admission, Closer, ConnHandle, PendingAdmission, RequestHandle } from '../types/admission.js';
import { CLUSTER_PORT, type ClusterPort, type FoundVisit } from '../types/cluster.js';
import type { Denial, DenialRecord, DenialTarget } from '../types/denial.js';
import type { EventSink, SinkOptions, SourceChange, TrackerEvents } from '../types/event.js';
import type { Explanation } from '../types/explanation.js';
import type { ConnHit, HttpHit } from '../types/hit.js';
import type { HotOptions, TrackerOptions } from '../types/options.js';
import type { PlaySession, SessionFilter, StreamSummary } from '../types/play-session.js';
import type { StateRecords } from '../types/state.js';
import type { TrackerStats } from '../types/stats.js';
import type { DenyOptions, InvalidateResult, KickOptions } from '../types/operations.js';
import type { SessionTracker } from '../types/tracker.js';
import { assemble, type Parts } from './assemble.js';
import { ClusterSide } from './cluster-side.js';
import { Connections } from './connections.js';
import { explain } from './explain.js';
import { once, onceFound } from './once.js';
import { Persistence } from './persistence.js';
import { reconfigure } from './reconfigure.js';
import { Shutdown } from './shutdown.js';
import { statsOf } from './stats.js';

/** The entry point: normalises input, finds the session concerned, and delegates to the responsible part. */
export class Tracker implements SessionTracker {
  private readonly parts: Parts;
  private readonly settings: Settings;
  private readonly clock: Clock;
  private readonly registry: Registry;
  private readonly resolver: Resolver;
  private readonly denied: Denials;
  private readonly lifecycle: Lifecycle;
  private readonly activity: Activity;
  private readonly admissions: Admissions;
  private readonly connections: Connections;
  private readonly shutdown: Shutdown;
  private readonly persistence: Persistence | undefined;
  private clusterSide: ClusterSide | undefined = undefined;

  constructor(options: TrackerOptions) {
    const parts = (this.parts = assemble(options));
    this.settings = parts.settings;
    this.clock = parts.clock;
    this.registry = parts.registry;
    this.resolver = parts.resolver;
    this.denied = parts.denials;
    this.lifecycle = parts.lifecycle;
    this.activity = parts.lifecycle.activity;
    this.admissions = parts.admissions;
    this.connections = new Connections(parts);
    this.persistence = options.state === undefined ? undefined : new Persistence(options.state, parts);
    this.shutdown = new Shutdown(parts, this.persistence);
    parts.attachments.update();
  }

  trackHttp(raw: HttpHit): PlaySession | null {
    if (this.persistence?.isLoading === true) return null;
    const hit = tidyRequest(raw);
    const { recipes, addresses } = this.settings;
    const recipe = recipes[hit.kind ?? 'viewer'];
    const ip = addresses.address(hit.ip);
    const network = addresses.network(ip);
    const known = this.resolver.find(recipe, hit, network);
    if (known !== undefined && !this.admissions.mustAskDenials(known, hit, ip, network)) {
      return this.lifecycle.copy(known, this.activity.join(known, hit, ip, network, countable(hit.bytes)));
    }
    const resolved = resolveRequest(hit, recipe, ip, network);
    const session = this.admissions.record(resolved, known ?? this.resolver.adopter(resolved));
    return session === undefined ? null : this.lifecycle.copy(session);
  }

  openConn(raw: ConnHit): { session: PlaySession | null; closer: Closer } {
    return this.connections.open(raw);
  }

  admit(hit: ConnHit): Admission<ConnHandle> | PendingAdmission<ConnHandle>;
  admit(hit: HttpHit): Admission<RequestHandle> | PendingAdmission<RequestHandle>;
  admit(
    hit: ConnHit | HttpHit,
  ): Admission<ConnHandle> | PendingAdmission<ConnHandle> | Admission<RequestHandle> | PendingAdmission<RequestHandle> {
    if (this.persistence?.isLoading === true) return this.admitWhenReady(hit, this.persistence.ready);
    return isConnection(hit) ? this.connections.admit(hit) : this.admitRequest(hit);
  }

  get ready(): Promise<void> {
    return this.persistence?.ready ?? Promise.resolve();
  }

  async saved(): Promise<void> {
    await this.persistence?.saved();
  }

  records(owner: string): StateRecords | undefined {
    if (!/^[a-z0-9-]{1,64}$/.test(owner))
      throw badOption('records: the owner', 'lower-case letters, digits and dashes', owner);
    return this.persistence?.records(owner);
  }

  list(filter: SessionFilter = {}): PlaySession[] {
    return this.parts.queries.list(filter);
  }

  count(filter: SessionFilter = {}): number {
    return this.parts.queries.count(filter);
  }

  streams(): StreamSummary[] {
    return this.registry.liveStreams.summaries();
  }

  get(id: string): PlaySession | undefined {
    return this.parts.queries.get(id);
  }

  kick(id: string, options?: KickOptions): boolean {
    return this.parts.operator.kick(id, options);
  }

  kickAll(filter: SessionFilter, options?: KickOptions): number {
    return this.parts.operator.kickAll(filter, options).length;
  }

  tag(id: string, tags: Record<string, string>): boolean {
    const session = this.registry.get(id);
    if (session === undefined) return false;
    this.activity.tag(session, tags);
    return true;
  }

  deny(target: DenialTarget, options?: DenyOptions): Denial {
    return this.parts.operator.deny(target, options);
  }

  liftDenial(which: string | DenialTarget): boolean {
    return this.denied.lift(which);
  }

  denials(): Denial[] {
    return this.denied.list();
  }

  exportDenials(): DenialRecord[] {
    return this.denied.export();
  }

  importDenials(records: readonly DenialRecord[]): number {
    return this.denied.import(records);
  }

  invalidate(streams?: string | readonly string[]): Promise<InvalidateResult> {
    return this.parts.operator.invalidate(streams);
  }

  reauthorize(target: { user?: string | undefined; session?: string | undefined }): Promise<InvalidateResult> {
    return this.parts.operator.reauthorize(target);
  }

  explain(id: string): Explanation | undefined {
    this.registry.closed.expire(this.clock.now());
    return explain(id, this.parts);
  }

  get authorises(): boolean {
    return this.settings.authorises;
  }

  stats(): TrackerStats {
    return statsOf(this.parts);
  }

  updateConfig(patch: HotOptions): void {
    reconfigure(patch, this.parts, this.shutdown);
  }

  /** For a cluster: see `clusterPort()`. */
  get [CLUSTER_PORT](): ClusterPort {
    return (this.clusterSide ??= new ClusterSide(this.parts));
  }

  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void {
    const { hub, events } = this.parts;
    const off = hub.on(event, listener, event === 'attached' ? (events.attached() as TrackerEvents[E]) : undefined);
    if (event === 'changed') events.hurry();
    return off;
  }

  addSink(sink: EventSink, options: SinkOptions = {}): () => void {
    return this.parts.hub.addSink(sink, options, this.parts.events.backlog());
  }

  announceSource(stream: string, change: SourceChange, detail?: string): void {
    this.parts.events.source(stream, change, detail);
  }

  start(): void {
    if (!this.admissions.stopped) this.parts.sweeper.start();
  }

  sweep(): void {
    this.parts.sweeper.sweep();
  }

  stop(options: { timeoutMs?: number | undefined; keep?: boolean | undefined } = {}): Promise<void> {
    checkOptions('stop()', options, ['timeoutMs', 'keep']);
    const { timeoutMs = 10_000, keep = false } = options;
    checkDuration('timeoutMs', timeoutMs);
    return this.shutdown.stop(timeoutMs, keep && this.persistence !== undefined);
  }

  /** @throws what `admit` throws */
  private admitWhenReady(hit: ConnHit | HttpHit, ready: Promise<void>): PendingAdmission<RequestHandle & ConnHandle> {
    check(isConnection(hit) ? tidyConnection(hit) : tidyRequest(hit), isConnection(hit) ? 'remoteAddress' : 'ip');
    type Answer = Admission<RequestHandle & ConnHandle>;
    return once(
      ready,
      () => this.admit(hit as HttpHit) as Answer,
      () => gone(this.clock.now()) as Answer,
    );
  }

  /** `asked`: the cluster's answer; null: nobody could tell. */
  private admitRequest(
    raw: HttpHit,
    asked?: FoundVisit | null,
  ): Admission<RequestHandle> | PendingAdmission<RequestHandle> {
    const hit = tidyRequest(raw);
    const { recipes, addresses } = this.settings;
    const recipe = recipes[hit.kind ?? 'viewer'];
    const ip = addresses.address(hit.ip);
    const network = addresses.network(ip);
    let session = this.resolver.find(recipe, hit, network);
    let resolved: ResolvedHit | undefined;
    if (session === undefined) {
      resolved = resolveRequest(hit, recipe, ip, network);
      const question = asked === undefined ? this.parts.visits.ask(resolved) : undefined;
      if (question !== undefined) return onceFound(question, this.parts, (found) => this.admitRequest(raw, found));
      session = this.resolver.belongsTo(resolved, asked);
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
      const request = new TrackedRequest(this.lifecycle, session, this.activity.join(session, hit, ip, network));
      if (resolved?.visit !== undefined) this.activity.learnName(session, resolved);
      this.lifecycle.deadlines.watch(session);
      return request;
    }
    return this.admissions.decide(resolved ?? resolveRequest(hit, recipe, ip, network), session);
  }
}

/** Resolves a request that the fast look-up did not settle. It is validated here, because its values may be kept or judged. */
function resolveRequest(hit: HttpHit, recipe: Recipe, ip: string, network: string): ResolvedHit {
  check(hit, 'ip');
  return ResolvedHit.ofRequest(hit, recipe, ip, network);
}
