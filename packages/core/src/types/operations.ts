/** Options of `kick` and `kickAll`. */
export interface KickOptions {
  /** How long the viewer stays out, in milliseconds. Default `deniedRetentionMs`; 0 = may come back at once. */
  denyForMs?: number;
  /** Shown as `closeDetail` and in the denial. */
  reason?: string;
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
  /** Milliseconds. Default `deniedRetentionMs`; 0 = only closes live sessions; Infinity = until lifted. */
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
