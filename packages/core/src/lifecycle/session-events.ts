import type { Backlog } from '../events/sink-queue.js';
import type { EventHub } from '../events/event-hub.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import { progressOf, snapshotOf } from '../session/snapshot.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { AttachedEvent, SessionEvent, SessionOpenedEvent, SourceChange } from '../types/event.js';
import type { CloseReason, PlaySession } from '../types/play-session.js';
import {
  attachedEnvelope,
  closedEnvelope,
  openedEnvelope,
  resumedEnvelope,
  sourceEnvelope,
  updatedEnvelope,
} from '../wire/event.js';
import { ChangedRows, type Pace } from './changed-rows.js';

/** The shortest interval between two `changed` events of a session. Milliseconds. */
const CHANGED_MS = 500;
/** The longest detail, in characters. */
const MAX_DETAIL = 1_024;

/** Tells listeners and sinks what happens to sessions. Nothing is copied while nobody listens. */
export class SessionEvents {
  /** Changed sessions, at the pace of the listener that wants them soonest. */
  private readonly rows: ChangedRows;
  /** Sessions still to be reported as `updated`, when that is slower than `changed`. */
  private readonly later: ChangedRows;
  private readonly waiting = new Set<Session>();

  constructor(
    private readonly hub: EventHub,
    private readonly registry: Registry,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {
    const slow = (): number => settings.updateIntervalMs;
    const pace = (): Pace =>
      hub.wants('changed') ? { everyMs: CHANGED_MS, spreadMs: CHANGED_MS / 2 } : { everyMs: slow(), spreadMs: slow() };
    this.rows = new ChangedRows(clock, pace, (session) => this.tell(session));
    this.later = new ChangedRows(
      clock,
      () => ({ everyMs: slow(), spreadMs: slow() }),
      (session) => {
        this.waiting.delete(session);
        if (!session.isClosed) this.tellUpdated(session);
      },
    );
  }

  opened(session: Session): void {
    if (this.hub.wants('opened')) this.hub.emit('opened', this.begun(session), openedEnvelope);
  }

  /** A visit of an earlier process has been continued. */
  resumed(session: Session): void {
    if (this.hub.wants('resumed')) this.hub.emit('resumed', this.begun(session), resumedEnvelope);
  }

  /** Marks the session as changed: listeners are told later, and further hits cost only the check of the mark. */
  updated(session: Session): void {
    if (session.isChanged || !this.isHeard()) return;
    session.isChanged = true;
    this.rows.add(session);
  }

  /** A first listener of `changed` has come: it does not wait for the end of a longer interval. */
  hurry(): void {
    this.rows.hurry();
  }

  /** True when somebody listens to `closed`. */
  get isEndHeard(): boolean {
    return this.hub.wants('closed');
  }

  /** `visit`: frozen, with `closedAt`. */
  closed(visit: PlaySession, reason: CloseReason): void {
    const occurredAt = visit.closedAt as number;
    const viewers = this.registry.liveStreams.viewersOf(visit.stream);
    const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: visit, reason, viewers });
    this.hub.emit('closed', event, closedEnvelope);
  }

  /** Reports a change of a stream's source, not of a session; called by whatever runs the source. */
  source(stream: string, change: SourceChange, detail: string | undefined): void {
    if (!this.hub.wants('source')) return;
    const facts = { seq: this.hub.nextSeq(), occurredAt: this.clock.now(), stream, change };
    this.hub.emit('source', Object.freeze({ ...facts, detail: detail?.slice(0, MAX_DETAIL) }), sourceEnvelope);
  }

  /** The current state, for a listener that is being added. */
  attached(): AttachedEvent {
    const now = this.clock.now();
    const { seq } = this.hub;
    const live = this.registry.listed();
    const copy = (session: Session): PlaySession => this.copyOf(session, now);
    const sessions = {
      *[Symbol.iterator]() {
        for (const session of live) if (!session.isClosed) yield copy(session);
      },
    };
    return Object.freeze({ seq, occurredAt: now, sessions });
  }

  /** The same for a sink, made as it takes it. Undefined when there are no sessions. */
  backlog(): Backlog | undefined {
    const { hub, registry, clock } = this;
    const live = registry.listed();
    if (live.length === 0) return undefined;
    const { seq } = hub;
    const copy = (session: Session): PlaySession => this.copyOf(session, clock.now());
    return (function* () {
      for (const session of live) {
        const row = copy(session);
        // A session that has closed since was live when this began, and its end follows.
        const then = row.closedAt === undefined ? row : asLive(row);
        yield attachedEnvelope(seq, clock.now(), then, registry.liveStreams.viewersOf(row.stream));
      }
    })();
  }

  stop(): void {
    this.rows.stop();
    this.later.stop();
    this.waiting.clear();
  }

  private begun(session: Session): SessionOpenedEvent {
    const occurredAt = this.clock.now();
    const copy = this.copyOf(session, occurredAt);
    const viewers = this.registry.liveStreams.viewersOf(copy.stream);
    return Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: copy, viewers });
  }

  private isHeard(): boolean {
    return (this.hub.wants('updated') && this.settings.updateIntervalMs !== 0) || this.hub.wants('changed');
  }

  private tell(session: Session): void {
    if (session.isClosed) return;
    session.isChanged = false;
    if (!this.hub.wants('changed')) return this.tellUpdated(session);
    this.tellChanged(session);
    if (this.settings.updateIntervalMs === 0 || !this.hub.wants('updated') || this.waiting.has(session)) return;
    this.waiting.add(session);
    this.later.add(session);
  }

  /** The whole row costs ten times as much as the few fields that usually change. */
  private tellChanged(session: Session): void {
    const occurredAt = this.clock.now();
    const row = session.hasNewDetails ? this.copyOf(session, occurredAt) : undefined;
    session.hasNewDetails = false;
    const progress = progressOf(session, occurredAt);
    this.hub.tell('changed', Object.freeze({ seq: this.hub.seq, occurredAt, progress, session: row }));
  }

  private tellUpdated(session: Session): void {
    if (this.hub.wants('updated')) this.hub.emit('updated', this.eventOf(session, this.hub.nextSeq()), updatedEnvelope);
  }

  private eventOf(session: Session, seq: number): SessionEvent {
    const occurredAt = this.clock.now();
    return Object.freeze({ seq, occurredAt, session: this.copyOf(session, occurredAt) });
  }

  private copyOf(session: Session, now: number): PlaySession {
    return frozen(snapshotOf(session, session.closedAt ?? now, this.settings.exposeTokens));
  }
}

function asLive(visit: PlaySession): PlaySession {
  const { closedAt: _at, closeReason: _why, closeDetail: _detail, ...rest } = visit;
  return rest;
}

/** Frozen, because several listeners share it. */
export function frozen(copy: PlaySession): PlaySession {
  for (const list of [copy.streams, copy.protocols, copy.ips]) Object.freeze(list);
  return Object.freeze(copy);
}
