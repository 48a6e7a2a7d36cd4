import type { Candidate } from '@stream-sessions/core';
import type { SessionData } from './session-data.js';
import type { Awaitable } from './store.js';

/** Aborts a call that takes too long: its result is no longer awaited. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * A pass that is stored elsewhere, and can only be saved as a whole. Before each save it is reloaded, and what was used meanwhile
 * is added to its current state, so that a top-up during playback is kept. What somebody else saves between those two calls is
 * lost: use a `PassStore` where adding is atomic.
 */
export interface SessionSource {
  /** As last loaded. */
  data(): SessionData;
  /** `timeCons` is in whole seconds: the rest is saved with later ones. */
  save(data: SessionData, options: CallOptions): Awaitable<void>;
  /** Reads it again. */
  reload(options: CallOptions): Awaitable<SessionData>;
}

/** An external seller of passes, such as a voucher system. A provider that fails or takes too long is logged and skipped. */
export interface PassProvider {
  /** Unique among the providers of a book. */
  readonly name: string;
  /** The owner's pass that may be used now; undefined: there is none. Called when the owner comes, and when a pass runs out. */
  getSession(owner: string, candidate: Candidate, options: CallOptions): Awaitable<SessionSource | undefined>;
  /** The owner's passes, for lists. Pages start with 1. */
  fetchSessions?(owner: string, page: number, perPage: number): Awaitable<readonly SessionData[]>;
}
