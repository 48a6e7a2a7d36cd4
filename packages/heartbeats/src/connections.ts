import { randomUUID } from 'node:crypto';
import { StreamSessionsError, type Clock, type PlaySession, type SessionTracker } from '@stream-sessions/core';
import { everyMs, ownCopy, RecentMap, monotonic } from '@stream-sessions/core/spi';
import { BySession } from './by-session.js';
import type { Added, Connection, ConnectionStats, ConnectionTracker, NewConnection } from './connection.js';
import { KeptConnections } from './kept-connections.js';
import { checkNew, connectionExists, copyOf, tooManyConnections } from './new-connection.js';
import { isSame, Keys } from './keys.js';
import { presenceOf, type Presence, type Refused } from './presence.js';
import { asConnection, Roster, type Entry } from './roster.js';

/** The options, with their defaults. */
export interface ConnectionsSettings {
  readonly windowMs: number;
  readonly checkIntervalMs: number;
  readonly resumeWithinMs: number;
  readonly maxConnections: number;
  readonly clock: Clock;
}

/** The connection tracker, with the additional methods that `heartbeatApi` needs. */
export class Connections implements ConnectionTracker {
  readonly ready: Promise<void>;
  readonly windowMs: number;
  private readonly roster = new Roster();
  private readonly bySession = new BySession();
  /** Why connections ended that were refused later, for pages that ask. */
  private readonly gone = new RecentMap<Refused>({ max: 4_096 });
  private readonly counts = { added: 0, removed: 0, stale: 0, refused: 0 };
  private stops: (() => void)[] = [];
  private readonly clock: Clock;
  private readonly keys = new Keys();
  private readonly kept: KeptConnections | undefined;
  private isRestoring: boolean;
  /** Counts the calls of `stop`, for what is in flight meanwhile. */
  private stopped = 0;
  private keepsOnStop = false;

  constructor(
    private readonly tracker: SessionTracker,
    private readonly settings: ConnectionsSettings,
  ) {
    this.windowMs = settings.windowMs;
    this.clock = settings.clock;
    const records = tracker.records('heartbeats');
    this.kept = records === undefined ? undefined : new KeptConnections(records, this.clock);
    this.isRestoring = this.kept !== undefined;
    this.ready = this.kept === undefined ? Promise.resolve() : this.restore(this.kept);
  }

  start(): void {
    if (this.stops.length > 0) return;
    this.stops = [
      everyMs(this.clock, this.settings.checkIntervalMs, () => this.prune()),
      this.bySession.follow(this.tracker),
      this.tracker.on('closed', ({ session, reason }) => this.closed(session, reason)),
    ];
    if (this.kept !== undefined) this.stops.push(this.kept.start(this.roster));
  }

  stop({ keep = false }: { readonly keep?: boolean } = {}): void {
    this.stopped++;
    this.keepsOnStop = keep;
    for (const stop of this.stops.splice(0)) stop();
    for (const entry of [...this.roster.all()]) {
      if (keep && this.kept !== undefined) this.leave(entry, this.kept);
      else this.end(entry);
    }
  }

