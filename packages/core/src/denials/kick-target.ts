import type { AddressReader } from '../identity/address.js';
import { credentialsIn, tokensIn, type Offered } from '../identity/offer.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { hashedName } from '../identity/name.js';
import type { Recipe } from '../identity/recipe.js';
import { isBrowser } from '../identity/user-agent.js';
import type { KickByAddress } from '../types/denial.js';
import type { NamedBy } from '../types/play-session.js';
import { knownNames } from '../registry/identity-group.js';
import type { Session } from '../session/session.js';
import type { Patterns } from './denial-entry.js';
import type { DenialPattern } from './pattern.js';

/** What, besides the session, decides whom a kick keeps out. */
export interface KickTerms {
  /** The recipe for viewers. */
  readonly recipe: Recipe;
  readonly addresses: AddressReader;
  readonly hash: KeyedHash;
  readonly byAddress: KickByAddress;
  /** Everything the session offered in order to be admitted. */
  readonly offered: readonly Offered[];
}

/** For one kick: a session that roams over streams, addresses and players has many. */
export const MAX_PATTERNS = 1024;

/** Whom kicking this session keeps out: see the architecture notes on kick. */
export function patternsOfKick(session: Session, terms: KickTerms): Patterns {
  const user = session.rare?.vouched ? session.rare.userId : undefined;
  const streams = session.streams.map((stream): DenialPattern => ({ kind: session.kind, stream }));
  const places = placesOf(session, terms.addresses);
  const there = streams.flatMap((here) => places.map((ip): DenialPattern => ({ ...here, ip })));
  const alike = (place: DenialPattern): DenialPattern[] => alikes(session, place, terms.hash);
  const address = (place: DenialPattern): DenialPattern[] => byAddress(session, place, terms.byAddress);
  if (user !== undefined) {
    // The credentials that named this user, checked before any policy is asked; and, at the same addresses, viewers whom no
    // credential names.
    const same = streams.flatMap((here) => [{ ...here, user }, ...withCredentials(here, terms.offered)]);
    const nobody = there.map((place): DenialPattern => ({ ...place, unnamed: 'yes' }));
    return { onlyNew: bounded(same, nobody.flatMap(address), nobody.flatMap(alike)) };
  }
  const same = (terms.recipe.byAddress ? there : streams).flatMap((each) => identities(session, each, terms));
  const alikeThere = there.flatMap(alike);
  // Without a token, the viewer was identified by its player's own name: anyone else who is found by that name has a better one.
  const isNameless = session.token === undefined;
  return {
    onlyNew: bounded(same, there.flatMap(address), isNameless ? [] : alikeThere),
    unlessNamed: isNameless ? bounded(alikeThere) : [],
  };
}

/** Whom a replaced session keeps out: the viewer as it was, with any of its tokens and players. */
export function patternsOfReplaced(
  session: Session,
  { addresses, hash }: Pick<KickTerms, 'addresses' | 'hash'>,
  offered: readonly Offered[],
): Patterns {
  const { kind, stream, protocols } = session;
  const tokens = tokensIn(offered);
  const devices = placesOf(session, addresses).flatMap((ip) => alikes(session, { kind, stream, ip }, hash));
  const withTokens = devices.flatMap((device) =>
    (tokens.length === 0 ? [''] : tokens).map((exactToken) => ({ ...device, exactToken })),
  );
  return { onlyNew: bounded(withTokens.flatMap((each) => protocols.map((protocol) => ({ ...each, protocol })))) };
}

/** The same viewer by the recipe, on every protocol, under any of its names. */
function identities(session: Session, where: DenialPattern, { recipe, offered, hash }: KickTerms): DenialPattern[] {
  const same = recipe.fields.includes('userAgent') ? { ...where, userAgent: session.userAgent ?? '' } : where;
  if (!recipe.byName) return [same];
  const named = [
    ...withCredentials(same, offered),
    ...hashed(session, 'cmcd', hash).map((sid) => ({ ...same, sid })),
    ...hashed(session, 'playback-session', hash).map((playerSessionId) => ({ ...same, playerSessionId })),
  ];
  // If its address counts, it is found by that; otherwise by its id, which is derived.
  const byId = named.length === 0 && session.group !== undefined && !recipe.byAddress;
  return byId ? [{ ...same, session: session.id }] : named;
}

const withCredentials = (same: DenialPattern, offered: readonly Offered[]): DenialPattern[] =>
  credentialsIn(offered).flatMap((key) => asCredential(same, key));

/** Wherever the credential is: in the URL, in a cookie or in a header. */
export const asCredential = (values: DenialPattern, key: string): DenialPattern[] => [
  { ...values, token: key },
  { ...values, bearer: key },
];

/** Clients can change anything they chose themselves, but mostly use the player at hand. */
const alikes = (session: Session, place: DenialPattern, hash: KeyedHash): DenialPattern[] =>
  known(session, 'fingerprint', hash).map((userAgent) => ({ ...place, userAgent }));

/** Covers clients without a comparable user agent: a browser's says nothing about that of an RTMP, RTSP or SRT library. */
function byAddress(session: Session, place: DenialPattern, when: KickByAddress): DenialPattern[] {
  if (when === 'never') return [];
  const isBare = session.isConnectionOnly && !isBrowser(session.userAgent);
  return [when === 'always' || isBare ? place : { ...place, bare: 'yes' }];
}

/** The names of this kind that it was seen with. */
function known(session: Session, kind: NamedBy, hash: KeyedHash): string[] {
  const prefix = `${kind}:`;
  return knownNames(session, hash).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** The same as keys, together with the names it had before this process began. */
const hashed = (session: Session, kind: NamedBy, hash: KeyedHash): string[] => [
  ...known(session, kind, hash).map((name) => hashedName(kind, name, hash)),
  ...(session.rare?.unseen ?? []).flatMap(([unseen, name]) => (unseen === kind ? [name] : [])),
];

/** One address for each network where it was seen: it may come back from any of them. */
const placesOf = ({ ips }: Session, addresses: AddressReader): string[] => [
  ...new Map(ips.map((ip) => [addresses.network(ip), ip])).values(),
];

const bounded = (...patterns: DenialPattern[][]): DenialPattern[] => patterns.flat().slice(0, MAX_PATTERNS);
