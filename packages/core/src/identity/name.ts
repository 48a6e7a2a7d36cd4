import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { KeyedHash } from './keyed-hash.js';

/** The best discriminator that this request has. */
export function bestNameKind(hit: HitFacts): NamedBy {
  if (hit.token) return 'token';
  if (hit.sid) return 'cmcd';
  return hit.playerSessionId ? 'playback-session' : 'fingerprint';
}

/** Its value; undefined if there is only the User-Agent. */
export function givenName(hit: HitFacts): string | undefined {
  return hit.token || hit.sid || hit.playerSessionId || undefined;
}

/** The name of this kind that the hit gives. */
export function nameOf({ token, sid, playerSessionId, userAgent }: HitFacts, kind: NamedBy): string | undefined {
  if (kind === 'fingerprint') return userAgent ?? '';
  return (kind === 'token' ? token : kind === 'cmcd' ? sid : playerSessionId) || undefined;
}

/** Kind and value as one string: a token "x" and a CMCD sid "x" are two names. */
export const nameKey = (kind: NamedBy, name: string): string => `${kind}:${name}`;

/** The same for an additional name that a session may be found by: short, and never a plain token. */
export const aliasKey = (kind: NamedBy, name: string, hash: KeyedHash): string =>
  nameKey(kind, kind === 'token' ? hash.of(name) : hash.compact(name));

/** False for a hit without a name that was found by what its player calls itself: it could be anyone with that player. */
export const answersByName = (session: { readonly namedBy: NamedBy }, namedBy: NamedBy): boolean =>
  namedBy !== 'fingerprint' || session.namedBy === 'fingerprint';

/**
 * Stands for a name wherever it is stored, since knowing the name itself is enough to join that session. Of a long name, possibly
 * only the hash was known.
 */
export const hashedName = (kind: NamedBy, name: string, hash: KeyedHash): string =>
  hash.of(kind === 'token' ? name : hash.compact(name));

/** The same for the output of `aliasKey`. */
export function hashedAlias(alias: string, hash: KeyedHash): HashedName {
  const end = alias.indexOf(':');
  const kind = alias.slice(0, end) as NamedBy;
  const name = alias.slice(end + 1);
  return [kind, kind === 'token' ? name : hash.of(name)];
}

/** A name of which only the hash is known. */
export type HashedName = readonly [kind: NamedBy, hashed: string];
