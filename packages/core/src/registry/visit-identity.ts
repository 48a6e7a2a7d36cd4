import { hashedAlias, hashedName, nameOf } from '../identity/name.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import type { Recipe, Recipes } from '../identity/recipe.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Session } from '../session/session.js';
import type { NameHash, VisitIdentity } from '../types/cluster.js';
import { knownNames, sharedGroup } from './identity-group.js';
import { RANKS } from './resolver.js';
import { groupPlace } from './waiting-visits.js';

/** What another node would recognise this hit by. `aliases`: also by names other than its best one. */
export function identityOfHit(resolved: ResolvedHit, aliases: boolean, hash: KeyedHash): VisitIdentity {
  const { kind, stream, recipe, groupKey, hit } = resolved;
  const names = RANKS.flatMap((rank): NameHash[] => {
    const name = nameOf(hit, rank);
    return name === undefined ? [] : [[rank, hashedName(rank, name, hash)]];
  });
  const group = recipe.byStream ? stream : '';
  const place = groupKey === undefined ? undefined : hash.once(groupPlace(kind, recipe.signature, group, groupKey));
  return { kind, stream, place, names: shownOf(names, recipe, aliases), id: resolved.idToBe };
}

/** The place of a live session's group; undefined: it is not recognised by anything but its connection. */
export function placeOfSession(session: Session, recipes: Recipes, hash: KeyedHash): string | undefined {
  const { kind, group } = session;
  if (group === undefined) return undefined;
  const { signature, byStream } = recipes[kind];
  const key = sharedGroup(session)?.key ?? (group as string);
  return hash.once(groupPlace(kind, signature, byStream ? session.firstStream : '', key));
}

/** What a live session is recognised by. */
export function identityOfSession(
  session: Session,
  recipes: Recipes,
  aliases: boolean,
  hash: KeyedHash,
): VisitIdentity {
  const { id, kind, namedBy, rare, group } = session;
  const stream = session.firstStream;
  const ownName = session.name ?? (namedBy === 'user' ? session.userId : session.userAgent) ?? '';
  const own: NameHash = [namedBy, hashedName(namedBy, ownName, hash)];
  const place = placeOfSession(session, recipes, hash);
  if (group === undefined) return { kind, stream, place, names: [own], id };
  const others = [...knownNames(session, hash).map((alias) => hashedAlias(alias, hash)), ...(rare?.unseen ?? [])];
  const isNews = ([nameKind, name]: NameHash, at: number, all: readonly NameHash[]): boolean =>
    all.findIndex(([kindThere, there]) => kindThere === nameKind && there === name) === at;
  const agentsLast = (name: NameHash): number => (name[0] === 'fingerprint' ? 1 : 0);
  const names = [own, ...others.sort((a, b) => agentsLast(a) - agentsLast(b))].filter(isNews);
  return { kind, stream, place, names: shownOf(names, recipes[kind], aliases), id };
}

/** All names, the best alone, or none, in which case the group is one viewer. */
function shownOf(names: NameHash[], { byName, aliasable }: Recipe, aliases: boolean): NameHash[] {
  if (!byName) return [];
  return aliases && aliasable ? names : names.slice(0, 1);
}
