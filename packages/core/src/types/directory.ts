import type { Denial, DenialTarget } from './denial.js';
import type { TrackerEvents } from './event.js';
import type { Explanation } from './explanation.js';
import type { SessionKind } from './kinds.js';
import type { PlaySession, SessionFilter, StreamSummary } from './play-session.js';
import type { TrackerStats } from './stats.js';
import type { DenyOptions, InvalidateResult, KickedAt, KickOptions, SharedDenial } from './operations.js';

type Answer<T> = T | Promise<T>;

/** Rows of a list. In a cluster, `partial` says that some nodes have not answered in time, and `missing` names them. */
export interface SessionRows extends ReadonlyArray<PlaySession> {
  readonly partial?: boolean;
  readonly missing?: readonly string[];
}

/** The events of visits and sources. */
export type VisitEvents = Pick<TrackerEvents, 'opened' | 'closed' | 'changed' | 'denied' | 'source'>;

/** Live session counts over all nodes of a cluster. */
export interface LiveVisits {
  /** The time of the count, in epoch milliseconds by the clock of the cluster. */
  readonly at: number;
  /** By stream; streams without sessions may be absent. */
  readonly streams: ReadonlyMap<string, Readonly<Record<SessionKind, number>>>;
}

/** What happens on all nodes of a cluster, for a consumer that shows it, or reports it once, on one of them. */
export interface Everywhere {
  /** Delivers each event once, whichever node it comes from. Returns the function that removes the listener, synchronously. */
  on<E extends keyof VisitEvents>(event: E, listener: (event: VisitEvents[E]) => void): () => void;
  /**
   * Some events may have been missed: a consumer that keeps a list has to read it anew. Returns the function that removes the
   * listener.
   */
  onMissed(listener: () => void): () => void;
  /**
   * The numbers of live sessions: at most a second old or, with `isFresh`, current. Rejects while the cluster cannot be asked.
   */
  live(options?: { readonly isFresh?: boolean }): Promise<LiveVisits>;
  /**
   * For reports that must be made only once, whichever nodes have noticed. Of the callers that report that something has entered
   * this state, the first gets true; a caller whose observation (`at`, of `live`) is older than another's gets false. Forgotten
   * after half a minute. Rejects like `live`.
   */
  claim(about: string, state: string, at: number): Promise<boolean>;
}

/**
 * Anything that can be asked who is watching, and told to stop a viewer: a tracker, or a facade for several, whose answers are
 * then promises. Each method behaves like the tracker's; a promise rejects where the tracker throws.
 */
export interface SessionDirectory {
  list(filter?: SessionFilter): Answer<SessionRows>;
  count(filter?: SessionFilter): Answer<number>;
  get(id: string): Answer<PlaySession | undefined>;
  streams(): Answer<readonly StreamSummary[]>;
  stats(): Answer<TrackerStats>;
  /** False: there is no such live session. */
  kick(id: string, options?: KickOptions): Answer<boolean | KickedAt>;
  kickAll(filter: SessionFilter, options?: KickOptions): Answer<number>;
  tag(id: string, tags: Record<string, string>): Answer<boolean>;
  deny(target: DenialTarget, options?: DenyOptions): Answer<Denial | SharedDenial>;
  liftDenial(which: string | DenialTarget): Answer<boolean>;
  denials(): Answer<readonly Denial[]>;
  explain(id: string): Answer<Explanation | undefined>;
  invalidate(streams?: string | readonly string[]): Answer<InvalidateResult>;
  reauthorize(target: { user?: string | undefined; session?: string | undefined }): Answer<InvalidateResult>;
  /** Resolves when everything that has changed so far is where a crash cannot reach it. */
  saved?(): Promise<void>;
  /**
   * True: whatever becomes of this process, the end of every visit is reported, by another process if need be, so that listeners
   * need not remember who was there.
   */
  readonly tellsEveryEnd?: boolean;
  /** Returns the function that removes the listener, synchronously. */
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
  /** For a cluster, where `on` reports only the events that are this node's to report. Absent: `on` reports everything. */
  readonly everywhere?: Everywhere;
}
