import type { Denial } from './denial.js';
import type { CloseReason, PlaySession, Quality } from './play-session.js';
import type { Limits } from './limits.js';

/** What an adapter holds for an admitted request or connection. */
export interface Handle {
  /** A copy, made when read. Undefined if nothing is tracked (disabled, over a cap, `unspecified`). */
  readonly session: PlaySession | undefined;
  /**
   * Represents the session: one object for all handles of a visit, to be used as a `WeakMap` key for what an adapter keeps per
   * session. Undefined if nothing is tracked.
   */
  readonly visit: object | undefined;
  /** Rates to enforce, according to the policies' latest decisions. */
  readonly limits: Limits;
  /**
   * Called when they have changed. Only the most recent listener is called. Setting one means enforcing `downMbits`: a connection
   * without a listener is cut when it exceeds the limit for ten seconds.
   */
  onLimits(listener: (limits: Limits) => void): void;
  /**
   * Called once, synchronously, when the tracker ends the session: sever the transport now. May return the bytes that were sent
   * but not reported yet. If the session has already ended when this is registered, it is called at once.
   *
   * @param cut A function, or an object with such a method: for ten thousand connections, a closure each adds up.
   */
  onCut(cut: ((reason: CloseReason) => number | void) | { cut(reason: CloseReason): number | void }): void;
  /** The same as an `AbortSignal`, created on first access. */
  readonly signal: AbortSignal;
  /** The client is present and keeps up. Credits the bytes sent since the last call. */
  touch(addedBytes?: number): void;
  /** Credits bytes received from the client. */
  addReceived(bytes: number): void;
  tag(tags: Record<string, string>): void;
  /**
   * What the player reports about its own playback (CMCD): added to the session's `quality`, key by key. At most 64
   * keys; strings of more than 256 characters are left out.
   *
   * @param provisional Better figures will follow: `msSinceReport` is not reset. Default false.
   */
  report(quality: Quality, provisional?: boolean): void;
  /** Milliseconds since the last `report` of this session that was not provisional; Infinity if there was none. */
  readonly msSinceReport: number;
}

/**
 * One HTTP request in flight. `touch` it at least every second while the client keeps up: a request that is not touched
 * for `stallTimeoutMs` is stalled.
 */
export interface RequestHandle extends Handle {
  /**
   * The request is being answered with what it asked for (a status below 400). For hits that were `tentative`; crediting bytes
   * has the same effect. Cheap, and safe to call again.
   */
  served(): void;
  /** Ends the request, not the session. Idempotent. */
  end(addedBytes?: number): void;
}

/** Options of `close`. */
export interface CloseOptions {
  /**
   * When the connection was last active, in epoch milliseconds: watch time ends there. For clients that turn out to have gone
   * long ago. Default and maximum: now. Other activity of the session counts all the same.
   */
  readonly at?: number | undefined;
}

/** Ends a connection that the transport has lost or finished. Afterwards its methods do nothing. */
export interface Closer {
  touch(addedBytes?: number): void;
  /** Default reason `client_gone`. */
  close(reason?: CloseReason, addedBytes?: number, options?: CloseOptions): void;
}

/** One transport connection. */
export interface ConnHandle extends Handle, Closer {}

/** Admitted or refused. */
export type Admission<H> =
  { readonly admitted: true; readonly handle: H } | { readonly admitted: false; readonly denial: Denial };

/** An admission that is waiting for a policy. */
export type PendingAdmission<H> = Promise<Admission<H>> & {
  /** The client has left meanwhile: nothing opens. */
  cancel(): void;
};
