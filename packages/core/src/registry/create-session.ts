import { hashedName, nameOf, type HashedName } from '../identity/name.js';
import { shownText, type Fingerprint } from '../identity/shown-text.js';
import type { NameHash } from '../types/cluster.js';
import type { HitFacts } from '../types/hit.js';
import type { Registry } from './registry.js';
import { keepBearer } from '../session/decided.js';
import { MAX_LISTED, Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import type { Logger } from '../support/logger.js';
import { ownCopy, type StringPool } from '../support/strings.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Settings } from '../settings/settings.js';

/** The parts that `SessionFactory` works with. */
export interface SessionFactoryParts {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly texts: StringPool;
  readonly sharedFields: SharedFieldsPool;
  readonly logger: Logger;
  readonly fingerprint: Fingerprint;
}

/** Makes a session from its first hit: copies what is kept, shares what is common, and hides what is secret. */
export class SessionFactory {
  private readonly settings: Settings;
  private readonly registry: Registry;
  private readonly texts: StringPool;
  private readonly sharedFields: SharedFieldsPool;
  private readonly logger: Logger;
  private readonly fingerprint: Fingerprint;

  constructor(parts: SessionFactoryParts) {
    this.settings = parts.settings;
    this.registry = parts.registry;
    this.texts = parts.texts;
    this.sharedFields = parts.sharedFields;
    this.logger = parts.logger;
    this.fingerprint = parts.fingerprint;
  }

  make(resolved: ResolvedHit, id: string, now: number, allowed: boolean): Session {
    const { recipe, hit, namedBy, name, isConnection } = resolved;
    const ip = ownCopy(resolved.ip);
    const { secure = false, dvr = false, protocol } = hit;
    const country = resolved.country(this.settings.geo, this.logger);
    const { kind } = recipe;
    const common = { kind, namedBy, protocol, secure, dvr, country, allowed, closeReason: undefined };
    const session = new Session(
      id === hit.id ? ownCopy(id) : id,
      this.sharedFields.share(common),
      name === undefined ? undefined : ownCopy(name),
      this.registry.liveStreams.entryFor(ownCopy(hit.stream)),
      ip,
      resolved.network === resolved.ip ? ip : this.texts.share(resolved.network),
      hit.userAgent ? this.texts.share(hit.userAgent) : undefined,
      resolved.visit?.openedAt ?? this.opensAt(resolved, id, now),
    );
    this.describe(session, hit, isConnection);
    if (resolved.visit !== undefined) {
      this.knowAlso(session, resolved.visit.names, hit);
      session.updatedAt = now;
    }
    return session;
  }

  private opensAt({ isUnheardOf }: ResolvedHit, id: string, now: number): number {
    const { openingTimes, closed } = this.registry;
    return isUnheardOf ? now : openingTimes.next(id, now, closed.get(id)?.openedAt);
  }

  /** Other nodes have seen the viewer with these names: it may come with them here, too. */
  private knowAlso(session: Session, names: readonly NameHash[], hit: HitFacts): void {
    const unseen = names.filter((name) => !isAgent(name) && !this.shows(hit, name));
    if (unseen.length > 0) session.rareFields.unseen = unseen.slice(0, MAX_LISTED);
  }

  private shows(hit: HitFacts, [kind, hashed]: HashedName): boolean {
    const given = nameOf(hit, kind);
    return given !== undefined && hashedName(kind, given, this.settings.hash) === hashed;
  }

  /**
   * A visit of an earlier process continues with this hit, under the name the hit brings: only hashes of its own names are known.
   */
  resume(session: Session, { hit, namedBy, name }: ResolvedHit, allowed: boolean): void {
    const rare = session.rareFields;
    rare.unseen = rare.unseen?.filter((known) => !this.shows(hit, known));
    session.name = name === undefined ? undefined : ownCopy(name);
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, namedBy, allowed });
    if (hit.token) session.fingerprint = this.fingerprint(hit.token);
  }

  private describe(session: Session, hit: HitFacts, isConnection: boolean): void {
    session.fingerprint = session.token === undefined ? undefined : this.fingerprint(session.token);
    session.query = shownText(hit.query, hit, this.fingerprint);
    if (isConnection) session.begin(session.openedAt);
    if (hit.sid && session.namedBy !== 'cmcd') session.rareFields.sid = ownCopy(hit.sid);
    if (hit.playerSessionId && session.namedBy !== 'playback-session') {
      session.rareFields.playerSessionId = ownCopy(hit.playerSessionId);
    }
    if (this.settings.policies.length === 0) keepBearer(session, hit.credentials);
    const referer = shownText(hit.referer, hit, this.fingerprint);
    if (referer !== undefined) session.rareFields.referer = referer;
  }
}

/** A name that is not unique to one session: what its player calls itself, or its user. */
const isAgent = ([kind]: HashedName): boolean => kind === 'fingerprint' || kind === 'user';
