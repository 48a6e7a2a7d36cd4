import { hashedAlias, hashedName, aliasKey, type HashedName } from '../identity/name.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { knownNames, sharedGroup } from '../registry/identity-group.js';
import type { LiveStreams } from '../registry/live-streams.js';
import { groupPlace, type FoundBy } from '../registry/waiting-visits.js';
import { offeredIn } from '../identity/offer.js';
import { MAX_LISTED, Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { SESSION_KINDS } from '../types/kinds.js';
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
  // Not kept where nobody else has asked: most sessions have no need for it.
  const known = rare?.ownOffer;
  const offered = known !== undefined && known.of === session.token ? known : offeredIn(offerOf(session), hash);
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
    agents: aliases.filter(isAgent).map((alias) => alias.slice(AGENT.length)),
    offered: { token: offered.token, bearer: offered.bearer },
    decided: [...(rare?.decided ?? [])].map(([asked, { token, bearer }]) => [asked, token, bearer]),
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
  readonly liveStreams: LiveStreams;
  readonly hash: KeyedHash;
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
    parts.liveStreams.entryFor(record.stream),
    record.ip,
    networks[0] as string,
    agent,
    record.opened,
  );
  describe(session, record);
  const rare = session.rareFields;
  rare.unseen = names.filter(([nameKind]) => nameKind !== 'fingerprint' && nameKind !== 'user');
  rare.names = record.agents.map((name) => aliasKey('fingerprint', name, parts.hash));
  const agents = record.agents.map((name): HashedName => ['fingerprint', hashedName('fingerprint', name, parts.hash)]);
  return [session, { group: record.place, own, names: [...others, ...agents] }];
}

/** @throws Error where it is no record of progress */
export function setProgress(session: Session, given: unknown): void {
  const [bytes, received, updatedAt, quality] = checkedProgress(given);
  session.bytes = bytes;
  session.updatedAt = Math.max(updatedAt, session.openedAt);
  const rare = session.rareFields;
  rare.bytesReceived = received;
  rare.quality = quality as typeof rare.quality;
}

function describe(session: Session, record: StoredSession): void {
  const rare = session.rareFields;
  // Where it will be found; else a kick would take it for a bare connection.
  session.group = record.place;
  session.query = record.query;
  session.fingerprint = record.fingerprint;
  if (record.started !== undefined) session.begin(record.started);
  rare.referer = record.referer;
  rare.absentMs = record.absent ?? 0;
  rare.protocolSince = record.since ?? 0;
  rare.userId = record.user;
  rare.vouched = record.vouched ?? false;
  rare.tags = record.tags;
  if (record.watched !== undefined) rare.watchedMs = new Map(record.watched);
  if (record.protocols.length > 1) rare.protocols = record.protocols;
  if (record.streams.length > 1) rare.streams = record.streams;
  if (record.ips.length > 1) [rare.ips, rare.networks] = [record.ips, record.networks];
  rare.ownOffer = { ...record.offered, of: undefined };
  // Whatever they allowed, the policies are asked anew.
  const decided = record.decided.map(([asked, token, bearer]) => [asked, { token, bearer, until: -Infinity }] as const);
  if (decided.length > 0) rare.decided = new Map(decided);
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
  offered: { token: string; bearer: string };
  decided: [string, string, string][];
}

const offerOf = ({ token, hot }: Session) => ({ token, credentials: hot?.credentials });

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
    isText(record.offered?.token) &&
    isText(record.offered?.bearer) &&
    isList(record.decided, isTexts) &&
    (isAbsent(record.tags) || (isObject(record.tags) && Object.values(record.tags).every(isText))) &&
    (isAbsent(record.watched) || isList(record.watched, (item) => isList(item, () => true, 2)));
  if (!isFine) throw new Error('this is no record of a session');
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function checkedProgress(progress: unknown): ProgressRecord {
  const [bytes, received, updatedAt, quality] = Array.isArray(progress) ? (progress as unknown[]) : [];
  if (![bytes, received, updatedAt].every(isTime) || !(isAbsent(quality) || isObject(quality)))
    throw new Error('this is no record of progress');
  return [bytes, received, updatedAt, quality] as unknown as ProgressRecord;
}
