import { createHash } from 'node:crypto';
import { SESSION_KINDS, type SessionKind } from '../types/kinds.js';
import { checkOptions, badOption } from '../support/options.js';
import { ownCopy } from '../support/strings.js';
import { IDENTITY_FIELDS, type IdentityField, type IdentityOptions } from '../types/identity.js';

const DEFAULT_FIELDS: readonly IdentityField[] = ['stream', 'ip', 'token'];

/**
 * A recipe, prepared. Viewers that agree in every field but the token form an *identity group*; inside it they are told apart by
 * name. With the default recipe, a group is "this address on this stream" and usually has one member.
 */
export interface Recipe {
  readonly kind: SessionKind;
  readonly fields: readonly IdentityField[];
  /** False: hits of this kind leave no trace. */
  readonly tracks: boolean;
  /** Groups are per stream. */
  readonly byStream: boolean;
  readonly byName: boolean;
  /** A group is one address on one stream: a viewer without a name there may be found by another name. */
  readonly aliasable: boolean;
  /** All members of a group share one address. */
  readonly byAddress: boolean;
  /** The key of the group: unique within a stream (`byStream`) or within the kind. */
  groupKey(network: string, protocol: string, userAgent: string): string;
  /** Two recipes with the same signature find the same groups. */
  readonly signature: string;
}

export type Recipes = Readonly<Record<SessionKind, Recipe>>;

/** @throws StreamSessionsError ERR_BAD_OPTION for an unknown kind or field. */
export function compileRecipes(options: IdentityOptions): Recipes {
  checkOptions('identity', options, [...SESSION_KINDS, 'ipv6PrefixLength', 'mergeConnections', 'aliases']);
  const recipes = {} as Record<SessionKind, Recipe>;
  for (const kind of SESSION_KINDS) {
    recipes[kind] = compile(kind, options[kind] ?? (kind === 'unspecified' ? [] : DEFAULT_FIELDS));
  }
  return recipes;
}

function compile(kind: SessionKind, chosen: readonly IdentityField[]): Recipe {
  const known = (field: IdentityField): boolean => IDENTITY_FIELDS.includes(field);
  if (!Array.isArray(chosen) || !(chosen as readonly IdentityField[]).every(known)) {
    throw badOption(`identity.${kind}`, `a list of ${IDENTITY_FIELDS.join(', ')}`, chosen);
  }
  const fields = IDENTITY_FIELDS.filter((field) => chosen.includes(field));
  const byStream = fields.includes('stream');
  const rest = fields.filter((field) => field !== 'stream' && field !== 'token');
  return {
    kind,
    fields,
    tracks: kind !== 'unspecified' || fields.length > 0,
    byStream,
    byName: fields.includes('token'),
    byAddress: fields.includes('ip'),
    aliasable: byStream && fields.includes('ip') && fields.includes('token'),
    groupKey: groupKeyOf(rest),
    signature: fields.join(),
  };
}

/** The address alone is the common case and needs no new string. */
function groupKeyOf(fields: readonly IdentityField[]): Recipe['groupKey'] {
  if (fields.length === 0) return () => '';
  if (fields.length === 1 && fields[0] === 'ip') return (network) => network;
  const ip = fields.includes('ip');
  const byProtocol = fields.includes('protocol');
  const byUserAgent = fields.includes('userAgent');
  return (network, protocol, userAgent) =>
    (ip ? prefixed(network) : '') + (byProtocol ? prefixed(protocol) : '') + (byUserAgent ? prefixed(userAgent) : '');
}

/** The length prefix keeps ("a", "bc") and ("ab", "c") distinct. */
export const prefixed = (value: string): string => `${value.length}:${value}`;

/** The id of the session that a recipe yields: 16 hex characters. Hashed once, when the session opens. */
export function derivedId(recipe: Recipe, stream: string, groupKey: string, name: string): string {
  const key =
    `${recipe.kind};${recipe.signature};` +
    (recipe.byStream ? prefixed(stream) : '') +
    prefixed(groupKey) +
    (recipe.byName ? name : '');
  return ownCopy(createHash('sha256').update(key).digest('hex').slice(0, 16));
}
