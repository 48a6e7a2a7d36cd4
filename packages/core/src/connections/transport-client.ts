import type { Denial } from '../types/denial.js';
import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import type { ByteCounters } from './byte-counters.js';

/** What a refused or kicked client is told, in the words of its protocol. */
export interface Responder {
  /** Says no, and hangs up. */
  reject(denial: Denial): void;
  /** Cuts the connection, now: nothing more is sent to the client, or taken from it. */
  destroy(reason: CloseReason): void;
}

/** One player or publisher of the server: what its `TransportConnection` needs to know of it, and may do to it. */
export interface TransportClient extends Responder {
  /** Counters from now on. The handle is for what an adapter has to tell beside bytes, such as tags. */
  counters(handle: ConnHandle): ByteCounters;
  /** Holds media back while a verdict is pending. */
  pause(): void;
  /** Lets media flow, after a `pause`. */
  resume(): void;
  /** The connection is over, or no longer watched: leaves the server's objects as they were. */
  dispose(): void;
}
