import type { DenialRecord } from './denial.js';
import type { SessionKind } from './kinds.js';
import type { CloseReason, NamedBy, PlaySession } from './play-session.js';

/*
 * What trackers and a cluster of them have to say to each other.
 *
 * Of a *visit* the cluster has one row. A node that has seen something of it lately has a *part* of it: a live session of its
 * tracker, with the id and the opening time of the visit. Whose hit it is, is one question that a tracker cannot answer
 * alone, and it is asked at one place: whoever would open looks in the *directory* first (as it looks among the visits of an
 * earlier process). All else follows from what a tracker tells the directory:
 *
 *   find     nobody here answers to this hit: whose is it?                      the request waits, for so long
 *   settled  it has opened, or comes to nothing                                 afterwards, in batches
 *   changed  a part has opened, or is found by something else                   afterwards, in batches
 *   left     a part has ended: let go of, or the visit has ended with it        afterwards, in batches
 *   denied, lifted                                                              the operator's word, for the log
 *
 * and from four things that the cluster can do to a tracker: `rename` a part that opened before anybody could be asked,
 * `end` a part whose visit has ended elsewhere, `take` the operator's denials that were made elsewhere, and `lift` them.
 *
 * A hit of a session that is live here passes nothing of this.
 */

/** What stands for a name: 128 bits of an HMAC, as text. Trackers with the same `fingerprintKey` hash alike. */
export type NameHash = readonly [kind: NamedBy, hash: string];

/** What a visit is recognised by. No token, no address and no name of a player stands in it. */
export interface VisitIdentity {
  readonly kind: SessionKind;
  readonly stream: string;
  /** Hash of the identity group: its members are told apart by name. Undefined: a connection, a visit by itself. */
  readonly place: string | undefined;
  /**
   * The best one first; what it calls its player (`fingerprint`) last. One alone where nobody is found by other names; none
   * where the group is one viewer.
   */
  readonly names: readonly NameHash[];
  /** The id that it has if it is a new visit. */
  readonly id: string;
}

/** Whose hit it is. */
export interface FoundVisit {
  readonly id: string;
  /** Epoch milliseconds, by the clock of the cluster: the same on every part. */
  readonly openedAt: number;
  /** It has this name; it was seen with it; it was given it just now; nobody had it. */
  readonly found: 'name' | 'alias' | 'late' | 'new';
  /** All that the visit is known by. */
  readonly names: readonly NameHash[];
  /** Until when policies have let it in by what it goes by, epoch milliseconds. Undefined: none has. Infinity: no end. */
  readonly allowedUntil?: number | undefined;
}

/** A live session, as the part of a visit. */
export interface Part extends VisitIdentity {
  readonly openedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Last activity, epoch milliseconds. */
  readonly updatedAt: number;
  readonly allowedUntil?: number | undefined;
}

/** Whom a tracker asks who is watching elsewhere, and tells what happens here. No method may throw. */
export interface VisitDirectory {
  /** Nobody can be asked now. Looked at before each opening: it must be cheap. */
  readonly isAlone: boolean;
  /** What becomes of newcomers while nobody answers: decided as on one node, or refused. */
  readonly whenAlone: 'local' | 'refuse';
  /** A question without an answer after so many milliseconds is not waited for. */
  readonly timeLimitMs: number;
  /** Undefined: nobody can tell. */
  find(asked: VisitIdentity): Promise<FoundVisit | undefined>;
  /** Who was asked about has been let in or refused by now: a part of it that is not live was given up. */
  settled(found: FoundVisit): void;
  /** A part has opened, or it is found by something else: `part(id)` says by what. */
  changed(id: string): void;
  /** `isOver`: the visit has ended on all nodes. Otherwise this node lets go of its part. `row`: as it was here. */
  left(part: Part, row: PlaySession, isOver: boolean): void;
  /** The operator has refused somebody. */
  denied(record: DenialRecord): void;
  /** The operator has lifted a denial before its end. */
  lifted(id: string): void;
}

/** Options that decide who is the same viewer, by name, as text that can be compared. */
export type IdentityOptionsDigest = Readonly<Record<string, string>>;

/** The side of a tracker that faces a cluster: see `clusterPort()`. */
export interface ClusterPort {
  /** What must be equal on all nodes. */
  readonly identity: IdentityOptionsDigest;
  /** Names the `fingerprintKey`. Undefined: none was given, and no other tracker hashes alike. */
  readonly keyId: string | undefined;
  /** What stands for a text where it has to be recognised but not kept: the same on all nodes. 22 characters. */
  hash(text: string): string;
  /** The directory is asked and told from now on. Returns what ends that. One at a time: joining again replaces it. */
  join(directory: VisitDirectory): () => void;
  /** The ids of all that are live and listed. */
  ids(): string[];
  part(id: string): Part | undefined;
  /** A part has another id or opening time. False: it is not live, or the new id is live here already. */
  rename(id: string, as: Pick<FoundVisit, 'id' | 'openedAt'>): boolean;
  /** Its visit has ended elsewhere: the part closes, and its transports are cut. False: there is none. */
  end(id: string, openedAt: number, reason: CloseReason, detail?: string): boolean;
  /** A visit is over whose last part was here: lists show it as closed. */
  retire(visit: PlaySession): void;
  /** A viewer that has gone quiet here watches on at another node: counted. */
  handedOver(): void;
  /**
   * Denials that were made elsewhere. They hold at once; parts that they are about close. They are not told to the
   * directory.
   *
   * @throws StreamSessionsError ERR_BAD_DENIAL
   */
  take(records: readonly DenialRecord[]): void;
  /** A denial was lifted elsewhere. */
  lift(id: string): boolean;
}

/** Where a tracker has its port. */
export const CLUSTER_PORT: unique symbol = Symbol.for('stream-sessions.cluster-port');
