import { aliasKey } from '../identity/name.js';
import { shownText, type Fingerprint } from '../identity/shown-text.js';
import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import { RANKS } from './resolver.js';
import { learnKey, rename, sharedGroup } from './identity-group.js';
import type { Registry } from './registry.js';
import { keepBearer } from '../session/decided.js';
import { makeRoom, type Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { ownCopy, type StringPool } from '../support/strings.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Settings } from '../settings/settings.js';

/** The parts that `HitMerger` works with. */
export interface HitMergerParts {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly texts: StringPool;
  readonly sharedFields: SharedFieldsPool;
  readonly fingerprint: Fingerprint;
}

/** Merges another hit into a live session: the latest values are shown, earlier ones are remembered. */
export class HitMerger {
  private readonly settings: Settings;
  private readonly registry: Registry;
  private readonly texts: StringPool;
  private readonly sharedFields: SharedFieldsPool;
  private readonly fingerprint: Fingerprint;

  constructor(parts: HitMergerParts) {
    this.settings = parts.settings;
    this.registry = parts.registry;
    this.texts = parts.texts;
    this.sharedFields = parts.sharedFields;
    this.fingerprint = parts.fingerprint;
  }

  /** From now on, the session goes by the name of this hit and is found in its group; its id stays. */
  renameTo(session: Session, resolved: ResolvedHit): void {
    const { recipe, groupKey, ip, network, namedBy, name, token, hit } = resolved;
    const { hash } = this.settings;
    const before = aliasKey(session.namedBy, session.name ?? '', hash);
    const group = groupKey === network ? network : groupKey;
    if (ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    this.registry.moveToGroup(session, recipe, ownCopy(group as string), () => {
      session.name = name === undefined ? undefined : ownCopy(name);
      session.sharedFields = this.sharedFields.share({ ...session.sharedFields, namedBy });
      if (token !== undefined) session.fingerprint = this.fingerprint(token);
    });
    if (before !== aliasKey(namedBy, name ?? '', hash)) learnKey(session, before);
    session.query = shownText(hit.query, hit, this.fingerprint) ?? session.query;
  }

  /** From now on, the session is also found by the name of this hit, however it was found this time. */
  learnName(session: Session, { recipe, stream, groupKey, namedBy, name, hit }: ResolvedHit): void {
    if (groupKey === undefined || !recipe.aliasable) return;
    const given = name ?? hit.userAgent ?? '';
    if (this.registry.find(recipe, stream, groupKey, namedBy, given, true) !== session)
      this.learn(session, namedBy, given);
  }

  /** Most hits bring nothing new, which takes only a few comparisons. */
  merge(session: Session, hit: HitFacts, ip: string, network: string): void {
    if (hit.protocol !== session.protocol) this.changeProtocol(session, hit.protocol);
    if (hit.dvr === !session.dvr) this.changeDvr(session, hit.dvr);
    if (hit.userAgent !== session.userAgent && hit.userAgent) this.changeUserAgent(session, hit.userAgent);
    if (hit.token && session.namedBy !== 'token') this.takeName(session, 'token', hit.token);
    if (hit.sid && hit.sid !== session.sid) this.changeSid(session, hit.sid);
    if (hit.playerSessionId) this.seePlayer(session, hit.playerSessionId);
    if (hit.credentials !== undefined && this.settings.policies.length === 0) keepBearer(session, hit.credentials);
    this.place(session, hit.stream, ip, network);
  }

  /** From now on, the session goes by this name if it is better than its own. False: it is not, or names must match exactly. */
  private takeName(session: Session, kind: NamedBy, name: string): boolean {
    const isBetter = RANKS.indexOf(kind) < RANKS.indexOf(session.namedBy);
    const { aliases, recipes } = this.settings;
    if (!isBetter || !aliases || !recipes[session.kind].aliasable || session.group === undefined) return false;
    rename(session, ownCopy(name), this.sharedFields.share({ ...session.sharedFields, namedBy: kind }));
    if (kind === 'token') session.fingerprint = this.fingerprint(name);
    this.registry.noteChange(session);
    return true;
  }

  /** Records where the session is seen now. What its recipe guarantees is not compared again. */
  private place(session: Session, stream: string, ip: string, network: string): void {
    const { byAddress, byStream } = this.settings.recipes[session.sharedFields.kind];
    // a policy may have said that the session continues from another address
    const sameAddress = byAddress && ip === network && network === session.network;
    if (!sameAddress && ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    if (!byStream && stream !== session.entry.code) this.registry.addStream(session, stream);
  }

  private changeProtocol(session: Session, raw: string): void {
    const protocol = this.texts.share(raw);
    const protocols = session.rare?.protocols ?? [session.protocol];
    this.registry.changeProtocol(session, this.sharedFields.share({ ...session.sharedFields, protocol }));
    if (protocols.includes(protocol)) return;
    const gone = makeRoom(protocols);
    if (gone !== undefined) session.rare?.watchedMs?.delete(gone);
    protocols.push(protocol);
    session.rareFields.protocols = protocols;
  }

  private changeDvr(session: Session, dvr: boolean): void {
    session.sharedFields = this.sharedFields.share({ ...session.sharedFields, dvr });
    if (session.isUnserved || session.isClosed) return;
    for (const entry of this.registry.liveStreams.of(session)) entry.countDvr(session, dvr ? 1 : -1);
    this.registry.noteChange(session);
  }

  /** Shows the latest value and remembers all of them. */
  private changeUserAgent(session: Session, userAgent: string): void {
    this.learn(session, 'fingerprint', session.userAgent ?? '');
    session.userAgent = this.texts.share(userAgent);
    this.registry.noteChange(session);
    sharedGroup(session)?.see(session, aliasKey('fingerprint', session.userAgent, this.settings.hash));
  }

  private learn(session: Session, kind: NamedBy, name: string): void {
    if (learnKey(session, aliasKey(kind, name, this.settings.hash))) this.registry.noteChange(session);
  }

  private changeSid(session: Session, sid: string): void {
    if (session.namedBy === 'cmcd') return this.learn(session, 'cmcd', sid);
    if (session.sid === undefined && this.takeName(session, 'cmcd', sid)) return undefined;
    const rare = session.rareFields;
    if (rare.sid !== undefined) this.learn(session, 'cmcd', rare.sid);
    rare.sid = ownCopy(sid);
    this.registry.noteChange(session);
    return sharedGroup(session)?.see(session, aliasKey('cmcd', sid, this.settings.hash));
  }

  private seePlayer(session: Session, id: string): void {
    if (session.playerSessionId === id) return undefined;
    if (session.namedBy === 'playback-session') return this.learn(session, 'playback-session', id);
    if (session.playerSessionId === undefined && this.takeName(session, 'playback-session', id)) return undefined;
    const rare = session.rareFields;
    if (rare.playerSessionId !== undefined) this.learn(session, 'playback-session', rare.playerSessionId);
    rare.playerSessionId = ownCopy(id);
    this.registry.noteChange(session);
    return sharedGroup(session)?.see(session, aliasKey('playback-session', id, this.settings.hash));
  }
}
