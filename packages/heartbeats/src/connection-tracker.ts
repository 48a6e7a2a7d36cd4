import { randomUUID } from 'node:crypto';
import { StreamSessionsError, type Clock, type SessionTracker } from '@stream-sessions/core';
import {
  badOption,
  checkOptions,
  everyMs,
  needTracker,
  ownCopy,
  RecentMap,
  systemClock,
} from '@stream-sessions/core/spi';
import type { Added, Connection, ConnectionStats, NewConnection } from './connection.js';
import { checkNew, copyOf } from './new-connection.js';
import { presenceOf, type Refused } from './presence.js';
import { Roster, type Entry } from './roster.js';

/** Options of `createConnectionTracker()`. */
export interface ConnectionTrackerOptions {
  /** Who is not heard of for so long is not active any more. Default 60,000 ms. */
  readonly heartbeatWindowMs?: number;
  /** How often those who fell silent are taken off. Default 30,000 ms. */
  readonly checkIntervalMs?: number;
  /** How many connections there may be. Default 200,000. */
  readonly maxConnections?: number;
  /** Default: the wall clock. Give it the one of the tracker. */
  readonly clock?: Clock;
}

/** Connections with heartbeats, beside the viewers of a tracker. Connections that are returned are copies. */
export interface ConnectionTracker {
  /** Begins to take off those who fall silent. Safe to call twice. Adding the first connection does it too. */
  start(): void;
  /** Ends that, and all connections. Safe to call twice; `start` may follow. */
  stop(): void;
  /**
   * A connection begins. It is asked of the tracker's denials and policies, as a request of its viewer would be.
   *
   * @throws StreamSessionsError ERR_CONNECTION_EXISTS, and the first is kept; ERR_BAD_CONNECTION; ERR_TOO_MANY_CONNECTIONS
   */
  addConnection(connection: NewConnection): Promise<Added>;
  /**
   * It was heard of.
   *
   * @throws StreamSessionsError ERR_CONNECTION_NOT_FOUND: unknown, silent for too long, removed, or kicked.
   */
  updateHeartbeat(id: string): void;
  /** It has gone. One that is unknown is no error. */
  removeConnection(id: string): void;
  /** Undefined: it is not active. */
  getConnection(id: string): Connection | undefined;
  /** Those who are active on a stream. */
  getActiveConnections(sessionId: string): Connection[];
  /** How many are active on a stream. */
  getConnectionCount(sessionId: string): number;
  getStats(): ConnectionStats;
}

/** The tracker, and what `heartbeatApi` needs of it besides. */
export class Connections implements ConnectionTracker {
  private readonly roster = new Roster();
  private readonly bySession = new Map<string, Set<Entry>>();
  /** Why connections that were refused later have ended, for the page to ask. */
  private readonly gone = new RecentMap<Refused>({ max: 4_096 });
  private readonly counts = { added: 0, removed: 0, stale: 0, refused: 0 };
  private stops: (() => void)[] = [];

  constructor(
    private readonly tracker: SessionTracker,
    readonly windowMs: number,
    private readonly checkIntervalMs: number,
    private readonly maxConnections: number,
    private readonly clock: Clock,
  ) {}

  start(): void {
    if (this.stops.length > 0) return;
    this.stops = [
      everyMs(this.clock, this.checkIntervalMs, () => this.prune()),
      this.tracker.on('closed', ({ session, reason }) => this.closed(session.id, reason)),
    ];
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
    for (const entry of [...this.roster.all()]) this.end(entry);
  }