  async addConnection(connection: NewConnection): Promise<Added> {
    checkNew(connection);
    const { stopped } = this;
    // if there is nothing to wait for, a caller that has looked at the limits must not be overtaken
    if (this.isRestoring) await this.ready;
    if (this.stopped !== stopped) return this.turnAway(STOPPED);
    this.start();
    const id = connection.id ?? randomUUID();
    this.prune();
    const known = this.roster.get(id);
    // after a restart, an app that does not know about it begins again
    if (known?.presence === undefined && known !== undefined) this.end(known);
    else if (known !== undefined) throw connectionExists(id);
    const { maxConnections } = this.settings;
    if (this.roster.claimed >= maxConnections) throw tooManyConnections(maxConnections);
    const kept = copyOf(connection);
    const presence = presenceOf(this.tracker, kept, this.windowMs);
    const answer = presence === undefined ? OVERLOADED : presence.beat();
    // without a pause if it can be: until it is entered, a second one of this id would open a session of its own
    let refused: Refused | undefined;
    if (answer === undefined || !('then' in answer)) refused = answer;
    else {
      const arrived = this.roster.expect(kept.clientIp);
      try {
        refused = await answer;
      } finally {
        arrived();
      }
    }
    if (presence === undefined || refused !== undefined) return this.turnAway(refused ?? OVERLOADED);
    if (this.stopped !== stopped) {
      presence.end(this.clock.now());
      return this.turnAway(STOPPED);
    }
    // another one with this id may have come while a policy was deciding
    if (this.roster.get(id) !== undefined) return this.addConnection({ ...connection, id });
    const now = this.clock.now();
    const entry = this.enter({ ...kept, id: ownCopy(id) }, now, now, presence, this.kept?.proofOf(this.keys.of(id)));
    this.bySession.add(entry);
    this.kept?.write(entry);
    this.counts.added++;
    return { admitted: true, connection: asConnection(entry) };
  }

  private turnAway(refused: Refused): Added {
    this.counts.refused++;
    return { admitted: false, ...refused };
  }

  updateHeartbeat(id: string): void {
    const outcome = this.beat(id);
    if (outcome === undefined) return;
    const why =
      outcome === 'unknown'
        ? 'It was never there, was silent for too long, or has gone.'
        : `It was refused: ${outcome.reason}.`;
    throw new StreamSessionsError('ERR_CONNECTION_NOT_FOUND', `There is no connection "${id}". ${why}`);
  }

  /**
   * Undefined: the heartbeat was recorded.
   *
   * @param names What names its viewer, for a connection of an earlier process, for which that was not stored.
   */
  beat(id: string, names?: () => Pick<NewConnection, 'token' | 'sid'>): Refused | 'unknown' | undefined {
    const entry = this.roster.get(id);
    if (entry === undefined || this.isStale(entry)) return this.gone.get(id) ?? 'unknown';
    if (entry.presence === undefined) return this.resume(entry, names);
    this.renew(entry);
    const refused = entry.presence.beat();
    if (refused === undefined) return undefined;
    if ('then' in refused) void refused.then((late) => late !== undefined && this.refuse(entry, late));
    else this.refuse(entry, refused);
    return 'then' in refused ? undefined : refused;
  }

  /** The first heartbeat of a connection from an earlier process: it now counts for its viewer, who is judged anew. */
  private resume(entry: Entry, names?: () => Pick<NewConnection, 'token' | 'sid'>): Refused | 'unknown' | undefined {
    const { stream: sessionId, ip: clientIp, userAgent, userId, protocol } = entry;
    const presence = presenceOf(
      this.tracker,
      { sessionId, clientIp, userAgent, userId, protocol, ...names?.() },
      this.windowMs,
    );
    const settle = (refused: Refused | undefined): Refused | 'unknown' | undefined => {
      // it may have gone while a policy was deciding
      if (this.roster.get(entry.id) !== entry) return 'unknown';
      if (refused === undefined) return void this.bySession.add(entry);
      if (refused.status === 403) this.refuse(entry, refused);
      // with the original credentials, or a little later, it may be admitted: it has to begin again
      else this.end(entry);
      return refused.status === 403 ? refused : 'unknown';
    };
    if (presence === undefined) return settle(OVERLOADED);
    entry.presence = presence;
    this.renew(entry);
    const refused = presence.beat();
    if (refused === undefined || !('then' in refused)) return settle(refused);
    void refused.then(settle);
    return undefined;
  }

  private renew(entry: Entry): void {
    entry.lastHeartbeat = this.clock.now();
    entry.beatAt = this.elapsed();
    this.roster.renew(entry);
  }

  keyOf(id: string): string {
    return this.keys.of(id);
  }

  /** Also accepts a key that an earlier process issued. */
  isKeyOf(id: string, key: string): boolean {
    if (this.keys.isOf(id, key)) return true;
    const proof = this.roster.get(id)?.proof;
    return proof !== undefined && this.kept !== undefined && isSame(proof, this.kept.proofOf(key));
  }

