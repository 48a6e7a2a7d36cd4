import type { DenialRecord } from './denial.js';
import type { SessionKind } from './kinds.js';
import type { KickOptions } from './operations.js';
import type { CloseReason, NamedBy, PlaySession, SessionFilter } from './play-session.js';

/*
 * The protocol between trackers and their cluster.
 *
 * The cluster has one row per *visit*. A node that has seen the visit lately has a *part* of it: a live session of its tracker,
 * with the id and opening time of the visit. A tracker cannot tell alone whose hit it is, so it asks at a single point: before
 * opening a session, it looks in the *directory* (just as it looks among the visits of an earlier process). Everything else
 * follows from what a tracker tells the directory:
 *
 *   find     no session here answers to this hit: whose is it?                 the request waits, up to a limit
 *   settled  the session has opened, or none will                               afterwards, in batches
 *   changed  a part has opened, or what it is found by has changed              afterwards, in batches
 *   left     a part has ended: released, or the visit has ended with it         afterwards, in batches
 *   denied, lifted                                                              the operator's orders, for the log
 *   replaced                                                                    what a policy replaced, for the log
 *
 * and from what the cluster can do to a tracker: `rename` a part that opened while the cluster could not be asked, `end` a part
 * whose visit has ended elsewhere, `replace` a part whose visit was replaced elsewhere, `take` and `keepOut` denials that were
 * made elsewhere, and `lift` them.
 *
 * A hit of a session that is live here involves none of this.
 */

/** Stands for a name: 96 bits of an HMAC, as text. Trackers with the same `fingerprintKey` produce the same hashes. */
export type NameHash = readonly [kind: NamedBy, hash: string];

/** What a visit is recognised by. It contains no token, address or player name. */
export interface VisitIdentity {
  readonly kind: SessionKind;
  readonly stream: string;
  /** Hash of the identity group, whose members are told apart by name. Undefined: a connection that is a visit of its own. */
  readonly place: string | undefined;
  /**
   * The best name first; what its player calls itself (`fingerprint`) last. Only one if visits are not found by other names; none
   * if the group is one viewer.
   */
  readonly names: readonly NameHash[];
  /** The id it gets if it is a new visit. */
  readonly id: string;
}

/** The visit that a hit belongs to. */
export interface FoundVisit {
  readonly id: string;
  /** Epoch milliseconds, by the clock of the cluster: the same for every part. */
  readonly openedAt: number;
  /** It has this name; it was seen with it; it has just been given it; no visit had it. */
  readonly found: 'name' | 'alias' | 'late' | 'new';
  /** All names that the visit is known by. */
  readonly names: readonly NameHash[];
  /** Until when policies have admitted it by what it goes by, in epoch milliseconds. Undefined: none has. Infinity: no end. */
  readonly allowedUntil?: number | undefined;
}

/** A live session, as a part of a visit. */
export interface Part extends VisitIdentity {
  readonly openedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Last activity, epoch milliseconds. */
  readonly updatedAt: number;
  readonly allowedUntil?: number | undefined;
}

/** One visit has replaced another. */
export interface Replacement {
  /** The visit that lives. */
  readonly by: string;
  /** The visit that it replaces. */
  readonly id: string;
  /** When that one opened. Undefined: no part of it is live here. */
  readonly openedAt?: number | undefined;
  /** Keeps the replaced viewer out while the visit `by` lasts. Undefined: only nodes with a part of it can make it. */
  readonly record?: DenialRecord;
}

