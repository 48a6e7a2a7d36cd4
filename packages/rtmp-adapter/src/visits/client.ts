import type { CloseReason, ConnHit, Denial } from '@stream-sessions/core';
import type { Flow } from '@stream-sessions/core/spi';

/** What a refused or kicked client is told, in the words of its protocol. */
export interface Voice {
  /** Says no, and hangs up. */
  refuse(denial: Denial): void;
  /** Cuts what plays, now. */
  sever(reason: CloseReason): void;
}

/** One player or publisher of the server: what an adapter's visit needs to know of it, and may do to it. */
export interface Client extends Voice {
  readonly hit: ConnHit;
  /** Counters from now on. */
  flow(): Flow;
  /** Holds media back while a verdict is pending. */
  hold(): void;
  /** Lets it flow, after a `hold`. */
  release(): void;
  /** The visit is over: leaves the server's objects as they were. */
  forget(): void;
}
