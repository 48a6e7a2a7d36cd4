import type { DenialKind } from './denial.js';
import type { ConnHit, HttpHit } from './hit.js';
import type { CloseReason, PlaySession, SessionFilter } from './play-session.js';

/** The order in which policies are asked; within one stage, their order in the array. */
export type PolicyStage = 'authorise' | 'concurrency' | 'pass' | 'custom';

/** Rates a transport should keep to, megabits per second. */
export interface Limits {
  readonly downMbits?: number;
  readonly upMbits?: number;
}

/** A policy's yes. */
export interface Approval {
  allow: true;
  /**
   * The user this is, in at most 1,024 characters. Named by a policy, it is vouched for: a kick then follows the user, not
   * the address.
   */
  userId?: string;
  tags?: Readonly<Record<string, string>>;
  /** Epoch milliseconds. The session is closed with `expired` when it comes. */
  expiresAt?: number;
  /** How many sessions this user may have; read by concurrency policies. */
  maxSessions?: number;
  /**
   * Sessions (ids) to close with `replaced` when this one opens. They stay out (same stream and protocol, any token,
   * address and user agent they had) while it lives. A function is called in the moment of opening: it sees who is live then.
   */
  replace?: Ids;
  /** Sessions (ids) that lose their place to this one when it opens: closed as `idle`, they may come back by asking. */
  release?: Ids;
  /**
   * The live session (id) that this viewer has already, under another name: it goes on instead of a new one opening.
   * For requests and merged connections of the same kind; others open as usual.
   */
  continues?: string;
  limits?: Limits;
  /** The pass (id) that this viewer spends; read by policies of the stage `pass`. */
  pass?: string;
}

/** Session ids, or a function that gives them when they are needed. */
export type Ids = readonly string[] | (() => readonly string[]);

/** A policy's no. */
export interface Refusal {
  allow: false;
  /** Cut at 256 characters. */
  reason: CloseReason;
  /** Default `forbidden`. */
  kind?: DenialKind;
  /** Cut at 1,024 characters. */
  detail?: string;
  /** How long to remember it, milliseconds. Default 0; for stage `authorise` the tracker's `deniedRetentionMs`. */
  denyForMs?: number;
}

/** A policy's answer: yes or no. */
export type Verdict = Approval | Refusal;

/** Who asks to be let in: the hit, and the live session it would join, if it joins one. */
export interface Candidate extends Readonly<
  Omit<HttpHit & ConnHit, 'bytes' | 'remoteAddress' | 'status' | 'tentative'>
> {
  /** Of the live session it would join, else of the one that would open. */
  readonly id?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly country?: string | undefined;
  /** The live session this candidate would join. */
  readonly session?: PlaySession | undefined;
  /** True when a live session is asked about once more: by a deadline, `invalidate` or `reauthorize`. */
  readonly again?: boolean | undefined;
  /** What the policies asked before this one said of `maxSessions`. */
  readonly maxSessions?: number | undefined;
  /** The live session (id) that one of them says this continues. */
  readonly continues?: string | undefined;
  /** The pass (id) that one of them gave. */
  readonly pass?: string | undefined;
}

/** What a policy may look at. It counts those too whose first request on a new stream is not answered yet. */
export interface TrackerView {
  /** Epoch milliseconds. */
  readonly now: number;
  count(filter: SessionFilter): number;
  list(filter: SessionFilter): PlaySession[];
  /**
   * When this live session was last active, epoch milliseconds: now, while a connection or a request is open.
   * Undefined: it is not live. Cheap: nothing is copied.
   */
  activeAt(id: string): number | undefined;
}

/**
 * Decides who may watch. Asked when a session opens, when a live session brings a stream or token that was not judged
 * yet, and when its own deadline comes; never per segment. One that throws, rejects, answers neither yes nor no, or
 * does not answer within `policyTimeoutMs` has refused (`policy_error`, not remembered).
 */
export interface Policy {
  readonly name: string;
  /** Default `custom`. */
  readonly stage?: PolicyStage;
  admit?(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict>;
  /**
   * Once after each yes of this policy, with the very candidate it said yes to: the session it went into, or undefined
   * when the opening was given up.
   */
  settled?(candidate: Candidate, session: PlaySession | undefined): void;
  /** At its deadline. Pure. `'ask'`: call `admit` again in the background while the session plays on. */
  review?(session: PlaySession, now: number): Verdict | 'ask';
  /** When to review: epoch milliseconds and/or total bytes sent. Asked after opening and after each review. */
  deadline?(session: PlaySession): { at?: number; bytes?: number } | undefined;
  closed?(session: PlaySession): void;
}
