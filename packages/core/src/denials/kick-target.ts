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
import type { Patterns } from './denial-table.js';
import type { DenialPattern } from './pattern.js';

/** What decides whom a kick keeps out, besides the session. */
export interface KickTerms {
  /** The recipe of viewers. */
  readonly recipe: Recipe;
  readonly addresses: AddressReader;
  readonly hash: KeyedHash;
  readonly byAddress: KickByAddress;
  /** All that it offered to be let in by. */
  readonly offered: readonly Offered[];
}

/** Of one kick: a session that roams over streams, addresses and players has many. */
export const MAX_PATTERNS = 1024;

/** Whom the kick of this session keeps out: see the architecture notes on kick. */
export function patternsOfKick(session: Session, terms: KickTerms): Patterns {
  const user = session.rare?.vouched ? session.rare.userId : undefined;
  const streams = session.streams.map((stream): DenialPattern => ({ kind: session.kind, stream }));
  const places = placesOf(session, terms.addresses);
  const there = streams.flatMap((here) => places.map((ip): DenialPattern => ({ ...here, ip })));
  const alike = (place: DenialPattern): DenialPattern[] => alikes(session, place, terms.hash);
  const address = (place: DenialPattern): DenialPattern[] => byAddress(session, place, terms.byAddress);
  if (user !== undefined) {
    // The credentials that named this user, before any policy is asked. And at the same places, viewers whom they do not name.
    const same = streams.flatMap((here) => [{ ...here, user }, ...withCredentials(here, terms.offered)]);
    const nobody = there.map((place): DenialPattern => ({ ...place, unnamed: 'yes' }));
    return { onlyNew: bounded(same, nobody.flatMap(address), nobody.flatMap(alike)) };
  }
  const same = (terms.recipe.byAddress ? there : streams).flatMap((each) => identities(session, each, terms));
  const alikeThere = there.flatMap(alike);
  // Without a token, the player's own name was the viewer's: anybody else who is found by it has a better name.
  const isNameless = session.token === undefined;
  return {
    onlyNew: bounded(same, there.flatMap(address), isNameless ? [] : alikeThere),
    unlessNamed: isNameless ? bounded(alikeThere) : [],
  };
}

/** Whom it keeps out that this session was replaced: itself as it was, with any of its tokens and players. */
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

/** The same viewer by the recipe, on every protocol, by whatever it was called. */
function identities(session: Session, where: DenialPattern, { recipe, offered, hash }: KickTerms): DenialPattern[] {
  const same = recipe.fields.includes('userAgent') ? { ...where, userAgent: session.userAgent ?? '' } : where;
  if (!recipe.byName) return [same];
  const named = [
    ...withCredentials(same, offered),
    ...hashed(session, 'cmcd', hash).map((sid) => ({ ...same, sid })),
    ...hashed(session, 'playback-session', hash).map((playerSessionId) => ({ ...same, playerSessionId })),
  ];
  // By its address, if that counts, it is found anyway; else by its id, which is derived.
  const byId = named.length === 0 && session.group !== undefined && !recipe.byAddress;
  return byId ? [{ ...same, session: session.id }] : named;
}

const withCredentials = (same: DenialPattern, offered: readonly Offered[]): DenialPattern[] =>
  credentialsIn(offered).flatMap((key) => asCredential(same, key));

/** Wherever it stands: in the URL, in a cookie or in a header. */
export const asCredential = (values: DenialPattern, key: string): DenialPattern[] => [
  { ...values, token: key },
  { ...values, bearer: key },
];

/** A client can change whatever it chose itself. What it plays with is mostly what is at hand. */
const alikes = (session: Session, place: DenialPattern, hash: KeyedHash): DenialPattern[] =>
  known(session, 'fingerprint', hash).map((userAgent) => ({ ...place, userAgent }));

/** Where there is no agent to compare: a browser's says nothing about that of a library for RTMP, RTSP or SRT. */
function byAddress(session: Session, place: DenialPattern, when: KickByAddress): DenialPattern[] {
  if (when === 'never') return [];
  const isBare = session.isConnectionOnly && !isBrowser(session.userAgent);
  return [when === 'always' || isBare ? place : { ...place, bare: 'yes' }];
}

/** What it was called in this way. */
function known(session: Session, kind: NamedBy, hash: KeyedHash): string[] {
  const prefix = `${kind}:`;
  return knownNames(session, hash).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** The same as keys, and what it was called before this process began. */
const hashed = (session: Session, kind: NamedBy, hash: KeyedHash): string[] => [
  ...known(session, kind, hash).map((name) => hashedName(kind, name, hash)),
  ...(session.rare?.unseen ?? []).flatMap(([unseen, name]) => (unseen === kind ? [name] : [])),
];

/** One address of each network that it was seen at: it may come back from each of them. */
const placesOf = ({ ips }: Session, addresses: AddressReader): string[] => [
  ...new Map(ips.map((ip) => [addresses.network(ip), ip])).values(),
];

const bounded = (...patterns: DenialPattern[][]): DenialPattern[] => patterns.flat().slice(0, MAX_PATTERNS);
