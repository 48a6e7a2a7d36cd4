import type { Denial } from './denial.js';
import type { Protocol, SessionKind } from './kinds.js';
import type { CloseReason, PlaySession, SessionProgress } from './play-session.js';
import type { WireEvent } from './wire.js';

interface Numbered {
  /** Goes up by one with each event of this tracker. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
}

/** A session changed. */
export interface SessionEvent extends Numbered {
  readonly session: PlaySession;
}

/** A session opened. */
export interface SessionOpenedEvent extends SessionEvent {
  /** In a cluster only, a UUID: an event that is repeated after a crash has the same one. Sinks get it as `id`. */
  readonly eventId?: string | undefined;
  /** How many viewers its stream now has, including this one. */
  readonly viewers: number;
}

/** A visit of an earlier process continues in this one: it is not reported as `opened` again. */
export type SessionResumedEvent = SessionOpenedEvent;

/** What has moved in a session, and the session itself if more than that has changed. */
export interface SessionChangedEvent extends Numbered {
  readonly progress: SessionProgress;
  /** Undefined: nothing has changed except what `progress` says. */
  readonly session: PlaySession | undefined;
}

/** A session ended; `session` carries the final bytes. */
export interface SessionClosedEvent extends SessionEvent {
  /** In a cluster only, a UUID: an event that is repeated after a crash has the same one. Sinks get it as `id`. */
  readonly eventId?: string | undefined;
  readonly reason: CloseReason;
  /** How many viewers its stream has left. */
  readonly viewers: number;
}

/**
 * The sessions that were live when a listener was added: `closed` events for these, and `opened` events for others, will follow.
 */
export interface AttachedEvent extends Numbered {
  /** The live sessions, copied as you iterate. Do so before the listener returns. */
  readonly sessions: Iterable<PlaySession>;
}

/** The first client was refused under a denial; later refusals are only counted. */
export interface DeniedEvent extends Numbered {
  readonly denial: Denial;
  readonly stream: string;
  readonly protocol: Protocol;
  readonly kind: SessionKind;
  readonly ip: string;
}

/** What happened to the source of a stream. */
export type SourceChange = 'waking' | 'running' | 'hibernated' | 'failed';

/** The source of a stream is starting, running, asleep or failed: reported by whatever runs sources. */
export interface SourceEvent extends Numbered {
  readonly stream: string;
  readonly change: SourceChange;
  /** Why. */
  readonly detail?: string | undefined;
}

/** The events of `tracker.on()`. They are emitted after the change, frozen, and in order of `seq`. */
export interface TrackerEvents {
  /** Once, during `on('attached')` itself. */
  attached: AttachedEvent;
  opened: SessionOpenedEvent;
  /** With a state store only. */
  resumed: SessionResumedEvent;
  /** Once per `updateIntervalMs` for each session that changed in that time, while somebody listens. */
  updated: SessionEvent;
  /**
   * As `updated`, but up to twice a second per session, for live displays: what has moved, and the whole session only if more
   * than that has changed. Sinks do not get it, and its `seq` is that of the preceding event.
   */
  changed: SessionChangedEvent;
  closed: SessionClosedEvent;
  denied: DeniedEvent;
  /** `tracker.announceSource()` was called. */
  source: SourceEvent;
}

/**
 * Takes events elsewhere (history, webhooks, metrics). Batches come one at a time, in order. The sessions that are live when the
 * sink is added come first, as `session.attached`.
 */
export interface EventSink {
  readonly name: string;
  write(batch: readonly WireEvent[]): void | Promise<void>;
  /** Events were lost before the next batch. */
  gap?(gap: SinkGap): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Events that a sink will not get. */
export interface SinkGap {
  readonly events: number;
  /** The `seq` of the first and the last one; not all events between them are lost. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** Options of `addSink()`. */
export interface SinkOptions {
  /**
   * How many pairs of `opened` and `closed` may wait in memory. Default 10,000. A further `opened` goes to the spill file, or is
   * lost with its `closed`; the `closed` of an accepted one is never lost while the process lives.
   */
  readonly maxPairs?: number | undefined;
  /** Path of a file, for this sink alone, for pairs that do not fit. What an earlier process left in it is delivered first. */
  readonly spillFile?: string | undefined;
  /**
   * Bytes of the spill file from which on a further `opened` is lost with its `closed`. Default 1 GiB, some two million events. A
   * `closed` still goes into the file, if its `opened` did.
   */
  readonly maxSpillBytes?: number | undefined;
  /**
   * How often a batch is tried, and the delay after the first try; each further delay is twice as long, up to a minute. Default:
   * one try. A batch whose last try fails is lost.
   */
  readonly retry?: { readonly tries: number; readonly delayMs: number } | undefined;
}

/** How well a sink keeps up. */
export interface SinkStats {
  readonly name: string;
  /** How many events are waiting. */
  readonly queued: number;
  /** How many events it did not get. */
  readonly dropped: number;
}
