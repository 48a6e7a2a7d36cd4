import { hashedAlias, hashedName, aliasKey, type HashedName } from '../identity/name.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { knownNames, sharedGroup } from '../registry/identity-group.js';
import { groupPlace, type FoundBy } from '../registry/waiting-visits.js';
import { offeredIn } from '../identity/offer.js';
import { MAX_LISTED, Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import type { StringPool } from '../support/strings.js';
import { SESSION_KINDS } from '../types/kinds.js';
import type { PlaySession } from '../types/play-session.js';
import type { Recipes } from '../identity/recipe.js';

/** What changes while a visit goes on, apart: it is written down again and again. */
export type ProgressRecord = readonly [bytes: number, received: number, updatedAt: number, quality?: object];

/** What a session is written down with. */
export interface RecordParts {
  readonly recipes: Recipes;
  readonly hash: KeyedHash;
}

/** Everything that a visit is and is found by, as JSON: names of players and credentials as what stands for them. */
export function toRecord(session: Session, { recipes, hash }: RecordParts): Record<string, unknown> {
  const { id, sharedFields, rare, group } = session;
  const { kind, namedBy, secure, dvr, country } = sharedFields;
  const key = group === undefined ? undefined : (sharedGroup(session)?.key ?? (group as string));
  const recipe = recipes[kind];
  const ownName = session.name ?? (namedBy === 'user' ? session.userId : session.userAgent) ?? '';
  // One that has not been seen with its own name since an earlier process is found by the next best one as well.
  const own: HashedName = [namedBy, hashedName(namedBy, ownName, hash)];
  const { token, bearer } = offeredIn({ token: session.token, credentials: session.hot?.credentials }, hash);
  const aliases = key === undefined ? [] : knownNames(session, hash);
  const isAgent = (alias: string): boolean => alias.startsWith(AGENT);
  return {
    ...{ id, kind, protocols: session.protocols, protocol: session.protocol, secure, dvr, country },
    ...{ streams: session.streams, stream: session.stream, ips: session.ips, ip: session.ip },
    networks: rare?.networks ?? [session.network],
    ...{ agent: session.userAgent, referer: rare?.referer, query: session.query, fingerprint: session.fingerprint },
    ...{ opened: session.openedAt, started: session.startedAt, absent: rare?.absentMs || undefined },
    ...{ user: rare?.userId, vouched: rare?.vouched || undefined, tags: rare?.tags },
    watched: rare?.watchedMs === undefined ? undefined : [...rare.watchedMs],
    since: rare?.protocolSince || undefined,
    place:
      key === undefined ? undefined : groupPlace(kind, recipe.signature, recipe.byStream ? session.stream : '', key),
    names: [
      own,
      ...aliases.filter((alias) => !isAgent(alias)).map((alias) => hashedAlias(alias, hash)),
      ...(rare?.unseen ?? []),
    ],
    agents: (rare?.names ?? []).filter(isAgent).map((alias) => alias.slice(AGENT.length)),
    // The first: what it goes by itself, which a token alone is not worth noting for.
    decided: [
      ...(bearer === '' ? [] : [['', token, bearer]]),
      ...[...(rare?.decided ?? [])].map(([asked, offered]) => [asked, offered.token, offered.bearer]),
    ],
  };
}

export function toProgress({ bytes, rare, updatedAt }: Session): ProgressRecord {
  const quality = rare?.quality;
  return quality === undefined
    ? [bytes, rare?.bytesReceived ?? 0, updatedAt]
    : [bytes, rare?.bytesReceived ?? 0, updatedAt, quality];
}

/** What a session is made of again. */
export interface RestoringParts {
  readonly sharedFields: SharedFieldsPool;
  readonly hash: KeyedHash;
  /** What many have in common is kept once. */
  readonly texts: StringPool;
  streamOf(code: string): Session['entry'];
}

/** @throws Error where it is no such record */
export function fromRecord(given: unknown, parts: RestoringParts): [Session, FoundBy] {
  const record = given as StoredSession;
  check(record);
  const { kind, protocol, secure, dvr, country, networks, agent, names } = record;
  const [own, ...others] = names;
  const common = { kind, namedBy: own[0], protocol, secure, dvr, country, allowed: false, closeReason: undefined };
  const session = new Session(
    record.id,
    parts.sharedFields.share(common),
    undefined,
    parts.streamOf(record.stream),
    record.ip,
    networks[0] === record.ip ? record.ip : (networks[0] as string),
    agent && parts.texts.share(agent),
    record.opened,
  );
  describe(session, record);
  const unseen = names.filter(([nameKind]) => nameKind !== 'fingerprint' && nameKind !== 'user');
  if (unseen.length > 0) session.rareFields.unseen = unseen;
  const { agents, place } = record;
  if (agents.length > 0) {
    session.rareFields.names = agents.map((name) => aliasKey('fingerprint', name, parts.hash));
  }
  for (const name of place === undefined ? [] : new Set([...agents, agent ?? ''])) {
    others.push(['fingerprint', hashedName('fingerprint', name, parts.hash)]);
  }
  return [session, { group: place, own, names: others }];
}

/** @throws Error where it is no record of progress */
export function setProgress(session: Session, given: unknown): void {
  const [bytes, received, updatedAt, quality] = checkedProgress(given);
  session.bytes = bytes;
  session.updatedAt = Math.max(updatedAt, session.openedAt);
  if (received > 0) session.rareFields.bytesReceived = received;
  if (quality !== undefined) session.rareFields.quality = quality as PlaySession['quality'];
}

function describe(session: Session, record: StoredSession): void {
  // Where it will be found; else a kick would take it for a bare connection.
  session.group = record.place;
  session.query = record.query;
  session.fingerprint = record.fingerprint;
  if (record.started !== undefined) session.begin(record.started);
  const { referer, absent, since, user, vouched, tags, watched } = record;
  // Most have nothing of this, and are spared the room for it.
  if (referer !== undefined) session.rareFields.referer = referer;
  if (absent !== undefined) session.rareFields.absentMs = absent;
  if (since !== undefined) session.rareFields.protocolSince = since;
  if (user !== undefined) Object.assign(session.rareFields, { userId: user, vouched: vouched ?? false });
  if (tags !== undefined) session.rareFields.tags = tags;
  if (watched !== undefined) session.rareFields.watchedMs = new Map(watched);
  if (record.protocols.length > 1) session.rareFields.protocols = record.protocols;
  if (record.streams.length > 1) session.rareFields.streams = record.streams;
  if (record.ips.length > 1) Object.assign(session.rareFields, { ips: record.ips, networks: record.networks });
  // Whatever they allowed, the policies are asked anew.
  const decided = record.decided.map(([asked, token, bearer]) => [asked, { token, bearer, until: -Infinity }] as const);
  if (decided.length > 0) session.rareFields.decided = new Map(decided);
}

interface StoredSession {
  id: string;
  kind: Session['kind'];
  protocol: string;
  protocols: string[];
  secure: boolean;
  dvr: boolean;
  country: string | undefined;
  stream: string;
  streams: string[];
  ip: string;
  ips: string[];
  networks: string[];
  agent: string | undefined;
  referer: string | undefined;
  query: string | undefined;
  fingerprint: string | undefined;
  opened: number;
  started: number | undefined;
  absent: number | undefined;
  since: number | undefined;
  user: string | undefined;
  vouched: boolean | undefined;
  tags: Record<string, string> | undefined;
  watched: [string, number][] | undefined;
  place: string | undefined;
  names: [HashedName, ...HashedName[]];
  agents: string[];
  decided: [string, string, string][];
}

const AGENT = 'fingerprint:';

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isAbsent = (value: unknown): boolean => value === undefined;
const isList = (value: unknown, isItem: (item: unknown) => boolean, min = 0): boolean =>
  Array.isArray(value) && value.length >= min && value.length <= 4 * MAX_LISTED && value.every(isItem);
const isTexts = (value: unknown): boolean => isList(value, isText);

/** What a crash, another program or a later version has left is not believed to be a session. */
function check(record: StoredSession): void {
  const isFine =
    typeof record === 'object' &&
    record !== null &&
    [record.id, record.protocol, record.stream, record.ip].every(isText) &&
    SESSION_KINDS.includes(record.kind) &&
    [record.secure, record.dvr].every((value) => typeof value === 'boolean') &&
    [record.country, record.agent, record.referer, record.query, record.fingerprint, record.user, record.place].every(
      (value) => isAbsent(value) || isText(value),
    ) &&
    [record.started, record.absent, record.since].every((value) => isAbsent(value) || isTime(value)) &&
    isTime(record.opened) &&
    [record.protocols, record.streams, record.ips, record.networks].every((list) => isList(list, isText, 1)) &&
    isList(record.names, isTexts, 1) &&
    isTexts(record.agents) &&
    isList(record.decided, isTexts) &&
    (isAbsent(record.tags) || (isObject(record.tags) && Object.values(record.tags).every(isText))) &&
    (isAbsent(record.watched) || isList(record.watched, (item) => isList(item, () => true, 2)));
  if (!isFine) throw new Error('this is no record of a session');
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function checkedProgress(progress: unknown): ProgressRecord {
  const isFine = Array.isArray(progress) && isTime(progress[0]) && isTime(progress[1]) && isTime(progress[2]);
  if (!isFine || !(isAbsent(progress[3]) || isObject(progress[3]))) throw new Error('this is no record of progress');
  return progress as unknown as ProgressRecord;
}
