import type { ConnHandle, PlaySession, RequestHandle, SessionKind, SessionTracker } from '../../src/index.js';
import type { FakeClock } from '../../src/testing/index.js';
import { ReferenceModel, type ModelOptions, type ModelSession, type Viewer } from './reference-model.js';
import { now, setup } from '../support/make.js';

const START: ModelOptions = {
  idleTimeoutMs: 10_000,
  maxLifetimeMs: 0,
  stallTimeoutMs: 20_000,
  deniedRetentionMs: 60_000,
  kickByAddress: 'connections',
  enabled: true,
  maxSessions: 8,
  aliases: false,
};

export const STREAMS = ['cam1', 'cam2'];

/** The tracker and the model side by side. Every step does the same to both, and then everything must agree. */
export class Both {
  readonly model: ReferenceModel;
  private readonly tracker: SessionTracker;
  private readonly clock: FakeClock;
  private readonly told: string[] = [];
  private watchedSeconds = 0;
  private readonly visits = new Map<ModelSession, { id: string; openedAt: number }>();
  private readonly keys = new Map<string, string>();
  private readonly open: { handle: RequestHandle | ConnHandle; session: ModelSession; request: number | undefined }[] =
    [];

  constructor(private readonly aliases = false) {
    this.model = new ReferenceModel({ ...START, aliases });
    const { aliases: _none, ...options } = START;
    const { tracker, clock } = setup({ ...options, autoStart: false, identity: { aliases }, closedRetentionMs: 1e9 });
    this.tracker = tracker;
    this.clock = clock;
    this.model.now = clock.now();
    const key = ({ id, openedAt }: PlaySession): string => this.keys.get(`${id} ${openedAt}`) ?? 'unknown';
    tracker.on('opened', ({ session }) => {
      this.keys.set(`${session.id} ${session.openedAt}`, `s${this.keys.size + 1}`);
      this.told.push(`opened ${key(session)}`);
    });
    tracker.on('closed', ({ session, reason }) => this.told.push(`closed ${key(session)} ${reason} ${session.bytes}`));
  }

  trackHttp(viewer: Viewer, protocol: string, bytes: number): void {
    this.tick();
    const result = this.tracker.trackHttp({ ...hitOf(viewer), protocol, bytes });
    this.agree(result, this.model.hit(viewer, protocol, bytes, 'tracked'));
  }

  request(viewer: Viewer, protocol: string, tentative: boolean): void {
    this.tick();
    const admission = now(this.tracker.admit({ ...hitOf(viewer), protocol, tentative }));
    const expected = this.model.hit(viewer, protocol, 0, tentative ? 'tentative' : 'asked');
    if (!admission.admitted) return expect(expected).toBe('refused');
    this.agree(admission.handle.session ?? null, expected);
    if (typeof expected === 'string') return undefined;
    const request = this.model.beginRequest(expected);
    this.open.push({ handle: admission.handle, session: expected, request });
    return undefined;
  }

  served(index: number): void {
    const one = this.open[index % Math.max(1, this.open.length)];
    if (one === undefined || !('served' in one.handle)) return;
    one.handle.served();
    const isOpen = one.session.requests.some(({ id }) => id === one.request);
    if (isOpen) this.model.show(one.session);
  }

  connect(viewer: Viewer, protocol: string, ask: boolean): void {
    this.tick();
    const { ip, ...rest } = hitOf({ ...viewer, sid: undefined });
    const hit = { ...rest, protocol, remoteAddress: `${ip}:9000` };
    const expected = this.model.connect(viewer, protocol);
    let handle: ConnHandle | undefined;
    let session: PlaySession | null;
    if (ask) {
      const admission = now(this.tracker.admit(hit));
      if (!admission.admitted) return expect(expected).toBe('refused');
      handle = admission.handle;
      session = handle.session ?? null;
    } else {
      const opened = this.tracker.openConn(hit);
      handle = opened.closer as ConnHandle;
      session = opened.session;
    }
    this.agree(session, expected);
    if (typeof expected !== 'string') this.open.push({ handle, session: expected, request: undefined });
    return undefined;
  }

  touch(index: number, bytes: number): void {
    this.tick();
    const one = this.open[index % Math.max(1, this.open.length)];
    one?.handle.touch(bytes);
    if (one) this.model.touch(one.session, one.request, Math.max(0, bytes));
  }

  end(index: number, bytes: number): void {
    this.tick();
    const [one] = this.open.splice(index % Math.max(1, this.open.length), 1);
    if (one === undefined) return;
    if ('end' in one.handle) one.handle.end(bytes);
    else one.handle.close(undefined, bytes);
    if (one.request === undefined) this.model.closeConnection(one.session, bytes);
    else this.model.endRequest(one.session, one.request, bytes);
  }

  kick(index: number): void {
    const { listed } = this.model;
    const session = listed[index % Math.max(1, listed.length)];
    if (session === undefined) return;
    const live = this.tracker.list({ status: 'active' }).some((visit) => this.isVisit(visit, session));
    const kicked = live && this.tracker.kick(this.visits.get(session)?.id ?? '');
    expect(kicked).toBe(this.model.kick(session));
  }

  deny({ kind: _kind, ...target }: Partial<Viewer>, forMs: number): void {
    this.inAnyOrder(() => {
      this.tracker.deny(target, { forMs });
      this.model.deny(target, forMs);
    });
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    this.model.now += ms;
  }

  look(): void {
    this.inAnyOrder(() => {
      this.tracker.sweep();
      this.clock.advance(0);
      this.model.look();
    });
  }

