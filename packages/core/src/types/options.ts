import type { KickByAddress } from './denial.js';
import type { IdentityOptions } from './identity.js';
import type { Protocol } from './kinds.js';
import type { Policy } from './policy.js';
import type { Clock } from '../support/clock.js';
import type { GeoResolver } from './geo.js';
import type { Logger } from '../support/logger.js';
import type { StateStore } from './state.js';

/** Options that `updateConfig()` can change while the tracker runs. */
export interface HotOptions {
  /** False: nothing is tracked, but denials still apply; ERR_WOULD_OPEN_ALL while policies are configured. Default true. */
  enabled?: boolean | undefined;
  /** A session without activity for longer than this is closed as `idle`; can be set per protocol. Default 30_000. */
  idleTimeoutMs?: number | Partial<Record<Protocol | 'default', number>> | undefined;
  /** A request in flight whose client takes nothing for this long is `stalled`. Default 300_000; 0 = never. */
  stallTimeoutMs?: number | undefined;
  /** Closes a session (`max_lifetime`) this long after it opened; it may come back. Default 0 = no limit. */
  maxLifetimeMs?: number | undefined;
  /** How long a kick, a `deny()` and an authoriser's refusal are remembered. Default 600_000 (ten minutes); 0 = not at all. */
  deniedRetentionMs?: number | undefined;
  /**
   * How long a denial with `issuedBefore`, and a kick with `revoke`, are kept: at least as long as credentials are valid. Default
   * 30 days.
   */
  revokeForMs?: number | undefined;
  /**
   * After the kick of a viewer whom no policy named: when is the address alone a reason to refuse? Default `connections`: if
   * either side is a connection without a browser's User-Agent (RTMP, RTSP, SRT), because there is nothing to compare. `always`:
   * everyone from that address. `never`: only clients with the same User-Agent, too.
   */
  kickByAddress?: KickByAddress | undefined;
  /** How many denials are kept, in each of the two tables (operator's, policies'). Default 100_000. */
  maxDenials?: number | undefined;
  /** How long a closed session stays in lists. Default 600_000. */
  closedRetentionMs?: number | undefined;
  /** How many closed sessions are kept; the oldest are dropped first. Default 10_000. */
  closedRetentionMax?: number | undefined;
  /** How many sessions may be live or pending. Default 1_000_000. */
  maxSessions?: number | undefined;
  /** The same per address (IPv6: per /64). Default 10_000. */
  maxSessionsPerIp?: number | undefined;
  /** Beyond a cap: admit viewers untracked, or deny them. Default `untracked`; `deny` with policies configured. */
  onOverload?: 'untracked' | 'deny' | undefined;
  /** Who counts as the same viewer. Default: stream + ip + token for viewers, inputs and outputs. */
  identity?: IdentityOptions | undefined;
  /** Who may watch, asked in the order of their stages. Default none. */
  policies?: readonly Policy[] | undefined;
  /** A policy that has not answered after this long counts as a refusal. Default 10_000. */
  policyTimeoutMs?: number | undefined;
  /** How often a changing session emits `updated`. Default 5_000; 0 = never. */
  updateIntervalMs?: number | undefined;
  /** Country look-up, once per session. Default `nullGeo`. */
  geo?: GeoResolver | undefined;
  /** Shows tokens in clear in sessions, events and the API. Default false: only a fingerprint. */
  exposeTokens?: boolean | undefined;
}

/** Options of `createTracker()`. */
export interface TrackerOptions extends HotOptions {
  /** Starts sweeping for due sessions when the first one opens. Default true; false: call `start()` or `sweep()` yourself. */
  autoStart?: boolean | undefined;
  /**
   * Key of token fingerprints. Defaults to that of the state store, or else to a random key, so that fingerprints differ between
   * processes.
   */
  fingerprintKey?: string | undefined;
  /**
   * Where to store what outlives the process: `fileState(path)`, or a store of your own. With one, a restarted process continues
   * the visits and denials of the previous one. Default: nothing is stored.
   */
  state?: StateStore | undefined;
  /** How long visits of the previous process may be continued; afterwards they are closed as `lost`. Default 300_000. */
  resumeWithinMs?: number | undefined;
  /** Default: the wall clock. */
  clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  logger?: Logger | undefined;
}
