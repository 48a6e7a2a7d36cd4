import type { EventSink, SinkOptions, SourceChange, TrackerEvents } from './event.js';
import type { Denial, DenialRecord, DenialTarget } from './denial.js';
import type { ConnHit, HttpHit } from './hit.js';
import type { PlaySession, SessionFilter, StreamSummary } from './play-session.js';
import type { Admission, Closer, ConnHandle, PendingAdmission, RequestHandle } from './admission.js';
import type { SessionDirectory } from './directory.js';
import type { Explanation } from './explanation.js';
import type { DenyOptions, InvalidateResult, KickOptions } from './operations.js';
import type { StateRecords } from './state.js';
import type { TrackerStats } from './stats.js';
import type { HotOptions } from './options.js';

/** One list of who is watching, over every transport; and the means to stop a viewer. */
export interface SessionTracker extends SessionDirectory {
  /**
   * Records an HTTP request that has already been answered. The first hit opens a session, later ones join it by identity. Asks
   * no policy, but denials and caps apply. Returns a copy, or null if nothing was tracked (disabled, `unspecified` without a
   * recipe, denied, over a cap, stopped, an error on a stream that has never been served).
   */
  trackHttp(hit: HttpHit): PlaySession | null;
  /**
   * Records a connection that is already playing. If nothing was tracked, the session is null and the closer does
   * nothing. Throws ERR_SESSION_EXISTS if `hit.id` is live already.
   */
  openConn(hit: ConnHit): { session: PlaySession | null; closer: Closer };
  /**
   * Asks whether a client may play: denials, caps, policies, in that order. Synchronous for every known session, and whenever no
   * policy that has to be asked is asynchronous.
   */
  admit(hit: ConnHit): Admission<ConnHandle> | PendingAdmission<ConnHandle>;
  admit(hit: HttpHit): Admission<RequestHandle> | PendingAdmission<RequestHandle>;

  /** Sessions that match, sorted by `openedAt`, then id. Reading does not keep sessions alive. */
  list(filter?: SessionFilter): PlaySession[];
  count(filter?: SessionFilter): number;
  /** The live streams. */
  streams(): StreamSummary[];
  /** The live visit with this id, or else the latest closed one. */
  get(id: string): PlaySession | undefined;

  /** Closes a live session, cuts its transports and keeps the viewer out. False: unknown or already closed. */
  kick(id: string, options?: KickOptions): boolean;
  /** Kicks every live session that matches, and returns how many. An empty filter is ERR_EMPTY_FILTER. */
  kickAll(filter: SessionFilter, options?: KickOptions): number;
  /** Labels a live session (at most 32 tags). False: unknown or closed. */
  tag(id: string, tags: Record<string, string>): boolean;
  /**
   * Refuses viewers that match, and closes their live sessions. When repeated for the same target, it ends no sooner than before.
   * Throws ERR_BAD_DENIAL if the target is empty or unclear.
   */
  deny(target: DenialTarget, options?: DenyOptions): Denial;
  /** Ends a denial, by its id or its exact target. False: there is none. */
  liftDenial(which: string | DenialTarget): boolean;
  denials(): Denial[];
  /** All denials in force except those that end with a session, for `importDenials` of another tracker or a later process. */
  exportDenials(): DenialRecord[];
  /**
   * Applies these denials from now on, until they end; for an id that is known here, the newer one stays. Live sessions play on.
   * Returns how many are in force.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL, and nothing is changed, if one of them is not a valid record or was made with
   *   another `fingerprintKey`.
   */
  importDenials(records: readonly DenialRecord[]): number;
  /** The policies decide again about these streams (or all): refused sessions are cut, remembered refusals end. */
  invalidate(streams?: string | readonly string[]): Promise<InvalidateResult>;
  /** The policies decide again about one user or one session. */
  reauthorize(target: { user?: string | undefined; session?: string | undefined }): Promise<InvalidateResult>;
  /**
   * Why a session is what it is: its identity, what each policy said, what it is waiting for, why it closed. For the id of a
   * denial: whom it refuses, and what the policies said.
   */
  explain(id: string): Explanation | undefined;

  /** True while a policy of the stage `authorise` is configured: viewers then need its permission. */
  readonly authorises: boolean;

  /**
   * Resolves when everything that an earlier process left has been read; at once without a state store. Until then, `admit()`
   * returns a promise, and `trackHttp()` records nothing. Never rejects: a store that fails is logged.
   */
  readonly ready: Promise<void>;
  /** Resolves when the state store has everything that has changed so far, or has failed to take it; at once without a store. */
  saved(): Promise<void>;

  /**
   * For packages that store something about each viewer: records in the state store, separate from those of other owners.
   * Undefined without a store.
   *
   * @param owner Letters, digits and dashes, such as `heartbeats`.
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  records(owner: string): StateRecords | undefined;

  stats(): TrackerStats;
  /**
   * Changes options while running. Timeouts take effect at the next sweep; identity, policies and geo with new hits.
   *
   * @throws StreamSessionsError, and nothing is changed: ERR_BAD_OPTION, or ERR_CLUSTER_CONFIG if a node of a cluster would no
   *   longer recognise viewers like the others
   */
  updateConfig(patch: HotOptions): void;
  /** Calls the listener for every such event from now on; returns a function that removes it. */
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
  /**
   * Sends events to a sink, the live sessions first. Returns the function that removes the sink.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  addSink(sink: EventSink, options?: SinkOptions): () => void;

  /**
   * Tells listeners of `source` and sinks what happened to the source of a stream: for code that runs sources, such as
   * `@stream-sessions/on-demand`. `detail`: the reason; cut at 1,024 characters.
   */
  announceSource(stream: string, change: SourceChange, detail?: string): void;

  /** Starts sweeping for due sessions, once a second. With `autoStart`, the first session does this. */
  start(): void;
  /** One sweep, now. */
  sweep(): void;
  /**
   * Closes and cuts all sessions with `shutdown`, and delivers what sinks take within `timeoutMs` (10_000). Idempotent.
   *
   * `keep`, with a state store: no session is closed. New requests are refused, responses may end within `timeoutMs` and are then
   * cut along with the connections, and the next process continues every session.
   */
  stop(options?: { timeoutMs?: number | undefined; keep?: boolean | undefined }): Promise<void>;
}
