import { createHash } from 'node:crypto';
import { networkOf } from '../identity/address.js';
import { prefixed } from '../identity/recipe.js';
import { compact } from '../identity/short-key.js';
import type { SessionKind } from '../types/kinds.js';
import type { NamedBy } from '../types/play-session.js';
import type { Session } from '../session/session.js';
import { ownCopy } from '../support/strings.js';

/** What a denial can ask for, of one who wants in. */
export interface Asker {
  readonly kind: SessionKind;
  readonly stream: string;
  readonly protocol: string;
  /** Normalised. */
  readonly ip: string;
  /** The address as identity counts it. */
  readonly network: string;
  readonly userAgent: string | undefined;
  readonly user: string | undefined;
  /** Set when policies were asked who it is, and named nobody. */
  readonly unnamed: 'yes' | undefined;
  /** Set for a connection whose agent says nothing of the player: see `isBrowser`. */
  readonly bare: 'yes' | undefined;
  readonly token: string | undefined;
  /** What stands for the token, and for a bearer's, where they are not kept. */
  readonly tokenKey: string | undefined;
  readonly bearerKey: string | undefined;
  readonly namedBy: NamedBy;
  readonly sid: string | undefined;
  readonly playerSessionId: string | undefined;
  /** What it offers besides a token to be let in by, as one text. */
  readonly offer: string;
  /** Nobody is known by its name, whatever session it is going to join. */
  readonly arrives: boolean;
  /** The id it would have: derived only when some denial asks for it. */
  session(): string | undefined;
  /** False: this live session was found by what its player calls itself, which others do, too. */
  answersTo(session: Session): boolean;
}

/**
 * Fields whose values are compared as they are, long ones by their hash. `ip`: an address as identity counts it;
 * `block`: a CIDR block.
 */
export interface PatternValues {
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
  /** The key of the token. */
  token?: string;
  /** The same; '' stands for none. */
  exactToken?: string;
  /** The key of a bearer's token. */
  bearer?: string;
  sid?: string;
  playerSessionId?: string;
  session?: string;
  /** Who asked the policies: several fields as one. */
  viewer?: string;
  /** The same, with all that was offered to be let in by. */
  asked?: string;
}

/** Which fields a denial names: those who want in are looked up under each shape in use, whatever the number of denials. */
export interface Shape {
  readonly id: string;
  readonly fields: readonly (keyof PatternValues)[];
  readonly prefixLength: number;
  uses: number;
}

/** What identity counts as one place: see `AddressReader`. */
export type NetworkOf = (ip: string) => string;

/** The shape of these values, and the key they are kept under. */
export function keyOfValues(
  values: PatternValues,
  networkOfIp: NetworkOf,
): { shapeId: string; fields: (keyof PatternValues)[]; key: string } {
  const fields = (Object.keys(values) as (keyof PatternValues)[]).filter((field) => values[field] !== undefined).sort();
  const shapeId = fields.map((field) => (field === 'block' ? `block/${values.block?.prefixLength}` : field)).join();
  let key = shapeId;
  for (const field of fields) {
    if (field === 'block') key += prefixed(values.block?.network ?? '');
    else if (field === 'ip') key += prefixed(networkOfIp(values.ip as string));
    else key += prefixed(values[field] as string);
  }
  return { shapeId, fields, key };
}

/** The key that a denial of this shape would have to be kept under to refuse this asker; undefined: it cannot. */
export function keyOfAsker(shape: Shape, asker: Asker): string | undefined {
  let key = shape.id;
  for (const field of shape.fields) {
    const value = valueOf(field, shape, asker);
    if (value === undefined) return undefined;
    key += prefixed(value);
  }
  return key;
}

/** As they are kept: texts that strangers choose are short, and hold nothing else in memory. */
export function keptValues(values: PatternValues): PatternValues {
  const kept: Record<string, unknown> = { ...values };
  for (const [field, value] of Object.entries(kept)) {
    if (typeof value === 'string' && !AS_THEY_ARE.has(field)) kept[field] = ownCopy(compact(value));
  }
  return kept;
}

/** These are short by what they are. */
const AS_THEY_ARE = new Set(['kind', 'ip', 'token', 'exactToken', 'bearer', 'unnamed', 'bare', 'viewer', 'asked']);

function valueOf(field: keyof PatternValues, shape: Shape, asker: Asker): string | undefined {
  switch (field) {
    case 'block':
      // An IPv4 address has no 64-bit network.
      if (shape.prefixLength > 32 && !asker.ip.includes(':')) return undefined;
      return networkOf(asker.ip, shape.prefixLength);
    case 'ip':
      return asker.network;
    case 'session':
      return short(asker.session());
    case 'userAgent':
      return compact(asker.userAgent ?? '');
    case 'token':
      return asker.tokenKey;
    case 'exactToken':
      return asker.tokenKey ?? '';
    case 'bearer':
      return asker.bearerKey;
    case 'viewer':
      return viewerKey(asker);
    case 'asked':
      return askedKey(asker);
    case 'kind':
    case 'unnamed':
    case 'bare':
      return asker[field];
    default:
      return short(asker[field]);
  }
}

const short = (text: string | undefined): string | undefined => (text === undefined ? undefined : compact(text));

/**
 * What browsers call themselves, over every protocol they speak. What else connections bring (`LNX 9,0,124,2` in RTMP, the
 * version of a library in RTSP and SRT, nothing) says nothing about who plays.
 */
export const isBrowser = (userAgent: string | undefined): boolean => userAgent?.startsWith('Mozilla/') ?? false;

/** Whom the policies were asked about, as one value. A hash: its parts are thousands of characters, and strangers choose them. */
export const viewerKey = (asker: Asker): string => hashOf(viewerParts(asker));

/** The same with what was offered: who comes with another credential is asked about again. */
export const askedKey = (asker: Asker): string => hashOf([...viewerParts(asker), asker.offer]);

const viewerParts = (asker: Asker): string[] => [
  asker.kind,
  asker.stream,
  asker.protocol,
  asker.network,
  asker.userAgent ?? '',
  asker.token ?? '',
  asker.sid ?? '',
  asker.playerSessionId ?? '',
  asker.user ?? '',
];

const hashOf = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.map(prefixed).join('')).digest('base64url');
