import type { EventSink, SinkOptions, SinkStats, TrackerEvents } from './event.js';
import type { Denial, DenialTarget } from './denial.js';
import type { ConnHit, HttpHit } from './hit.js';
import type { PlaySession, SessionFilter, StreamSummary } from './play-session.js';
import type { Admission, Closer, ConnHandle, PendingAdmission, RequestHandle } from './admission.js';
import type { Explanation } from './explanation.js';
import type { HotOptions } from './options.js';

/** Counters since start, and what is live now. Cheap: nothing is walked. */
export interface TrackerStats {
  readonly active: number;
  readonly openedTotal: number;
  readonly closedTotal: number;
  readonly idleClosedTotal: number;
  readonly kickedTotal: number;
  /** Clients refused by a denial or a policy. */
  readonly deniedTotal: number;
  /** Hits that a cap kept from opening a session. */
  readonly overloadTotal: number;
  /** Events that a sink did not get. */
  readonly droppedEventsTotal: number;
  /** Of each sink. */
  readonly sinks: readonly SinkStats[];
  readonly viewers: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes sent, all sessions since start. */
  readonly bytesTotal: number;
}

/** Options of `kick` and `kickAll`. */
export interface KickOptions {
  /** How long the viewer stays out, milliseconds. Default `deniedRetentionMs`; 0 = may come back at once. */
  denyForMs?: number;
  /** Shown as `closeDetail` and in the denial. */
  reason?: string;
}

/** Options of `deny`. */
export interface DenyOptions {
  /** Milliseconds. Default `deniedRetentionMs`; 0 = only closes who is live; Infinity = until lifted. */
  forMs?: number;
  reason?: string;
}

/** What asking the policies again came to. */
export interface InvalidateResult {
  asked: number;
  kept: number;
  closed: number;
  denialsLifted: number;
}

/** One list of who is watching, over every transport; and the means to stop one. */
export interface SessionTracker {
  /**
   * Records an HTTP request that has already been answered. The first hit opens a session, later ones join it by
   * identity. Asks no policy; denials and caps hold. Returns a copy, or null when nothing was tracked (disabled,
   * `unspecified` without a recipe, denied, over a cap, stopped, an error on a stream of which nothing was served).
   */
  trackHttp(hit: HttpHit): PlaySession | null;
  /**
   * Records a connection that already plays. The session is null, and the closer does nothing, when nothing was
   * tracked. Throws ERR_SESSION_EXISTS when `hit.id` is live already.
   */
  openConn(hit: ConnHit): { session: PlaySession | null; closer: Closer };
  /**
   * Asks whether a client may play: denials, caps, policies, in that order. Synchronous for every known session and
   * whenever no policy that had to be asked is asynchronous.
   */
  admit(hit: ConnHit): Admission<ConnHandle> | PendingAdmission<ConnHandle>;
  admit(hit: HttpHit): Admission<RequestHandle> | PendingAdmission<RequestHandle>;

  /** Sessions that match, sorted by `openedAt`, then id. Reading keeps nothing alive. */
  list(filter?: SessionFilter): PlaySession[];
  count(filter?: SessionFilter): number;
  /** The live streams. */
  streams(): StreamSummary[];
  /** The live visit with this id, else its latest closed one. */
  get(id: string): PlaySession | undefined;

  /** Closes a live session, cuts its transports and keeps the viewer out. False: unknown or already closed. */
  kick(id: string, options?: KickOptions): boolean;
  /** Kicks every live session that matches; how many. An empty filter is ERR_EMPTY_FILTER. */
  kickAll(filter: SessionFilter, options?: KickOptions): number;
  /** Labels a live session (at most 32 tags). False: unknown or closed. */
  tag(id: string, tags: Record<string, string>): boolean;
  /**
   * Refuses whoever matches and closes who is live. Said again of the same target, it ends no sooner than before. Throws
   * ERR_BAD_DENIAL when the target is empty or unclear.
   */
  deny(target: DenialTarget, options?: DenyOptions): Denial;
  /** Ends a denial, by its id or by exactly the target it was made with. False: there is none. */
  liftDenial(which: string | DenialTarget): boolean;
  denials(): Denial[];
  /** The policies decide again about these streams (or all): who is refused is cut, remembered refusals end. */
  invalidate(streams?: string | readonly string[]): Promise<InvalidateResult>;
  /** The policies decide again about one user or one session. */
  reauthorize(target: { user?: string; session?: string }): Promise<InvalidateResult>;
  /**
   * Why a session is what it is: its identity, what each policy said, what it waits for, why it closed. With the id of a
   * denial: what it refuses, and what the policies said.
   */
  explain(id: string): Explanation | undefined;

  /** True while a policy of the stage `authorise` is configured: then being found is not being let in. */
  readonly authorises: boolean;

  stats(): TrackerStats;
  /** Changes options while running. Timeouts act at the next look; identity, policies and geo for new hits. */
  updateConfig(patch: HotOptions): void;
  /** Calls the listener for every such event from now on; returns the function that ends it. */
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
  /**
   * Takes events to elsewhere, the live sessions first. Returns the function that removes the sink.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  addSink(sink: EventSink, options?: SinkOptions): () => void;

  /** Starts the looks for due sessions (every second). `autoStart` does it with the first session. */
  start(): void;
  /** One look, now. */
  sweep(): void;
  /** Closes all with `shutdown`, cuts them, delivers what the sinks take within `timeoutMs` (10_000). Idempotent. */
  stop(options?: { timeoutMs?: number }): Promise<void>;
}
