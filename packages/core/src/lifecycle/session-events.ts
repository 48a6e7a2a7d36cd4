import type { EventHub } from '../events/event-hub.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { CloseReason, PlaySession } from '../types/play-session.js';
import { closedEnvelope, openedEnvelope, updatedEnvelope } from '../wire/event.js';

/** Tells listeners and sinks what happens to sessions. Nothing is copied while nobody listens. */
export class SessionEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  opened(session: Session): void {
    if (this.hub.wants('opened')) this.emit('opened', session, openedEnvelope);
  }

  /** At most once per session and `updateIntervalMs`. */
  updated(session: Session, now: number): void {
    if (!this.hub.wants('updated')) return;
    const interval = this.settings.updateIntervalMs;
    if (interval === 0 || now - session.announcedAt < interval) return;
    session.announcedAt = now;
    this.emit('updated', session, updatedEnvelope);
  }

  /** `visit`: frozen, with `closedAt`. */
  closed(visit: PlaySession, reason: CloseReason): void {
    if (!this.hub.wants('closed')) return;
    const occurredAt = visit.closedAt as number;
    const event = Object.freeze({ seq: this.hub.nextSeq(), occurredAt, session: visit, reason });
    this.hub.emit('closed', event, closedEnvelope);
  }

  private emit(name: 'opened' | 'updated', session: Session, wire: typeof openedEnvelope): void {
    const now = this.clock.now();
    const copy = frozen(session.snapshot(now, this.settings.exposeTokens));
    this.hub.emit(name, Object.freeze({ seq: this.hub.nextSeq(), occurredAt: now, session: copy }), wire);
  }
}

/** What several listeners share, none can change for the others. */
export function frozen(copy: PlaySession): PlaySession {
  for (const list of [copy.streams, copy.protocols, copy.ips]) Object.freeze(list);
  return Object.freeze(copy);
}
