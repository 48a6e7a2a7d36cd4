import type { Denial } from './denial.js';
import type { CloseReason, PlaySession, Quality } from './play-session.js';
import type { Limits } from './policy.js';

/** What an adapter holds of an admitted request or connection. */
export interface Handle {
  /** A copy made when read; undefined: nothing is tracked (disabled, over a cap, `unspecified`). */
  readonly session: PlaySession | undefined;
  readonly limits: Limits;
  /**
   * Called once, synchronously, when the tracker ends the session: sever the transport now. May return bytes that were
   * sent but not reported yet. Registered after the session has already ended, it is called at once.
   */
  onCut(cut: (reason: CloseReason) => number | void): void;
  /** The same as a signal; created when read. */
  readonly signal: AbortSignal;
  /** Activity: the client is there and keeps up. Credits bytes sent since the last call. */
  touch(addedBytes?: number): void;
  /** Credits bytes received from the client. */
  addReceived(bytes: number): void;
  tag(tags: Record<string, string>): void;
  /**
   * What the player says of its own playback (CMCD): added to the session's `quality`, key by key. At most 64 keys;
   * texts of more than 256 characters are left out.
   *
   * @param provisional Better ones are awaited: `msSinceReport` goes on. Default false.
   */
  report(quality: Quality, provisional?: boolean): void;
  /** Milliseconds since the last `report` of this session that was not provisional; Infinity: there was none. */
  readonly msSinceReport: number;
}

/**
 * One HTTP request in flight. `touch` it at least every second while the client takes what there is: a request that
 * nobody touched for `stallTimeoutMs` is stalled.
 */
export interface RequestHandle extends Handle {
  /**
   * The request is answered with what it asked for (a status below 400). For hits that were `tentative`: bytes say the
   * same. Cheap, and harmless when it is known already.
   */
  served(): void;
  /** Ends the request, not the session. Idempotent. */
  end(addedBytes?: number): void;
}

/** Ends a connection that the transport has lost or finished. Harmless afterwards. */
export interface Closer {
  touch(addedBytes?: number): void;
  /** Default reason `client_gone`. */
  close(reason?: CloseReason, addedBytes?: number): void;
}

/** One transport connection. */
export interface ConnHandle extends Handle, Closer {}

/** Let in, or not. */
export type Admission<H> =
  { readonly admitted: true; readonly handle: H } | { readonly admitted: false; readonly denial: Denial };

/** A verdict that is still being thought about. */
export type PendingAdmission<H> = Promise<Admission<H>> & {
  /** The client has gone meanwhile: opens nothing. */
  cancel(): void;
};