/** Tells a tracker who is watching on other nodes, and is told what happens here. No method may throw. */
export interface VisitDirectory {
  /** True while the cluster cannot be asked. Read before each opening, so it must be cheap. */
  readonly isAlone: boolean;
  /** What happens to newcomers while the cluster does not answer: decided locally, or refused. */
  readonly whenAlone: 'local' | 'refuse';
  /** How long a question waits for its answer. Milliseconds. */
  readonly timeLimitMs: number;
  /** Undefined: nobody can tell. */
  find(asked: VisitIdentity): Promise<FoundVisit | undefined>;
  /** The viewer that was asked about has been admitted or refused: if no part of it is live here, it was abandoned. */
  settled(found: FoundVisit): void;
  /** A part has opened (`isNew`), or what it is found by has changed: `part(id)` has the details. */
  changed(id: string, isNew: boolean): void;
  /** `isOver`: the visit has ended on all nodes. Otherwise this node releases its part. `row`: the session as it was here. */
  left(part: Part, row: PlaySession, isOver: boolean): void;
  /** The operator has made a denial. */
  denied(record: DenialRecord): void;
  /** A denial has ended before its time: the operator has lifted it, or the session that replaced the viewer has ended. */
  lifted(id: string): void;
  /** A policy has let one visit replace another, which is over on all nodes. Told before its part here closes. */
  replaced(replacement: Replacement): void;
}

/** Options that decide who counts as the same viewer, by name, as text for comparison. */
export type IdentityOptionsDigest = Readonly<Record<string, string>>;

/** The side of a tracker that faces a cluster: see `clusterPort()`. */
export interface ClusterPort {
  /** The tracker has been stopped, and admits nobody any more. */
  readonly isStopped: boolean;
  /** What must be equal on all nodes. */
  readonly identity: IdentityOptionsDigest;
  /** Identifies the `fingerprintKey`. Undefined: none was given, so no other tracker produces the same hashes. */
  readonly keyId: string | undefined;
  /** Stands for a text that has to be recognised but must not be stored: the same on all nodes. 16 characters. */
  hash(text: string): string;
  /** From now on the directory is asked and told. Returns a function that ends this. One at a time: joining again replaces it. */
  join(directory: VisitDirectory): () => void;
  /** The ids of all live, listed sessions. */
  ids(): string[];
  /** As `list` of the tracker, but however many sessions it looks at, others get their turn every few hundred microseconds. */
  list(filter: SessionFilter): Promise<PlaySession[]>;
  /** Calls `visit` for each session that matches, in the same way. One that ends meanwhile may come twice. */
  each(filter: SessionFilter, visit: (session: Pick<PlaySession, 'id' | 'openedAt'>) => void): Promise<void>;
  part(id: string): Part | undefined;
  /** The `place` of a part. */
  place(id: string): string | undefined;
  /** Gives a part another id or opening time. False: it is not live, or the new id is already live here. */
  rename(id: string, as: Pick<FoundVisit, 'id' | 'openedAt'>): boolean;
  /** The part's visit has ended elsewhere: the part closes, and its transports are cut. False: there is no such part. */
  end(id: string, openedAt: number, reason: CloseReason, detail?: string): boolean;
  /**
   * As `kickAll` of the tracker. Returns the ids of the sessions that were kicked.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION, ERR_EMPTY_FILTER
   */
  kickAll(filter: SessionFilter, options: KickOptions): string[];
  /** A visit whose last part was here is over: lists show it as closed. */
  retire(visit: PlaySession): void;
  /** A viewer that went quiet here is watching on another node: only counted. */
  handedOver(): void;
  /** The ids of the operator's denials in force. */
  denialIds(): string[];
  /** Those that are still in force. */
  denials(ids: Iterable<string>): DenialRecord[];
  /**
   * Denials that were made elsewhere. They apply to what comes from now on; `enforce` closes the parts that they cover. They are
   * not reported to the directory.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL
   */
  take(records: readonly DenialRecord[]): void;
  /** Closes the parts that denials made elsewhere cover. However many there are, others get their turns. */
  enforce(ids: readonly string[]): Promise<void>;
  /** A visit was replaced on another node, by the visit `by`: its part here closes as `replaced`. False: there is none. */
  replace(id: string, by: string): boolean;
  /**
   * Keeps out a viewer that was replaced on another node, until this is lifted.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL
   */
  keepOut(record: DenialRecord): void;
  /** A denial was lifted elsewhere. */
  lift(id: string): boolean;
}

/** The key under which a tracker has its port. */
export const CLUSTER_PORT: unique symbol = Symbol.for('stream-sessions.cluster-port');
