import type { Protocol } from './kinds.js';

/** Determines how a transport refuses: 401, 403, 429 or 503 in HTTP, and their equivalents elsewhere. */
export type DenialKind = 'credentials' | 'forbidden' | 'limit' | 'overload';

/** Whom a denial covers. Fields are ANDed. An empty target, an unknown field or a bad CIDR is ERR_BAD_DENIAL. */
export interface DenialTarget {
  /** A session id. */
  session?: string | undefined;
  user?: string | undefined;
  /** The token itself, wherever it arrives: in the URL, a cookie, or an `Authorization: Bearer`. Only a hash is kept. */
  token?: string | undefined;
  /** An address or a CIDR block. A plain IPv6 address means its /64 (`identity.ipv6PrefixLength`). */
  ip?: string | undefined;
  userAgent?: string | undefined;
  stream?: string | undefined;
  protocol?: Protocol | undefined;
  /**
   * Only with `user`: refuses credentials issued to the user up to this time, in epoch milliseconds. Whole seconds count, and the
   * second itself is refused; so are credentials without a time of issue (`issuedAt` of policies). Credentials issued later are
   * accepted.
   */
  issuedBefore?: number | undefined;
}

/** A session of the same user that conflicts with the refused one. */
export interface Conflict {
  readonly id: string;
  readonly protocol: Protocol;
  /** When it opened, epoch milliseconds. */
  readonly since: number;
  readonly country?: string | undefined;
  /** At most 256 characters. */
  readonly userAgent?: string | undefined;
}

/** A refusal that is remembered until a set time. Times are epoch milliseconds. */
export interface Denial {
  readonly id: string;
  /** Whom it refuses. A token appears as its fingerprint. */
  readonly target: Readonly<DenialTarget>;
  readonly by: 'kick' | 'deny' | 'policy' | 'cap';
  readonly kind: DenialKind;
  readonly reason: string;
  readonly detail?: string | undefined;
  readonly since: number;
  readonly until: number;
  /** How many clients it has refused so far. */
  readonly hits: number;
  /** What a policy said is left. Only in the refusal that the viewer gets at that moment, and in its `denied` event. */
  readonly remaining?: Readonly<Record<string, number>> | undefined;
  /** The conflicting sessions, if a policy vouched for the user: as they were at that moment, and shown to nobody else. */
  readonly conflicts?: readonly Conflict[] | undefined;
}

/**
 * A denial for another process with the same `fingerprintKey`, or for a later one: JSON without a token or a player's name in
 * clear text. `patterns` says whom it refuses; only a tracker needs to understand it.
 */
export interface DenialRecord extends Denial {
  /** Identifies the `fingerprintKey` that it was made with. */
  readonly key: string;
  readonly targetKey?: string | undefined;
  readonly patterns: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

/** When the address alone keeps out a kicked viewer whom no policy has named. */
export type KickByAddress = (typeof KICK_BY_ADDRESS)[number];
export const KICK_BY_ADDRESS = ['never', 'connections', 'always'] as const;
