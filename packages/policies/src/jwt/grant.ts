import type { SessionKind } from '@stream-sessions/core';
import { blocksOf } from '../support/blocks.js';
import { isStreamPatterns } from '../support/stream-patterns.js';
import { isTags, MAX_TAGS } from '../support/tags.js';
import { Unacceptable, what } from './unacceptable.js';

/** The names of the claims. */
export interface JwtClaims {
  /** Who this is: the `userId` of the session. Default `sub`. */
  user?: string | undefined;
  /** Which streams: a code or pattern (`news/*`), or a list of them. Without the claim, every stream. Default `streams`. */
  streams?: string | undefined;
  /** An object of strings, kept as the session's tags. Default `tags`. */
  tags?: string | undefined;
  /** Addresses and CIDR blocks from which the token may be used. Default `ip`. */
  ip?: string | undefined;
  /** What the token may be used for: a list of kinds. Without the claim, `viewer` only. Default `kinds`. */
  kinds?: string | undefined;
  /** How many sessions the user may have, for `concurrencyPolicy`. Default `max_sessions`. */
  maxSessions?: string | undefined;
}

export const CLAIMS: Required<JwtClaims> = {
  user: 'sub',
  streams: 'streams',
  tags: 'tags',
  ip: 'ip',
  kinds: 'kinds',
  maxSessions: 'max_sessions',
};

/** What a verified token grants. Plain data, because many are remembered. Times are epoch milliseconds. */
export interface Grant {
  readonly user: string | undefined;
  readonly streams: readonly string[] | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** Addresses and blocks. */
  readonly from: readonly string[] | undefined;
  readonly kinds: readonly SessionKind[];
  readonly maxSessions: number | undefined;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  /** The `sid` claim, otherwise `jti`: shared by a token and its renewals. */
  readonly sid: string | undefined;
}

/** A claim that lists more is invalid. */
const MAX_LISTED = 256;
const MAX_NAME_LENGTH = 256;
/** The last second that a `Date` can represent. */
const MAX_SECONDS = 8.64e12;

/**
 * Reads the claims. A claim of the wrong type (including `null`) makes the token invalid: a restriction that cannot be read
 * permits nothing.
 *
 * @throws Unacceptable
 */
export function readGrant(payload: Readonly<Record<string, unknown>>, names: Required<JwtClaims>): Grant {
  function read<T>(name: string, expected: string, isRight: (value: unknown) => value is T): T | undefined {
    if (!Object.hasOwn(payload, name)) return undefined;
    const value = payload[name];
    if (isRight(value)) return value;
    throw new Unacceptable(`the claim "${name}" is ${what(value)}, not ${expected}`);
  }
  const { user, streams, tags, ip, kinds, maxSessions } = names;
  const exp = read('exp', A_TIME, isTime);
  const nbf = read('nbf', A_TIME, isTime);
  const iat = read('iat', A_TIME, isTime);
  const sid = read('sid', A_NAME, isName);
  const jti = read('jti', A_NAME, isName);
  return {
    user: read(user, A_NAME, isName),
    streams: listed(read(streams, 'a stream or pattern, or a list of them', isStreamPatterns)),
    tags: read(tags, `an object of at most ${MAX_TAGS} strings`, isTags),
    from: listed(read(ip, 'an address or CIDR block, or a list of them', isBlocks)),
    kinds: read(kinds, 'a list of kinds', isKinds) ?? ['viewer'],
    maxSessions: read(maxSessions, 'a non-negative integer', isCount),
    notBefore: nbf === undefined ? -Infinity : nbf * 1000,
    expiresAt: exp === undefined ? Infinity : exp * 1000,
    issuedAt: iat === undefined ? undefined : iat * 1000,
    sid: sid ?? jti,
  };
}

const A_NAME = `a string of 1 to ${MAX_NAME_LENGTH} characters`;
const A_TIME = 'a number of seconds since 1970';

const listed = <T>(value: T | readonly T[] | undefined): readonly T[] | undefined =>
  value === undefined ? undefined : Array.isArray(value) ? (value as readonly T[]) : [value as T];

const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= MAX_SECONDS;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;

/** Unknown kinds permit nothing. */
const isKinds = (value: unknown): value is readonly SessionKind[] =>
  Array.isArray(value) && value.length <= MAX_LISTED && value.every(isName);

function isBlocks(value: unknown): value is string | readonly string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.length <= MAX_LISTED && list.every(isName) && blocksOf(list) !== undefined;
}
