import type { Candidate } from '@stream-sessions/core';
import type { SessionData } from './session-data.js';
import type { Awaitable } from './store.js';

/** Ends what takes too long: the answer is not waited for any more. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * A pass that is kept elsewhere, and can only be saved as a whole. Before each save it is reloaded, and what was used up in
 * between is added to what is there by then, so that a top-up during play is kept. What somebody else saves between those two
 * calls is lost: a `PassStore` is for those who can add in one step.
 */
export interface SessionSource {
  /** As it was loaded last. */
  data(): SessionData;
  /** `timeCons` is in whole seconds: the rest is saved with the next ones. */
  save(data: SessionData, options: CallOptions): Awaitable<void>;
  /** Reads it anew. */
  reload(options: CallOptions): Awaitable<SessionData>;
}

/** Somebody else who sells passes, such as a voucher system. One that fails or takes too long is logged and passed over. */
export interface PassProvider {
  /** Unique among the providers of a book. */
  readonly name: string;
  /** The pass of this owner that may be used now; undefined: there is none. Asked when the owner comes, and when a pass runs out. */
  getSession(owner: string, candidate: Candidate, options: CallOptions): Awaitable<SessionSource | undefined>;
  /** What this owner has, for lists. Pages begin with 1. */
  fetchSessions?(owner: string, page: number, perPage: number): Awaitable<readonly SessionData[]>;
}
