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
   * Records an HTTP request that has already been answered. The first hit opens a session, later ones join it by
   * identity. Asks no policy; denials and caps hold. Returns a copy, or null if nothing was tracked (disabled,
   * `unspecified` without a recipe, denied, over a cap, stopped, an error on a stream of which nothing was served).
   */
  trackHttp(hit: HttpHit): PlaySession | null;
  /**
   * Records a connection that is already playing. If nothing was tracked, the session is null and the closer does
   * nothing. Throws ERR_SESSION_EXISTS if `hit.id` is live already.
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
  /** The live visit with this id, or else the latest closed one. */
  get(id: string): PlaySession | undefined;

  /** Closes a live session, cuts its transports and keeps the viewer out. False: unknown or already closed. */
  kick(id: string, options?: KickOptions): boolean;
  /** Kicks every live session that matches, and returns how many. An empty filter is ERR_EMPTY_FILTER. */
  kickAll(filter: SessionFilter, options?: KickOptions): number;
  /** Labels a live session (at most 32 tags). False: unknown or closed. */
  tag(id: string, tags: Record<string, string>): boolean;
  /**
   * Refuses viewers that match, and closes their live sessions. Repeated for the same target, it ends no sooner than
   * before. Throws ERR_BAD_DENIAL if the target is empty or unclear.
   */
  deny(target: DenialTarget, options?: DenyOptions): Denial;
  /** Ends a denial, by its id or its exact target. False: there is none. */
  liftDenial(which: string | DenialTarget): boolean;
  denials(): Denial[];
  /** All denials in force but those that end with a session, for `importDenials` of another tracker or a later process. */
  exportDenials(): DenialRecord[];
  /**
   * Refuses from now on whom these denials refuse, until they end; with ids that are known here the newer one stays. Live
   * sessions play on. Returns how many are in force.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL, and changes nothing, if one is no such record or was made with another
   * `fingerprintKey`.
   */
  importDenials(records: readonly DenialRecord[]): number;
  /** The policies decide again about these streams (or all): refused sessions are cut, remembered refusals end. */
  invalidate(streams?: string | readonly string[]): Promise<InvalidateResult>;
  /** The policies decide again about one user or one session. */
  reauthorize(target: { user?: string; session?: string }): Promise<InvalidateResult>;
  /**
   * Why a session is what it is: its identity, what each policy said, what it waits for, why it closed. With the id of a
   * denial: whom it refuses, and what the policies said.
   */
  explain(id: string): Explanation | undefined;

  /** True while a policy of the stage `authorise` is configured: viewers then need its permission. */
  readonly authorises: boolean;

  /**
   * Resolves when what an earlier process has left is read; at once without a state store. Until then `admit()` answers with
   * a promise, and `trackHttp()` records nothing. Never rejects: a store that fails is logged.
   */
  readonly ready: Promise<void>;
  /** Resolves when the state store has all that has changed until now, or has failed to take it; at once without one. */
  saved(): Promise<void>;

  /**
   * For packages that keep something of each viewer: records in the state store, apart from those of other owners. Undefined
   * without a store.
   *
   * @param owner Letters, digits and dashes, such as `heartbeats`.
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  records(owner: string): StateRecords | undefined;

  stats(): TrackerStats;
  /**
   * Changes options while running. Timeouts take effect at the next sweep; identity, policies and geo with new hits.
   *
   * @throws StreamSessionsError and changes nothing: ERR_BAD_OPTION, or ERR_CLUSTER_CONFIG where it is a node of a cluster and
   *   would not recognise viewers as the others do
   */
  updateConfig(patch: HotOptions): void;
  /** Calls the listener for every such event from now on; returns a function that removes it. */
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
  /**
   * Takes events to elsewhere, the live sessions first. Returns the function that removes the sink.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  addSink(sink: EventSink, options?: SinkOptions): () => void;

  /**
   * Tells listeners of `source` and sinks what became of the source of a stream: for whoever runs sources, as
   * `@stream-sessions/on-demand` does. `detail`: why; cut at 1,024 characters.
   */
  announceSource(stream: string, change: SourceChange, detail?: string): void;

  /** Starts sweeping for due sessions, once a second. With `autoStart`, the first session does so. */
  start(): void;
  /** One sweep, now. */
  sweep(): void;
  /**
   * Closes and cuts all with `shutdown`, and delivers what sinks take within `timeoutMs` (10_000). Idempotent.
   *
   * `keep`, with a state store: nobody is closed. New requests are refused, responses may end within `timeoutMs` and are then
   * cut with the connections, and the next process goes on with everybody.
   */
  stop(options?: { timeoutMs?: number; keep?: boolean }): Promise<void>;
}
