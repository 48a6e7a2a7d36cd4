import type { Denial } from './denial.js';
import type { Protocol, SessionKind } from './kinds.js';
import type { CloseReason, PlaySession } from './play-session.js';
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
  /** Of its stream, with this one. */
  readonly viewers: number;
}

/** A session ended; `session` carries the final bytes. */
export interface SessionClosedEvent extends SessionEvent {
  readonly reason: CloseReason;
  /** Of its stream, without this one. */
  readonly viewers: number;
}

/** What was there when a listener came: `closed` of these will follow, and `opened` of others. */
export interface AttachedEvent extends Numbered {
  /** The live sessions. Copied as they are walked, which has to be before the listener returns. */
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

/** The events of `tracker.on()`. They leave after the change is made, are frozen, and come in order of `seq`. */
export interface TrackerEvents {
  /** Once, at `on('attached')` itself. */
  attached: AttachedEvent;
  opened: SessionOpenedEvent;
  /** Once per `updateIntervalMs` and session that has changed since, while somebody listens. */
  updated: SessionEvent;
  closed: SessionClosedEvent;
  denied: DeniedEvent;
}

/**
 * Takes events somewhere else (history, webhooks, metrics). Batches come one at a time, in order. The sessions that are
 * live when the sink is added come first, as `session.attached`.
 */
export interface EventSink {
  readonly name: string;
  write(batch: readonly WireEvent[]): void | Promise<void>;
  /** Events were lost in front of the next batch. */
  gap?(gap: SinkGap): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Events that a sink does not get. */
export interface SinkGap {
  readonly events: number;
  /** Of the first and the last of them; not all between them are lost. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** What `addSink()` takes besides. */
export interface SinkOptions {
  /**
   * Pairs of `opened` and `closed` that may wait in memory. Default 10,000. An `opened` beyond goes to the spill file, or is
   * lost with its `closed`; the `closed` of one that was taken is never lost while the process lives.
   */
  readonly maxPairs?: number;
  /** Path of a file of this sink's own for pairs that do not fit. What an earlier process left in it comes first. */
  readonly spillFile?: string;
  /**
   * How often a batch is tried, and how long after the first time: each wait is twice the one before, a minute at most.
   * Default: once. A batch that fails at last is lost.
   */
  readonly retry?: { readonly tries: number; readonly delayMs: number };
}

/** How a sink keeps up. */
export interface SinkStats {
  readonly name: string;
  /** Events that wait. */
  readonly queued: number;
  /** Events that it did not get. */
  readonly dropped: number;
}
