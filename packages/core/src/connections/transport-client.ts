import type { Denial } from '../types/denial.js';
import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import type { ByteCounters } from './byte-counters.js';

/** Tells a refused or kicked client why, in the terms of its protocol. */
export interface Responder {
  /** Refuses the client and hangs up. */
  reject(denial: Denial): void;
  /** Cuts the connection at once: nothing more is sent to the client or taken from it. */
  destroy(reason: CloseReason): void;
}

/** One player or publisher of the server: what its `TransportConnection` needs to know about it and may do to it. */
export interface TransportClient extends Responder {
  /** Counters that start now. The handle serves to report anything besides bytes, such as tags. */
  counters(handle: ConnHandle): ByteCounters;
  /** Holds media back while a verdict is pending. */
  pause(): void;
  /** Lets media flow, after a `pause`. */
  resume(): void;
  /**
   * The client has gone, or does something else, before there was a verdict: what was held back must never flow. Default: nothing is
   * done.
   */
  abandon?(): void;
  /** The connection is over or no longer watched: restores the server's objects to what they were. */
  dispose(): void;
}
