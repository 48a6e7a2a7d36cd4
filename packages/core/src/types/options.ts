import type { KickByAddress } from './denial.js';
import type { IdentityOptions } from './identity.js';
import type { Protocol } from './kinds.js';
import type { Policy } from './policy.js';
import type { Clock } from '../support/clock.js';
import type { GeoResolver } from './geo.js';
import type { Logger } from '../support/logger.js';

/** Options that `updateConfig()` can change while the tracker runs. */
export interface HotOptions {
  /** Default true. False: nothing is tracked, denials still hold. ERR_WOULD_OPEN_ALL while policies are configured. */
  enabled?: boolean;
  /** A session without activity for longer than this is closed as `idle`. Default 30_000; per protocol if you like. */
  idleTimeoutMs?: number | Partial<Record<Protocol | 'default', number>>;
  /** A request in flight whose client takes nothing for this long is `stalled`. Default 300_000; 0 = never. */
  stallTimeoutMs?: number;
  /** Closes a session (`max_lifetime`) this long after it opened; it may come back. Default 0 = no cap. */
  maxLifetimeMs?: number;
  /** How long a kick and an authoriser's no are remembered. Default 600_000 (MistServer's ten minutes); 0 = not. */
  deniedRetentionMs?: number;
  /**
   * After the kick of somebody whom no policy named: when is the address alone enough to be refused? Default
   * `connections`: where a connection without a browser's User-Agent (RTMP, RTSP, SRT) is on either side, for there is
   * nothing to compare. `always`: whoever arrives from there. `never`: only who also comes with the same User-Agent.
   */
  kickByAddress?: KickByAddress;
  /** Denials kept at the most, in each of the two tables (operator's, policies'). Default 100_000. */
  maxDenials?: number;
  /** How long a closed session stays in lists. Default 600_000. */
  closedRetentionMs?: number;
  /** Closed sessions kept at the most, oldest dropped first. Default 10_000. */
  closedRetentionMax?: number;
  /** Live sessions and pending admissions at the most. Default 1_000_000. */
  maxSessions?: number;
  /** The same per address (IPv6: per /64). Default 10_000. */
  maxSessionsPerIp?: number;
  /** Beyond a cap: let in untracked, or deny. Default `untracked`; `deny` when policies are configured. */
  onOverload?: 'untracked' | 'deny';
  /** Who counts as the same viewer. Default: stream + ip + token for viewers, inputs and outputs. */
  identity?: IdentityOptions;
  /** Who may watch, asked in the order of their stages. Default none. */
  policies?: readonly Policy[];
  /** A policy that has not answered after this long has refused. Default 10_000. */
  policyTimeoutMs?: number;
  /** How often a playing session makes an `updated` event. Default 5_000; 0 = never. */
  updateIntervalMs?: number;
  /** Country look-up, once per session. Default `nullGeo`. */
  geo?: GeoResolver;
  /** Show tokens in clear in sessions, events and the API. Default false: only a fingerprint. */
  exposeTokens?: boolean;
}

/** Options of `createTracker()`. */
export interface TrackerOptions extends HotOptions {
  /** Start looking for due sessions with the first one. Default true; false: call `start()` or `sweep()` yourself. */
  autoStart?: boolean;
  /** Key of token fingerprints. Default random: fingerprints then differ from process to process. */
  fingerprintKey?: string;
  /** Default: the wall clock. */
  clock?: Clock;
  /** Default: warnings and errors to stderr. */
  logger?: Logger;
}
