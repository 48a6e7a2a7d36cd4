import type { BlockList } from 'node:net';
import type { SessionKind } from '@stream-sessions/core';
import { blocksOf } from '../support/blocks.js';
import { streamPatterns } from '../support/stream-patterns.js';

/** Which claims say what. */
export interface JwtClaims {
  /** Who this is: the `userId` of the session. Default `sub`. */
  user?: string;
  /** Which streams: a code or pattern (`news/*`), or a list of them. Without the claim: every stream. Default `streams`. */
  streams?: string;
  /** An object of texts, kept as the session's tags. Default `tags`. */
  tags?: string;
  /** Addresses and CIDR blocks it may be used from. Default `ip`. */
  ip?: string;
  /** What it may be used for: a list of kinds. Without the claim: `viewer` only. Default `kinds`. */
  kinds?: string;
  /** How many sessions the user may have, for `concurrencyPolicy`. Default `max_sessions`. */
  maxSessions?: string;
}

export const CLAIMS: Required<JwtClaims> = {
  user: 'sub',
  streams: 'streams',
  tags: 'tags',
  ip: 'ip',
  kinds: 'kinds',
  maxSessions: 'max_sessions',
};

/** What a token, once it is verified, gives. Times are epoch milliseconds. */
export interface Grant {
  readonly user: string | undefined;
  readonly streams: ((stream: string) => boolean) | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly from: BlockList | undefined;
  readonly kinds: readonly SessionKind[];
  readonly maxSessions: number | undefined;
  readonly notBefore: number;
  readonly expiresAt: number;
  /** The `sid` claim, else `jti`: what a renewed token has in common with the one before. */
  readonly sid: string | undefined;
}

const MAX_LISTED = 256;
const MAX_NAME_LENGTH = 256;

/**
 * Reads the claims; undefined when one of them is not what it should be: a restriction that cannot be read restricts to
 * nothing.
 */
export function readGrant(payload: Readonly<Record<string, unknown>>, names: Required<JwtClaims>): Grant | undefined {
  const claim = (name: keyof JwtClaims): unknown => payload[names[name]] ?? undefined;
  const user = claim('user');
  const tags = claim('tags');
  const kinds = claim('kinds') ?? ['viewer'];
  const maxSessions = claim('maxSessions');
  const streams = claim('streams') === undefined ? undefined : (streamPatterns(claim('streams')) ?? null);
  const ips = claim('ip') === undefined ? undefined : textsOf(claim('ip'));
  const from = ips === undefined ? undefined : ips === null ? null : (blocksOf(ips) ?? null);
  const { exp, nbf } = payload;
  if (streams === null || from === null) return undefined;
  if (user !== undefined && !isName(user)) return undefined;
  if (tags !== undefined && !isTags(tags)) return undefined;
  if (!isKinds(kinds)) return undefined;
  if (maxSessions !== undefined && !(typeof maxSessions === 'number' && maxSessions >= 0)) return undefined;
  return {
    user,
    streams,
    tags,
    from,
    kinds,
    maxSessions,
    notBefore: typeof nbf === 'number' ? nbf * 1000 : -Infinity,
    expiresAt: typeof exp === 'number' ? exp * 1000 : Infinity,
    sid: [payload['sid'], payload['jti']].find(isName),
  };
}

function textsOf(claim: unknown): readonly string[] | null {
  const list: unknown[] = Array.isArray(claim) ? claim : [claim];
  return list.length <= MAX_LISTED && list.every((text) => typeof text === 'string') ? list : null;
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;

/** What it says beyond the kinds there are allows nothing. */
const isKinds = (value: unknown): value is readonly SessionKind[] =>
  Array.isArray(value) && value.length <= MAX_LISTED && value.every(isName);

const isTags = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
