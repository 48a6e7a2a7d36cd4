/** Options of `kick` and `kickAll`. */
export interface KickOptions {
  /** How long the viewer stays out, in milliseconds. Default `deniedRetentionMs`; 0 = may come back at once. */
  denyForMs?: number;
  /** Shown as `closeDetail` and in the denial. */
  reason?: string;
  /**
   * Of a viewer whom a policy has named: all that was issued to this user until now is refused, for `revokeForMs`, and sessions that
   * were opened with it close. A new login gets in: `denyForMs` is 0 then, unless it is given. Others are kicked as ever.
   */
  revoke?: boolean;
}

/** What came of a kick where several nodes have something of the session, each by its name. */
export interface KickedAt {
  /** They have cut it. */
  readonly nodes: readonly string[];
  /** They have not answered in time: they cut it when they hear of it. */
  readonly pending: readonly string[];
}

/** Options of `deny`. */
export interface DenyOptions {
  /** Milliseconds. Default `deniedRetentionMs`, with `issuedBefore` `revokeForMs`; 0 = only closes live sessions; Infinity = until lifted. */
  forMs?: number;
  reason?: string;
}

/** The result of asking the policies again: numbers of sessions. */
export interface InvalidateResult {
  asked: number;
  kept: number;
  closed: number;
  denialsLifted: number;
}