  removeConnection(id: string): void {
    const entry = this.roster.get(id);
    if (entry === undefined) return;
    this.counts.removed++;
    this.end(entry);
  }

  getConnection(id: string): Connection | undefined {
    const entry = this.roster.get(id);
    return entry === undefined || this.isStale(entry) ? undefined : asConnection(entry);
  }

  getActiveConnections(sessionId: string): Connection[] {
    this.prune();
    return [...(this.roster.of(sessionId) ?? [])].map(asConnection);
  }

  getConnectionCount(sessionId: string): number {
    this.prune();
    return this.roster.of(sessionId)?.size ?? 0;
  }

  countOfAddress(ip: string): number {
    this.prune();
    return this.roster.countOf(ip);
  }

  getStats(): ConnectionStats {
    this.prune();
    return { activeConnections: this.roster.size, streams: this.roster.streams, ...this.counts };
  }

  /** They get one window for the next heartbeat, since nobody could receive them meanwhile. */
  private async restore(kept: KeptConnections): Promise<void> {
    for await (const { connection, connectedAt, lastHeartbeat, proof } of kept.left(this.settings.resumeWithinMs)) {
      if (this.roster.size >= this.settings.maxConnections) kept.forget(connection.id);
      else this.enter(connection, connectedAt, lastHeartbeat, undefined, proof);
    }
    this.isRestoring = false;
    if (this.stopped > 0 && this.stops.length === 0) this.stop({ keep: this.keepsOnStop });
    else if (this.roster.size > 0) this.start();
  }

  private enter(
    connection: NewConnection & { readonly id: string },
    connectedAt: number,
    lastHeartbeat: number,
    presence: Presence | undefined,
    proof: string | undefined,
  ): Entry {
    const { id, sessionId: stream, clientIp: ip, userId = '', userAgent = '', protocol } = connection;
    const who = { id, stream, userId, ip, userAgent, protocol: protocol === 'heartbeat' ? undefined : protocol };
    const times = { connectedAt, lastHeartbeat, beatAt: this.elapsed() };
    const entry: Entry = { ...who, ...times, presence, proof, older: undefined, newer: undefined };
    this.roster.add(entry);
    return entry;
  }

  /** Removes silent connections: costs a single check if there are none. */
  private prune(): void {
    const since = this.elapsed() - this.windowMs;
    for (let entry = this.roster.silentSince(since); entry !== undefined; entry = this.roster.silentSince(since)) {
      this.counts.stale++;
      this.end(entry);
    }
  }

  private isStale({ beatAt }: Entry): boolean {
    return this.elapsed() - beatAt >= this.windowMs;
  }

  private end(entry: Entry): void {
    if (!this.roster.delete(entry)) return;
    this.kept?.forget(entry.id);
    this.bySession.delete(entry);
    entry.presence?.end(entry.lastHeartbeat);
  }

  /** Leaves a connection to the next process. */
  private leave(entry: Entry, kept: KeptConnections): void {
    kept.write(entry);
    this.roster.delete(entry);
    this.bySession.delete(entry);
  }

  private refuse(entry: Entry, refused: Refused): void {
    if (this.roster.get(entry.id) !== entry) return;
    this.counts.refused++;
    this.gone.set(entry.id, refused);
    this.end(entry);
  }

  /** A session has ended: its connections end with it, unless they open another. */
  private closed({ id, closeDetail }: PlaySession, reason: string): void {
    if (reason === 'renamed') return;
    // silent ones have ended by themselves
    this.prune();
    for (const entry of this.bySession.of(id)) {
      this.bySession.delete(entry);
      if (entry.presence?.survives(reason, closeDetail) === true) this.bySession.add(entry);
      else this.refuse(entry, { reason, status: 403 });
    }
  }

  private elapsed(): number {
    return monotonic(this.clock);
  }
}

const OVERLOADED: Refused = { reason: 'overload', status: 503 };
const STOPPED: Refused = { reason: 'shutdown', status: 503 };
