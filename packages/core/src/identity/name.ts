import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { KeyedHash } from './keyed-hash.js';

/** Which discriminator of this request is the best one present. */
export function bestNameKind(hit: HitFacts): NamedBy {
  if (hit.token) return 'token';
  if (hit.sid) return 'cmcd';
  return hit.playerSessionId ? 'playback-session' : 'fingerprint';
}

/** Its value; undefined when it is only the User-Agent. */
export function givenName(hit: HitFacts): string | undefined {
  return hit.token || hit.sid || hit.playerSessionId || undefined;
}

/** What this hit gives as a name of that kind. */
export function nameOf({ token, sid, playerSessionId, userAgent }: HitFacts, kind: NamedBy): string | undefined {
  if (kind === 'fingerprint') return userAgent ?? '';
  return (kind === 'token' ? token : kind === 'cmcd' ? sid : playerSessionId) || undefined;
}

/** Kind and value as one string: a token "x" and a CMCD sid "x" are two names. */
export const nameKey = (kind: NamedBy, name: string): string => `${kind}:${name}`;

/** The same of a name that it may be found by besides: short, and no token. */
export const aliasKey = (kind: NamedBy, name: string, hash: KeyedHash): string =>
  nameKey(kind, kind === 'token' ? hash.of(name) : hash.compact(name));

/** False for a hit without any name that was found by what its player calls itself: anybody's with that player. */
export const answersByName = (session: { readonly namedBy: NamedBy }, namedBy: NamedBy): boolean =>
  namedBy !== 'fingerprint' || session.namedBy === 'fingerprint';

/**
 * What stands for a name where it is written down: whoever knows the name itself may join that session. A long one may have
 * been known by its hash only.
 */
export const hashedName = (kind: NamedBy, name: string, hash: KeyedHash): string =>
  hash.of(kind === 'token' ? name : hash.compact(name));

/** The same of what `aliasKey` wrote. */
export function hashedAlias(alias: string, hash: KeyedHash): HashedName {
  const end = alias.indexOf(':');
  const kind = alias.slice(0, end) as NamedBy;
  const name = alias.slice(end + 1);
  return [kind, kind === 'token' ? name : hash.of(name)];
}

/** A name that is known only as what stands for it. */
export type HashedName = readonly [kind: NamedBy, hashed: string];
