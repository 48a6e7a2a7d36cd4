import type { Denial } from './denial.js';

/** Options of `kick` and `kickAll`. */
export interface KickOptions {
  /** How long the viewer is kept out, in milliseconds. Default `deniedRetentionMs`; 0 = may come back at once. */
  denyForMs?: number | undefined;
  /** Shown as `closeDetail` and in the denial. */
  reason?: string | undefined;
  /**
   * For a viewer whom a policy has named: everything issued to this user until now is refused for `revokeForMs`, and sessions
   * opened with it close. A new login is accepted: `denyForMs` is then 0 unless given. Other viewers are kicked as usual.
   */
  revoke?: boolean | undefined;
}

/** The outcome of a kick where several nodes have a part of the session, each identified by its name. */
export interface KickedAt {
  /** Nodes that have cut it. */
  readonly nodes: readonly string[];
  /** Nodes that have not answered in time: they cut it once they receive the order. */
  readonly pending: readonly string[];
}

/** A denial of several nodes, each identified by its name. */
export interface SharedDenial extends Denial {
  /** Nodes that have not confirmed it in time: they apply it once they hear of it. */
  readonly pending: readonly string[];
}

/** Options of `deny`. */
export interface DenyOptions {
  /** Milliseconds. Default `deniedRetentionMs`, with `issuedBefore` `revokeForMs`; 0 = only closes live sessions; Infinity = until lifted. */
  forMs?: number | undefined;
  reason?: string | undefined;
}

/** The result of asking the policies again: numbers of sessions. */
export interface InvalidateResult {
  asked: number;
  kept: number;
  closed: number;
  denialsLifted: number;
}
