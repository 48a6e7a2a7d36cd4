import type { DenialKind } from './denial.js';
import type { Limits } from './limits.js';
import type { ConnHit, HttpHit } from './hit.js';
import type { CloseReason, PlaySession, SessionFilter } from './play-session.js';

/**
 * The order in which policies are asked; within one stage, their order in the array. `resource` comes last: for what should begin
 * only for a viewer whom nobody refuses any more, such as starting a source.
 */
export type PolicyStage = 'authorise' | 'concurrency' | 'pass' | 'custom' | 'resource';

/** A policy's approval. */
export interface Approval {
  allow: true;
  /**
   * Who this is, in at most 1,024 characters. The policy vouches for this name: a kick then applies to the user, not the address.
   */
  userId?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  /** Epoch milliseconds. The session then closes as `expired`. */
  expiresAt?: number | undefined;
  /** When the credential was issued, epoch milliseconds: see `issuedBefore` of `deny`. */
  issuedAt?: number | undefined;
  /** How many sessions this user may have; read by concurrency policies. */
  maxSessions?: number | undefined;
  /**
   * Sessions (ids) to close as `replaced` when this one opens. They stay out (same stream and protocol, any token,
   * address and user agent they had) while this one lives. A function is called at the moment of opening.
   */
  replace?: Ids | undefined;
  /** Sessions (ids) that give up their place when this one opens: they are closed as `idle` and may ask to come back. */
  release?: Ids | undefined;
  /**
   * The live session (id) that this viewer already has, under another name: it continues, and no new one opens. For
   * requests and merged connections of the same kind; others open as usual.
   */
  continues?: string | undefined;
  /** Rates to enforce. The tightest of all policies apply; `{}` lifts what this policy said before, undefined keeps it. */
  limits?: Limits | undefined;
  /** The pass (id) that this viewer is using up; read by policies of the stage `pass`. */
  pass?: string | undefined;
}

/** Session ids, or a function that returns them when they are needed. */
export type Ids = readonly string[] | (() => readonly string[]);

/** A policy's refusal. */
export interface Refusal {
  allow: false;
  /** Cut at 256 characters. */
  reason: CloseReason;
  /** Default `forbidden`. */
  kind?: DenialKind | undefined;
  /** Cut at 1,024 characters. */
  detail?: string | undefined;
  /**
   * What is left of an exhausted allowance, such as `{ seconds: 0, bytes: 120_000 }`: told to the refused viewer. At most 16
   * numbers with names of at most 64 characters; others are left out.
   */
  remaining?: Readonly<Record<string, number>> | undefined;
  /**
   * Live sessions (ids, at most 32) that occupy the place of this one. Told to the refused viewer only if a policy asked earlier
   * has vouched for the user, and only sessions of that same user: name them for limits per user, never per address.
   */
  conflicts?: readonly string[] | undefined;
  /** How long to remember it, in milliseconds. Default 0; for the stage `authorise` the tracker's `deniedRetentionMs`. */
  denyForMs?: number | undefined;
}

/** A policy's answer: yes or no. */
export type Verdict = Approval | Refusal;

/** Who asks to be admitted: the hit, and the live session it would join, if any. */
export interface Candidate extends Readonly<
  Omit<HttpHit & ConnHit, 'bytes' | 'keepMs' | 'remoteAddress' | 'status' | 'tentative'>
> {
  /** The id of the live session it would join, or else of the one that would open. */
  readonly id?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly country?: string | undefined;
  /** The live session this candidate would join. */
  readonly session?: PlaySession | undefined;
  /** True if a live session is judged again: because of a deadline, `invalidate` or `reauthorize`. */
  readonly again?: boolean | undefined;
  /** The `maxSessions` of the policies asked before this one. */
  readonly maxSessions?: number | undefined;
  /** The live session (id) that this continues, according to one of them. */
  readonly continues?: string | undefined;
  /** The pass (id) that one of them named. */
  readonly pass?: string | undefined;
}

/** What a policy may see of the tracker. It includes viewers whose first request on a new stream has not been answered yet. */
export interface TrackerView {
  /** Epoch milliseconds. */
  readonly now: number;
  count(filter: SessionFilter): number;
  list(filter: SessionFilter): PlaySession[];
  /**
   * When this live session was last active, in epoch milliseconds: now, while a connection or request is open. Undefined if it is
   * not live. Cheap: nothing is copied.
   */
  activeAt(id: string): number | undefined;
  /**
   * Megabits per second sent to all sessions of a stream, or in total, over the last five to ten seconds: the second half of
   * `windowMs`, or up to all of it. Default 10_000, at least 2_000. For a stream, 0 until shortly after it was first asked about.
   * Cheap.
   */
  rate(stream?: string, windowMs?: number): number;
}

/** What a policy may do on its own, on one tracker. Nothing here throws; ids that are not live are ignored. */
export interface PolicyAttachment {
  /**
   * Requests a review of this live session in the next turn of the event loop, whatever the policy's deadline says: its `review`
   * is called, or `admit` again if it has none.
   */
  review(id: string): void;
  /** As in `TrackerView`. */
  activeAt(id: string): number | undefined;
  /** Bytes sent and received. */
  bytesOf(id: string): number | undefined;
  /** False while its first request on a new stream has not been answered yet, and when it is not live. */
  isServed(id: string): boolean;
  /** After how much silence a session is idle, in milliseconds: the longest timeout of any protocol. */
  idleTimeoutMs(): number;
}

/**
 * Decides who may watch. Asked when a session opens, when a live session brings a stream or token that has not been judged yet,
 * and when its own deadline comes; never per segment. A policy that throws, rejects, gives neither a yes nor a no, or does not
 * answer within `policyTimeoutMs` has refused (`policy_error`, not remembered).
 */
export interface Policy {
  readonly name: string;
  /** Default `custom`. */
  readonly stage?: PolicyStage;
  /** Called once for each tracker that is configured with it. */
  attach?(tracker: PolicyAttachment): void;
  admit?(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict>;
  /**
   * Called once after each approval by this policy, with the very candidate it approved: with the resulting session, or undefined
   * if there is none.
   */
  settled?(candidate: Candidate, session: PlaySession | undefined): void;
  /** Called at its deadline; should be pure. `'ask'`: call `admit` again in the background while the session plays on. */
  review?(session: PlaySession, now: number): Verdict | 'ask';
  /**
   * When to review: epoch milliseconds and/or total bytes, sent and received. Asked after opening and at each look. A deadline
   * that moves ahead at every look never comes, which causes a warning.
   */
  deadline?(session: PlaySession): { at?: number; bytes?: number } | undefined;
  closed?(session: PlaySession): void;
}
