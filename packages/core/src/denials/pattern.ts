import { networkOf } from '../identity/address.js';
import { hashedName } from '../identity/name.js';
import { prefixed } from '../identity/recipe.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { SessionKind } from '../types/kinds.js';
import { ownCopy } from '../support/strings.js';

/**
 * The fields of a pattern. Values are compared as they are, long ones by their hash, and names and credentials by their keys (see
 * `KeyedHash`), which are computed only while a denial needs them. `ip`: an address, reduced to the network that identity counts;
 * `block`: a CIDR block.
 */
export interface DenialPattern {
  kind?: SessionKind;
  stream?: string;
  protocol?: string;
  ip?: string;
  /** A CIDR block, as `networkOf` writes it. */
  block?: { readonly network: string; readonly prefixLength: number };
  userAgent?: string;
  user?: string;
  unnamed?: 'yes';
  bare?: 'yes';
  /** A key. */
  token?: string;
  /** A key; '' stands for none. */
  exactToken?: string;
  /** A key: that of a bearer token. */
  bearer?: string;
  /** Keys: what a player calls itself. */
  sid?: string;
  playerSessionId?: string;
  session?: string;
  /** Whom the policies were asked about: several fields as one key. */
  viewer?: string;
  /** The same, including every credential that was offered. */
  asked?: string;
}

/** The names of its fields. */
export const PATTERN_FIELDS: readonly string[] =
  'kind stream protocol ip block userAgent user unnamed bare token exactToken bearer sid playerSessionId session viewer asked'.split(
    ' ',
  );

/** The set of fields that a denial names. A hit is looked up once per shape in use, whatever the number of denials. */
export interface Shape {
  readonly id: string;
  readonly fields: readonly (keyof DenialPattern)[];
  readonly prefixLength: number;
  uses: number;
}

/** Maps an address to the network that identity counts as one place: see `AddressReader`. */
export type NetworkOf = (ip: string) => string;

/** The shape of these values, and the key they are stored under. */
export function keyOfValues(
  values: DenialPattern,
  networkOfIp: NetworkOf,
): { shapeId: string; fields: (keyof DenialPattern)[]; key: string } {
  const fields = (Object.keys(values) as (keyof DenialPattern)[]).filter((field) => values[field] !== undefined).sort();
  const shapeId = fields.map((field) => (field === 'block' ? `block/${values.block?.prefixLength}` : field)).join();
  let key = shapeId;
  for (const field of fields) {
    if (field === 'block') key += prefixed(values.block?.network ?? '');
    else if (field === 'ip') key += prefixed(networkOfIp(values.ip as string));
    else key += prefixed(values[field] as string);
  }
  return { shapeId, fields, key };
}

/** The key under which a denial of this shape would refuse this hit; undefined: no such denial can. */
export function keyOfHit(shape: Shape, hit: ResolvedHit, hash: KeyedHash): string | undefined {
  let key = shape.id;
  for (const field of shape.fields) {
    const value = valueOf(field, shape, hit, hash);
    if (value === undefined) return undefined;
    key += prefixed(value);
  }
  return key;
}

/**
 * The values as they are stored: texts that strangers choose are shortened, and copied so that they keep nothing else in memory.
 */
export function keptValues(values: DenialPattern, hash: KeyedHash): DenialPattern {
  const kept: Record<string, unknown> = { ...values };
  for (const [field, value] of Object.entries(kept)) {
    if (typeof value !== 'string' || AS_THEY_ARE.has(field)) continue;
    kept[field] = ownCopy(hash.compact(value));
  }
  return kept;
}

/** Fields whose values are short by nature. */
const AS_THEY_ARE = new Set('kind ip token exactToken bearer sid playerSessionId unnamed bare viewer asked'.split(' '));

function valueOf(field: keyof DenialPattern, shape: Shape, hit: ResolvedHit, hash: KeyedHash): string | undefined {
  const short = (text: string | undefined): string | undefined => (text === undefined ? undefined : hash.compact(text));
  switch (field) {
    case 'block':
      // An IPv4 address has no 64-bit network.
      if (shape.prefixLength > 32 && !hit.ip.includes(':')) return undefined;
      return networkOf(hit.ip, shape.prefixLength);
    case 'ip':
      return hit.network;
    case 'session':
      return short(hit.session());
    case 'userAgent':
      return hash.compact(hit.userAgent ?? '');
    case 'token':
    case 'bearer': {
      const credential = hit[field];
      return credential === undefined ? undefined : hash.of(credential);
    }
    case 'exactToken':
      return hit.token === undefined ? '' : hash.of(hit.token);
    case 'sid':
      return hit.sid === undefined ? undefined : hashedName('cmcd', hit.sid, hash);
    case 'playerSessionId':
      return hit.playerSessionId === undefined ? undefined : hashedName('playback-session', hit.playerSessionId, hash);
    case 'viewer':
      return viewerKey(hit, hash);
    case 'asked':
      return askedKey(hit, hash);
    case 'kind':
    case 'unnamed':
    case 'bare':
      return hit[field];
    default:
      return short(hit[field]);
  }
}

/**
 * Whom the policies were asked about, as one value. It is a hash, because its parts can be thousands of characters that strangers
 * choose.
 */
export const viewerKey = (hit: ResolvedHit, hash: KeyedHash): string => hash.once(joined(viewerParts(hit)));

/** The same including what was offered: a viewer with another credential is judged again. */
export const askedKey = (hit: ResolvedHit, hash: KeyedHash): string =>
  hash.once(joined([...viewerParts(hit), hit.requestKey]));

const viewerParts = (hit: ResolvedHit): string[] => [
  hit.kind,
  hit.stream,
  hit.protocol,
  hit.network,
  hit.userAgent ?? '',
  hit.token ?? '',
  hit.sid ?? '',
  hit.playerSessionId ?? '',
  hit.user ?? '',
];

const joined = (parts: readonly string[]): string => parts.map(prefixed).join('');
