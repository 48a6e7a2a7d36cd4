import type { KeyedHash } from '../identity/keyed-hash.js';
import { aliasKey, hashedName } from '../identity/name.js';
import type { Progress } from '../registry/waiting-rows.js';
import { connectionPlace, placed, placedUser, type FoundBy, type VisitReader } from '../registry/waiting-visits.js';
import { Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { StringPool } from '../support/strings.js';
import type { PlaySession } from '../types/play-session.js';
import type { StoredSession } from './stored-session.js';

/** What is needed to rebuild sessions. */
export interface SessionReaderParts {
  readonly sharedFields: SharedFieldsPool;
  readonly hash: KeyedHash;
  streamOf(code: string): Session['entry'];
}

/** Rebuilds sessions from their stored records. */
export class SessionReader implements VisitReader<StoredSession> {
  /** Texts that many sessions share are kept once. */
  private readonly texts = new StringPool();

  constructor(private readonly parts: SessionReaderParts) {}

  foundBy({
    kind,
    stream,
    streams,
    protocol,
    ip,
    networks,
    agent = '',
    names,
    place,
    ...more
  }: StoredSession): FoundBy {
    if (place === undefined) {
      const alone = connectionPlace(kind, streams?.[0] ?? stream, protocol, networks?.[0] ?? ip);
      return { own: undefined, others: names.map((name) => placed(alone, name)) };
    }
    const [own, ...others] = names.map((name) => placed(place, name));
    for (const name of new Set(more.agents).add(agent)) {
      others.push(placed(place, ['fingerprint', hashedName('fingerprint', name, this.parts.hash)]));
    }
    if (more.user !== undefined && more.vouched === true) others.push(placedUser(place, more.user, agent));
    return { own, others };
  }

  toSession(record: StoredSession): Session {
    const { kind, protocol, secure = false, dvr = false, country, ip, networks, agent, names, agents } = record;
    const namedBy = names[0][0];
    const common = { kind, namedBy, protocol, secure, dvr, country, allowed: false, closeReason: undefined };
    const session = new Session(
      record.id,
      this.parts.sharedFields.share(common),
      undefined,
      this.parts.streamOf(record.stream),
      ip,
      networks?.[0] ?? ip,
      agent && this.texts.share(agent),
      record.opened,
    );
    describe(session, record);
    const unseen = names.filter(([nameKind]) => nameKind !== 'fingerprint' && nameKind !== 'user');
    if (unseen.length > 0) session.rareFields.unseen = unseen;
    if (agents !== undefined) {
      session.rareFields.names = agents.map((name) => aliasKey('fingerprint', name, this.parts.hash));
    }
    return session;
  }

  setProgress(session: Session, [bytes, received, updatedAt, quality]: Progress): void {
    session.bytes = bytes;
    session.updatedAt = Math.max(updatedAt, session.openedAt);
    if (received > 0) session.rareFields.bytesReceived = received;
    if (quality !== undefined) session.rareFields.quality = quality as PlaySession['quality'];
  }
}

function describe(session: Session, record: StoredSession): void {
  // Where it will be found; otherwise a kick would take it for a bare connection.
  session.group = record.place;
  session.query = record.query;
  session.fingerprint = record.fingerprint;
  if (record.started !== undefined) session.begin(record.started);
  const { referer, absent, since, user, vouched, issued, tags, watched } = record;
  // Most sessions have none of these, and need no `rareFields`.
  if (referer !== undefined) session.rareFields.referer = referer;
  if (absent !== undefined) session.rareFields.absentMs = absent;
  if (since !== undefined) session.rareFields.protocolSince = since;
  if (user !== undefined)
    Object.assign(session.rareFields, { userId: user, vouched: vouched ?? false, issuedAt: issued });
  if (tags !== undefined) session.rareFields.tags = tags;
  if (watched !== undefined) session.rareFields.watchedMs = new Map(watched);
  const { protocols, streams, ips, networks } = record;
  if (protocols !== undefined) session.rareFields.protocols = protocols;
  if (streams !== undefined) session.rareFields.streams = streams;
  if (ips !== undefined) Object.assign(session.rareFields, { ips, networks });
  // Whatever the policies approved, they are asked anew.
  const decided = record.decided?.map(
    ([asked, token, bearer]) => [asked, { token, bearer, until: -Infinity }] as const,
  );
  if (decided !== undefined) session.rareFields.decided = new Map(decided);
}