  configure(patch: Partial<ModelOptions>): void {
    this.inAnyOrder(() => {
      const wasEnabled = this.model.options.enabled;
      this.tracker.updateConfig(patch);
      Object.assign(this.model.options, patch);
      if (wasEnabled && !this.model.options.enabled) this.model.shutDown();
    });
  }

  /** Everything that can be seen of both. */
  check(): void {
    expect(this.told).toEqual(this.model.story);
    const { counters } = this.model;
    const live = this.model.live.filter(({ unserved }) => !unserved);
    expect(this.tracker.stats()).toMatchObject({
      active: live.length,
      openedTotal: counters.opened,
      closedTotal: counters.closed,
      idleClosedTotal: counters.idle,
      kickedTotal: counters.kicked,
      bytesTotal: counters.bytes,
      viewers: live.filter(({ kind }) => kind === 'viewer').length,
      inputs: live.filter(({ kind }) => kind === 'input').length,
    });
    for (const stream of STREAMS) {
      const here = live.filter((session) => session.stream === stream);
      expect(this.tracker.count({ stream, status: 'active' })).toBe(here.length);
    }
    const visits = this.tracker.list({ visits: 'all' });
    expect(visits.map((visit) => this.seen(visit)).sort(byKey)).toEqual(this.model.listed.map(expected).sort(byKey));
    const placeOf = ({ openedAt, id }: PlaySession): string => `${openedAt} ${id}`;
    const order = visits.map(placeOf);
    expect(order).toEqual([...order].sort());
    const lastOf = new Map(visits.map((visit) => [visit.id, visit]));
    const latest = visits.filter((visit) => lastOf.get(visit.id) === visit);
    expect(this.tracker.list().map(placeOf)).toEqual(latest.map(placeOf));
    const counts = (['active', 'closed'] as const).map((status) => this.tracker.count({ status }));
    const gone = latest.filter(({ closedAt }) => closedAt !== undefined).length;
    expect(counts).toEqual([latest.length - gone, gone]);
    this.checkCounters(visits);
  }

  /** What is counted as it happens is what a walk over all visits finds. */
  private checkCounters(visits: readonly PlaySession[]): void {
    const { activeBy, watchSecondsTotal, closedByReason, openedTotal, receivedBytesTotal } = this.tracker.stats();
    const live = visits.filter(({ closedAt }) => closedAt === undefined);
    const cells = new Map<string, number>();
    for (const { streams, protocol, kind } of live) {
      for (const stream of streams) {
        const key = `${stream} ${protocol} ${kind}`;
        cells.set(key, (cells.get(key) ?? 0) + 1);
      }
    }
    const counted = activeBy.map(({ stream, protocol, kind, active }) => [`${stream} ${protocol} ${kind}`, active]);
    expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(cells));
    expect(watchSecondsTotal).toBeGreaterThanOrEqual(this.watchedSeconds);
    this.watchedSeconds = watchSecondsTotal;
    if (visits.length < openedTotal) return; // some are forgotten
    // of two visits with one id the second opens a millisecond later, and may be touched before that
    const watchedMs = visits.reduce((sum, { openedAt, updatedAt }) => sum + Math.max(0, updatedAt - openedAt), 0);
    expect(watchSecondsTotal).toBeCloseTo(watchedMs / 1000, 6);
    expect(receivedBytesTotal).toBe(visits.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0));
    const reasons: Record<string, number> = {};
    for (const { closeReason } of visits) {
      if (closeReason !== undefined) reasons[closeReason] = (reasons[closeReason] ?? 0) + 1;
    }
    expect(closedByReason).toEqual(reasons);
  }

  /** Which of several was active last has to be clear where that decides. */
  private tick(): void {
    if (this.aliases) this.advance(1);
  }

  /** Which of several that end together is told first is nobody's business. */
  private inAnyOrder(step: () => void): void {
    const stories = [this.told, this.model.story];
    const lengths = stories.map(({ length }) => length);
    step();
    stories.forEach((story, i) => story.push(...story.splice(lengths[i] ?? 0).sort()));
  }

  private agree(result: PlaySession | null, model: ModelSession | 'refused' | 'untracked'): void {
    if (typeof model === 'string') return expect(result).toBeNull();
    expect(result).not.toBeNull();
    if (result !== null) this.visits.set(model, result);
    return undefined;
  }

  private isVisit({ id, openedAt }: PlaySession, session: ModelSession): boolean {
    const visit = this.visits.get(session);
    return visit?.id === id && visit.openedAt === openedAt;
  }

  private seen(visit: PlaySession): object {
    const { kind, stream, ip, protocols, bytes, updatedAt, closeReason } = visit;
    const key = this.keys.get(`${visit.id} ${visit.openedAt}`);
    const durationMs = visit.closedAt === undefined ? undefined : visit.durationMs;
    return { key, kind, stream, ip, protocols, bytes, closeReason, durationMs, ...(closeReason ? {} : { updatedAt }) };
  }
}

const byKey = (a: object, b: object): number => JSON.stringify(a).localeCompare(JSON.stringify(b));

function expected({ key, kind, stream, ip, protocols, bytes, updatedAt, closed }: ModelSession): object {
  const { reason: closeReason, durationMs } = closed ?? {};
  return { key, kind, stream, ip, protocols, bytes, closeReason, durationMs, ...(closed ? {} : { updatedAt }) };
}

const hitOf = ({ kind, token, sid, ...viewer }: Viewer) => ({
  ...viewer,
  kind: kind as SessionKind,
  ...(token ? { token } : {}),
  ...(sid ? { sid } : {}),
});
