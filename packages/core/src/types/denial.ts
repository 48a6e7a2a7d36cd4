import type { Protocol } from './kinds.js';

/** Chooses the word a transport refuses with: 401, 403, 429 or 503 in HTTP, and their equivalents elsewhere. */
export type DenialKind = 'credentials' | 'forbidden' | 'limit' | 'overload';

/** Who is meant. Fields are ANDed; an empty target, an unknown field or a bad CIDR is ERR_BAD_DENIAL, never "everybody". */
export interface DenialTarget {
  /** A session id. */
  session?: string;
  user?: string;
  /** The token itself, wherever it stands: in the URL, a cookie, or a bearer's header. Only a hash of it is kept. */
  token?: string;
  /** An address or a CIDR block. A plain IPv6 address means its /64 (`identity.ipv6PrefixLength`). */
  ip?: string;
  userAgent?: string;
  stream?: string;
  protocol?: Protocol;
}

/** A remembered refusal with an end. Times are epoch milliseconds. */
export interface Denial {
  readonly id: string;
  /** Whom it refuses. A token stands here as its fingerprint. */
  readonly target: Readonly<DenialTarget>;
  readonly by: 'kick' | 'deny' | 'policy' | 'cap';
  readonly kind: DenialKind;
  readonly reason: string;
  readonly detail?: string | undefined;
  readonly since: number;
  readonly until: number;
  /** Clients refused under it so far. */
  readonly hits: number;
}

/** When the address alone keeps out whom a kick meant, and whom no policy had named. */
export type KickByAddress = (typeof KICK_BY_ADDRESS)[number];
export const KICK_BY_ADDRESS = ['never', 'connections', 'always'] as const;