  async addConnection(connection: NewConnection): Promise<Added> {
    checkNew(connection);
    this.start();
    const id = connection.id ?? randomUUID();
    this.prune();
    if (this.roster.get(id) !== undefined) {
      throw new StreamSessionsError('ERR_CONNECTION_EXISTS', `There is a connection "${id}" already, and it is kept.`);
    }
    if (this.roster.size >= this.maxConnections) {
      throw new StreamSessionsError(
        'ERR_TOO_MANY_CONNECTIONS',
        `${this.maxConnections} connections are as many as may be.`,
      );
    }
    const kept = copyOf(connection);
    const presence = presenceOf(this.tracker, kept, this.windowMs);
    const refused = presence === undefined ? OVERLOADED : await presence.beat();
    if (presence === undefined || refused !== undefined) {
      this.counts.refused++;
      return { admitted: false, ...(refused ?? OVERLOADED) };
    }
    // another of this id may have come while a policy was thinking
    if (this.roster.get(id) !== undefined) return this.addConnection({ ...connection, id });
    const now = this.clock.now();
    const { sessionId: stream, userId = '', clientIp: ip, userAgent = '' } = kept;
    const times = { connectedAt: now, lastHeartbeat: now, beatAt: this.elapsed() };
    const entry: Entry = {
      id: ownCopy(id),
      stream,
      userId,
      ip,
      userAgent,
      ...times,
      presence,
      older: undefined,
      newer: undefined,
    };
    this.roster.add(entry);
    this.link(entry);
    this.counts.added++;
    return { admitted: true, connection: asConnection(entry) };
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

  /** Undefined: it was heard of. */
  beat(id: string): Refused | 'unknown' | undefined {
    const entry = this.roster.get(id);
    if (entry === undefined || this.isStale(entry)) return this.gone.get(id) ?? 'unknown';
    entry.lastHeartbeat = this.clock.now();
    entry.beatAt = this.elapsed();
    this.roster.renew(entry);
    const refused = entry.presence.beat();
    if (refused === undefined) return undefined;
    if ('then' in refused) void refused.then((late) => late !== undefined && this.refuse(entry, late));
    else this.refuse(entry, refused);
    return 'then' in refused ? undefined : refused;
  }

  removeConnection(id: string): void {
    const entry = this.roster.get(id);
    if (entry === undefined) return;
    this.counts.removed++;
    this.end(entry);
  }

  /** Why it has ended, if the tracker ended it. */
  refusalOf(id: string): Refused | undefined {
    return this.gone.get(id);
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

  /** Takes off those who fell silent: a look at one if there are none. */
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
    const { sessionId } = entry.presence;
    const same = sessionId === undefined ? undefined : this.bySession.get(sessionId);
    same?.delete(entry);
    if (sessionId !== undefined && same?.size === 0) this.bySession.delete(sessionId);
    entry.presence.end(entry.lastHeartbeat);
  }

  private refuse(entry: Entry, refused: Refused): void {
    this.counts.refused++;
    this.gone.set(entry.id, refused);
    this.end(entry);
  }

  private link(entry: Entry): void {
    const { sessionId } = entry.presence;
    if (sessionId === undefined) return;
    const same = this.bySession.get(sessionId);
    if (same === undefined) this.bySession.set(sessionId, new Set([entry]));
    else same.add(entry);
  }

  /** A session has ended, and with it, if somebody ended it, its connections. */
  private closed(sessionId: string, reason: string): void {
    if (COMES_BACK.has(reason)) return;
    for (const entry of [...(this.bySession.get(sessionId) ?? [])]) this.refuse(entry, { reason, status: 403 });
  }

  private elapsed(): number {
    return this.clock.monotonic?.() ?? this.clock.now();
  }
}

/** Nobody is kept out: the next beat opens the session anew. */
const COMES_BACK = new Set(['idle', 'client_gone', 'max_lifetime']);

const OVERLOADED: Refused = { reason: 'overload', status: 503 };

/**
 * Keeps connections that say at intervals that they are there, and counts their viewers in the tracker.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example
 * const connections = createConnectionTracker(tracker);
 * await connections.addConnection({ id, sessionId: 'cam1', clientIp: '203.0.113.7' });
 * connections.updateHeartbeat(id);
 */
export function createConnectionTracker(
  tracker: SessionTracker,
  options: ConnectionTrackerOptions = {},
): ConnectionTracker {
  needTracker('createConnectionTracker: the first argument', tracker);
  checkOptions('createConnectionTracker()', options, [
    'heartbeatWindowMs',
    'checkIntervalMs',
    'maxConnections',
    'clock',
  ]);
  const {
    heartbeatWindowMs = 60_000,
    checkIntervalMs = 30_000,
    maxConnections = 200_000,
    clock = systemClock,
  } = options;
  for (const [name, value] of Object.entries({ heartbeatWindowMs, checkIntervalMs, maxConnections })) {
    if (!(typeof value === 'number' && value > 0)) throw badOption(name, 'a number above 0', value);
  }
  return new Connections(tracker, heartbeatWindowMs, checkIntervalMs, maxConnections, clock);
}

const asConnection = (entry: Entry): Connection => ({
  id: entry.id,
  sessionId: entry.stream,
  userId: entry.userId,
  clientIp: entry.ip,
  userAgent: entry.userAgent,
  connectedAt: entry.connectedAt,
  lastHeartbeat: entry.lastHeartbeat,
});
