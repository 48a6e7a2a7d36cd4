/** Options of `kick` and `kickAll`. */
export interface KickOptions {
  /** How long the viewer stays out, in milliseconds. Default `deniedRetentionMs`; 0 = may come back at once. */
  denyForMs?: number;
  /** Shown as `closeDetail` and in the denial. */
  reason?: string;
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
