import type { Denial } from '../types/denial.js';
import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import type { Flow } from './byte-counters.js';

/** What a refused or kicked client is told, in the words of its protocol. */
export interface Voice {
  /** Says no, and hangs up. */
  refuse(denial: Denial): void;
  /** Cuts what plays, now. */
  sever(reason: CloseReason): void;
}

/** One player or publisher of the server: what an adapter's visit needs to know of it, and may do to it. */
export interface VisitClient extends Voice {
  /** Counters from now on. The handle is for what an adapter has to tell beside bytes, such as tags. */
  flow(handle: ConnHandle): Flow;
  /** Holds media back while a verdict is pending. */
  hold(): void;
  /** Lets it flow, after a `hold`. */
  release(): void;
  /** The visit is over: leaves the server's objects as they were. */
  forget(): void;
}
