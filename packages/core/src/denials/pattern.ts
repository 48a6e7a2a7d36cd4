import { createHash } from 'node:crypto';
import { networkOf } from '../identity/address.js';
import { prefixed } from '../identity/recipe.js';
import type { SessionKind } from '../model/kinds.js';

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
  readonly token: string | undefined;
  readonly sid: string | undefined;
  readonly playerSessionId: string | undefined;
  /** What it offers besides a token to be let in by, as one text. */
  readonly offer: string;
  /** Nobody is known by its name, whatever session it is going to join. */
  readonly arrives: boolean;
  /** The id it would have: derived only when some denial asks for it. */
  session(): string | undefined;
}

/** Fields whose values are compared as they are. `network`: an address as identity counts it; `block`: a CIDR block. */
export interface PatternValues {
  kind?: SessionKind;
  stream?: string;
  protocol?: string;
  network?: string;
  /** A CIDR block, as `networkOf` writes it. */
  block?: { readonly network: string; readonly prefixLength: number };
  userAgent?: string;
  user?: string;
  token?: string;
  /** The token; '' stands for none. */
  exactToken?: string;
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

/** The shape of these values, and the key they are kept under. */
export function keyOfValues(values: PatternValues): { shapeId: string; fields: (keyof PatternValues)[]; key: string } {
  const fields = (Object.keys(values) as (keyof PatternValues)[]).filter((field) => values[field] !== undefined).sort();
  const shapeId = fields.map((field) => (field === 'block' ? `block/${values.block?.prefixLength}` : field)).join();
  let key = shapeId;
  for (const field of fields)
    key += prefixed(field === 'block' ? (values.block?.network ?? '') : (values[field] as string));
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

function valueOf(field: keyof PatternValues, shape: Shape, asker: Asker): string | undefined {
  switch (field) {
    case 'block':
      // An IPv4 address has no 64-bit network.
      if (shape.prefixLength > 32 && !asker.ip.includes(':')) return undefined;
      return networkOf(asker.ip, shape.prefixLength);
    case 'session':
      return asker.session();
    case 'userAgent':
      return asker.userAgent ?? '';
    case 'exactToken':
      return asker.token ?? '';
    case 'viewer':
      return viewerKey(asker);
    case 'asked':
      return askedKey(asker);
    default:
      return asker[field];
  }
}

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
