import type { Backlog } from '../events/sink-queue.js';
import type { EventHub } from '../events/event-hub.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { AttachedEvent, SourceChange } from '../types/event.js';
import type { CloseReason, PlaySession } from '../types/play-session.js';
import { attachedEnvelope, closedEnvelope, openedEnvelope, sourceEnvelope, updatedEnvelope } from '../wire/event.js';

/** Changed sessions that are told of in one go: many are spread over the interval, for the event loop and for sinks. */
const SLICE = 256;
/** Characters. */
const MAX_DETAIL = 1_024;

/** Tells listeners and sinks what happens to sessions. Nothing is copied while nobody listens. */
export class SessionEvents {
  private changed: Session[] = [];
  private timer: unknown = undefined;
  /** Changed in the interval before, and not told of yet: from `toldTo` on. */
  private telling: Session[] = [];
  private toldTo = 0;
  private rest: unknown = undefined;
  private pauseMs = 0;

  constructor(
    private readonly hub: EventHub,
    private readonly registry: Registry,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  opened(session: Session): void {
    if (!this.hub.wants('opened')) return;
    const occurredAt = this.clock.now();
    const copy = this.copyOf(session, occurredAt);
    const viewers = this.registry.liveStreams.viewersOf(copy.stream);
    const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: copy, viewers });
    this.hub.emit('opened', event, openedEnvelope);
  }

  /** Whoever listens is told within `updateIntervalMs`: a hit costs a mark, however many follow. */
  updated(session: Session): void {
    if (session.isChanged || !this.hub.wants('updated') || this.settings.updateIntervalMs === 0) return;
    session.isChanged = true;
    this.changed.push(session);
    this.timer ??= this.clock.setTimeout(() => this.tellChanged(), this.settings.updateIntervalMs);
  }

  /** `visit`: frozen, with `closedAt`. */
  closed(visit: PlaySession, reason: CloseReason): void {
    if (!this.hub.wants('closed')) return;
    const occurredAt = visit.closedAt as number;
    const viewers = this.registry.liveStreams.viewersOf(visit.stream);
    const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: visit, reason, viewers });
    this.hub.emit('closed', event, closedEnvelope);
  }

  /** Of what a stream comes from, not of a session: told by whoever runs it. */
  source(stream: string, change: SourceChange, detail: string | undefined): void {
    if (!this.hub.wants('source')) return;
    const facts = { seq: this.hub.nextSeq(), occurredAt: this.clock.now(), stream, change };
    this.hub.emit('source', Object.freeze({ ...facts, detail: detail?.slice(0, MAX_DETAIL) }), sourceEnvelope);
  }

  /** What is there for a listener that comes now. */
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

  /** The same for a sink, made as it takes it. Undefined when nobody is there. */
  backlog(): Backlog | undefined {
    const { hub, registry, clock } = this;
    const live = registry.listed();
    if (live.length === 0) return undefined;
    const { seq } = hub;
    const copy = (session: Session): PlaySession => this.copyOf(session, clock.now());
    return (function* () {
      for (const session of live) {
        const row = copy(session);
        // One that has closed since was live when this began, and its end follows.
        const then = row.closedAt === undefined ? row : asLive(row);
        yield attachedEnvelope(seq, clock.now(), then, registry.liveStreams.viewersOf(row.stream));
      }
    })();
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    if (this.rest !== undefined) this.clock.clearTimeout(this.rest);
    this.timer = this.rest = undefined;
    this.changed = this.telling = [];
  }

  private tellChanged(): void {
    this.timer = undefined;
    const isBehind = this.toldTo < this.telling.length;
    this.telling = isBehind ? this.telling.slice(this.toldTo).concat(this.changed) : this.changed;
    this.toldTo = 0;
    this.changed = [];
    this.pauseMs = Math.floor(this.settings.updateIntervalMs / Math.ceil(this.telling.length / SLICE));
    if (this.rest === undefined) this.tellSlice();
  }

  private tellSlice(): void {
    const end = Math.min(this.toldTo + SLICE, this.telling.length);
    while (this.toldTo < end) {
      const session = this.telling[this.toldTo++] as Session;
      if (session.isClosed) continue;
      session.isChanged = false;
      if (!this.hub.wants('updated')) continue;
      const occurredAt = this.clock.now();
      const copy = this.copyOf(session, occurredAt);
      const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: copy });
      this.hub.emit('updated', event, updatedEnvelope);
    }
    this.rest = undefined;
    if (end < this.telling.length) this.rest = this.clock.setTimeout(() => this.tellSlice(), this.pauseMs);
    else this.telling = [];
  }

  private copyOf(session: Session, now: number): PlaySession {
    return frozen(session.snapshot(session.closedAt ?? now, this.settings.exposeTokens));
  }
}

function asLive(visit: PlaySession): PlaySession {
  const { closedAt: _at, closeReason: _why, closeDetail: _detail, ...rest } = visit;
  return rest;
}

/** What several listeners share, none can change for the others. */
export function frozen(copy: PlaySession): PlaySession {
  for (const list of [copy.streams, copy.protocols, copy.ips]) Object.freeze(list);
  return Object.freeze(copy);
}
