import { networkOf, parseBlock, type AddressReader } from '../identity/address.js';
import { credentialsIn, offersSame } from '../identity/offer.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { DenialTarget } from '../types/denial.js';
import type { HitFacts } from '../types/hit.js';
import { offeredBy } from '../session/decided.js';
import type { Session } from '../session/session.js';
import { isIssuedBy } from './issued-before.js';

/**
 * True when the target names this live session. Like a filter, it matches any of the session's streams, protocols and addresses:
 * each may still be in use.
 */
export function matchesSession(
  target: DenialTarget,
  session: Session,
  { addresses, hash }: { readonly addresses: AddressReader; readonly hash: KeyedHash },
): boolean {
  const { session: id, user, token, userAgent, stream, protocol, ip, issuedBefore } = target;
  return (
    (id === undefined || id === session.id) &&
    (user === undefined || user === session.userId) &&
    (issuedBefore === undefined || isIssuedBy(session.rare?.issuedAt, issuedBefore)) &&
    (token === undefined || hasToken(session, token, hash)) &&
    (userAgent === undefined || userAgent === session.userAgent) &&
    (stream === undefined || session.streams.includes(stream)) &&
    (protocol === undefined || session.protocols.includes(protocol)) &&
    (ip === undefined || session.ips.some((address) => isAt(ip, address, addresses)))
  );
}

/** The parts of a target that appear verbatim in the record of every session that it covers. */
export function mentionedBy(target: DenialTarget, hash: KeyedHash): string[] {
  const { session, user, token, userAgent, stream, ip } = target;
  const hashed = token === undefined ? undefined : hash.of(token);
  const address = ip?.includes('.') === true && !ip.includes('/') ? ip : undefined;
  return [session, user, hashed, userAgent, stream, address].filter((text) => text !== undefined);
}

/** The keys of all tokens that were offered in a session. */
export const tokensOf = (session: Session, hash: KeyedHash): string[] => credentialsIn(offeredBy(session, hash));

/** The same for a denial made elsewhere, which carries the hash of its token in `targetToken` instead. */
export function matchesElsewhere(
  { token: _fingerprint, ...target }: DenialTarget,
  targetToken: string | undefined,
  session: Session,
  parts: { readonly addresses: AddressReader; readonly hash: KeyedHash },
): boolean {
  if (targetToken !== undefined && !tokensOf(session, parts.hash).includes(targetToken)) return false;
  return matchesSession(target, session, parts);
}

/** True when nothing in the hit that a denial could be about differs from what its live session said last. */
export function isAlike(session: Session, hit: HitFacts, ip: string): boolean {
  return (
    hit.protocol === session.protocol &&
    ip === session.ip &&
    hit.stream === session.stream &&
    (!hit.userAgent || hit.userAgent === session.userAgent) &&
    (!hit.token || hit.token === session.token) &&
    (hit.credentials?.scheme !== 'bearer' || offersSame(hit.credentials, session.hot?.credentials)) &&
    (!hit.userId || hit.userId === session.userId)
  );
}

/** The token is the session's own, or one of the credentials that were judged. */
function hasToken({ token: own, rare, hot }: Session, token: string, hash: KeyedHash): boolean {
  if (own === token) return true;
  if (hot?.credentials?.scheme === 'bearer' && hot.credentials.token === token) return true;
  if (rare === undefined) return false;
  const key = hash.of(token);
  if (rare.unseen?.some(([kind, hashed]) => kind === 'token' && hashed === key)) return true;
  if (rare.decided === undefined) return false;
  for (const decided of rare.decided.values()) if (decided.token === key || decided.bearer === key) return true;
  return false;
}

function isAt(ip: string, address: string, addresses: AddressReader): boolean {
  const block = parseBlock(ip);
  if (block === undefined) return false;
  const { prefixLength } = block;
  if (prefixLength === undefined) return addresses.network(address) === addresses.network(block.address);
  if (address.includes(':') !== block.address.includes(':')) return false;
  return networkOf(address, prefixLength) === networkOf(block.address, prefixLength);
}
