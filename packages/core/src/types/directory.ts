import type { Denial, DenialTarget } from './denial.js';
import type { TrackerEvents } from './event.js';
import type { Explanation } from './explanation.js';
import type { SessionKind } from './kinds.js';
import type { PlaySession, SessionFilter, StreamSummary } from './play-session.js';
import type { TrackerStats } from './stats.js';
import type { DenyOptions, InvalidateResult, KickedAt, KickOptions } from './operations.js';

type Answer<T> = T | Promise<T>;

/** Rows of a list. In a cluster, `partial` says that some nodes have not answered in time, and `missing` names them. */
export interface SessionRows extends ReadonlyArray<PlaySession> {
  readonly partial?: boolean;
  readonly missing?: readonly string[];
}

/** What happens to visits and at sources. */
export type VisitEvents = Pick<TrackerEvents, 'opened' | 'closed' | 'changed' | 'denied' | 'source'>;

/** Who is live, over all nodes of a cluster. */
export interface LiveVisits {
  /** As of when, epoch milliseconds by the clock of the cluster. */
  readonly at: number;
  /** By stream; those that nobody has may be absent. */
  readonly streams: ReadonlyMap<string, Readonly<Record<SessionKind, number>>>;
}

/** What happens on all nodes of a cluster, for whoever shows it, or tells of it once, on one of them. */
export interface Everywhere {
  /** Each event once, whichever node it is of. The function that removes the listener comes at once. */
  on<E extends keyof VisitEvents>(event: E, listener: (event: VisitEvents[E]) => void): () => void;
  /** Some events may not have come: whoever keeps a list has to read it anew. Returns the function that removes the listener. */
  onMissed(listener: () => void): () => void;
  /** How many are live: a second ago at the most, or, with `isFresh`, as of now. Rejects while the cluster cannot be asked. */
  live(options?: { readonly isFresh?: boolean }): Promise<LiveVisits>;
  /**
   * For what is told once, whichever nodes have noticed it. Of those that say of one thing that it has come into this state, the
   * first gets true; who says so as of an earlier moment (`at`, of `live`) than another one gets false. It is forgotten after half
   * a minute. Rejects as `live`.
   */
  claim(about: string, state: string, at: number): Promise<boolean>;
}

/**
 * Whoever can be asked who is watching, and told to stop a viewer: a tracker, or what speaks for several of them, whose
 * answers then come later. Each method does what the tracker's does; a promise rejects where the tracker throws.
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
  deny(target: DenialTarget, options?: DenyOptions): Answer<Denial>;
  liftDenial(which: string | DenialTarget): Answer<boolean>;
  denials(): Answer<readonly Denial[]>;
  explain(id: string): Answer<Explanation | undefined>;
  invalidate(streams?: string | readonly string[]): Answer<InvalidateResult>;
  reauthorize(target: { user?: string; session?: string }): Answer<InvalidateResult>;
  /** What has changed until now is where a crash cannot reach it. */
  saved?(): Promise<void>;
  /**
   * True: whatever becomes of this process, the end of every visit is told, by another process if need be. Whoever listens
   * need not remember who was there.
   */
  readonly tellsEveryEnd?: boolean;
  /** The function that removes the listener comes at once. */
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
  /** Of a cluster, where `on` tells of what is this node's to tell. Absent: `on` tells of everything. */
  readonly everywhere?: Everywhere;
}
