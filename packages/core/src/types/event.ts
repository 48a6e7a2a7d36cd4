import type { Denial } from './denial.js';
import type { Protocol, SessionKind } from './kinds.js';
import type { CloseReason, PlaySession } from './play-session.js';
import type { WireEvent } from './wire.js';

interface Numbered {
  /** Counts up by one per event of this tracker. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
}

/** A session opened, or changed. */
export interface SessionEvent extends Numbered {
  readonly session: PlaySession;
}

/** A session ended; `session` carries the final bytes. */
export interface SessionClosedEvent extends SessionEvent {
  readonly reason: CloseReason;
}

/** The first client was refused under a denial; later ones only count. */
export interface DeniedEvent extends Numbered {
  readonly denial: Denial;
  readonly stream: string;
  readonly protocol: Protocol;
  readonly kind: SessionKind;
  readonly ip: string;
}

/** What `tracker.on()` offers. Events leave after the change is committed, are frozen, and come in order of `seq`. */
export interface TrackerEvents {
  opened: SessionEvent;
  /** At most every `updateIntervalMs` per session, only when something changed and only while somebody listens. */
  updated: SessionEvent;
  closed: SessionClosedEvent;
  denied: DeniedEvent;
}

/**
 * Takes events to elsewhere (history, webhooks, metrics). Batches come one at a time, in order, from a queue of at most
 * 10,000 events; when it overflows, `updated` events go first, and what was dropped is counted in the stats.
 */
export interface EventSink {
  readonly name: string;
  write(batch: readonly WireEvent[]): void | Promise<void>;
  close?(): void | Promise<void>;
}
