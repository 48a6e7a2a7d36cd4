import { hashedAlias, hashedName, type HashedName } from '../identity/name.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { knownNames, sharedGroup } from '../registry/identity-group.js';
import type { Progress } from '../registry/waiting-rows.js';
import { groupPlace } from '../registry/waiting-visits.js';
import { offeredIn } from '../identity/offer.js';
import type { Session } from '../session/session.js';
import type { Recipes } from '../identity/recipe.js';
import type { StoredSession } from './stored-session.js';

const AGENT = 'fingerprint:';

/** What is needed to store a session. */
export interface RecordParts {
  readonly recipes: Recipes;
  readonly hash: KeyedHash;
}

/** Everything that a visit consists of and is found by, as JSON: player names and credentials appear as hashes. */
export function toRecord(session: Session, { recipes, hash }: RecordParts): StoredSession {
  const { id, sharedFields, rare, group } = session;
  const { kind, namedBy, secure, dvr, country } = sharedFields;
  const key = group === undefined ? undefined : (sharedGroup(session)?.key ?? (group as string));
  const recipe = recipes[kind];
  const ownName = session.name ?? (namedBy === 'user' ? session.userId : session.userAgent) ?? '';
  // A visit that has not been seen with its own name since an earlier process is also found by its next best name.
  const own: HashedName = [namedBy, hashedName(namedBy, ownName, hash)];
  const { token, bearer } = offeredIn({ token: session.token, credentials: session.hot?.credentials }, hash);
  const aliases = key === undefined ? [] : knownNames(session, hash);
  const isAgent = (alias: string): boolean => alias.startsWith(AGENT);
  return {
    ...{ id, kind, protocol: session.protocol, protocols: rare?.protocols, stream: session.stream },
    ...{ secure: secure || undefined, dvr: dvr || undefined, country, streams: rare?.streams },
    ...{ ip: session.ip, ips: rare?.ips },
    networks: rare?.networks ?? (session.network === session.ip ? undefined : [session.network]),
    ...{ agent: session.userAgent, referer: rare?.referer, query: session.query, fingerprint: session.fingerprint },
    ...{ opened: session.openedAt, started: session.startedAt, absent: rare?.absentMs || undefined },
    ...{ user: rare?.userId, vouched: rare?.vouched || undefined, issued: rare?.issuedAt, tags: rare?.tags },
    watched: rare?.watchedMs === undefined ? undefined : [...rare.watchedMs],
    since: rare?.protocolSince || undefined,
    place:
      key === undefined ? undefined : groupPlace(kind, recipe.signature, recipe.byStream ? session.stream : '', key),
    names: [
      own,
      ...aliases.filter((alias) => !isAgent(alias)).map((alias) => hashedAlias(alias, hash)),
      ...(rare?.unseen ?? []),
    ],
    agents: orNone((rare?.names ?? []).filter(isAgent).map((alias) => alias.slice(AGENT.length))),
    // The first entry is what the session goes by; a token alone is not worth an entry.
    decided: orNone([
      ...(bearer === '' ? [] : [['', token, bearer] as const]),
      ...[...(rare?.decided ?? [])].map(([asked, offered]) => [asked, offered.token, offered.bearer] as const),
    ]),
  };
}

const orNone = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);

/** What changes while a visit continues. Stored separately, because it is written again and again. */
export function toProgress({ bytes, rare, updatedAt }: Session): Progress {
  const quality = rare?.quality;
  return quality === undefined
    ? [bytes, rare?.bytesReceived ?? 0, updatedAt]
    : [bytes, rare?.bytesReceived ?? 0, updatedAt, quality];
}
