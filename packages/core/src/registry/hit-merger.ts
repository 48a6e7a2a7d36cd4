import { aliasKey } from '../identity/name.js';
import type { HttpHit } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import { learnKey, learnName, rename, sharedGroup } from './identity-group.js';
import type { Registry } from './registry.js';
import { makeRoom, type Session } from '../session/session.js';
import type { SharedFieldsPool } from '../session/shared-fields.js';
import { ownCopy, type StringPool } from '../support/strings.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { Settings } from '../settings/settings.js';

/** From the best name to none. */
const RANKS: readonly NamedBy[] = ['token', 'cmcd', 'playback-session', 'fingerprint'];

/** What another hit tells about a live session: the latest is shown, what was seen before is remembered. */
export class HitMerger {
  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly texts: StringPool,
    private readonly sharedFields: SharedFieldsPool,
    private readonly fingerprint: (token: string) => string,
  ) {}

  /** The live session that has the name of this request, or was seen with it. */
  answering({ recipe, stream, groupKey, namedBy, name, hit, isConnection }: ResolvedHit): Session | undefined {
    if (groupKey === undefined || isConnection) return undefined;
    const aliases = this.settings.aliases && recipe.aliasable;
    return this.registry.find(recipe, stream, groupKey, namedBy, name ?? hit.userAgent ?? '', aliases);
  }

  /**
   * The live session that a name belongs to which no session has: players tell theirs with some requests only (with
   * segments, with playlists, from the second on). It is the one with the next best name of this request, or of the same
   * player, if it knows no other name of that kind and nobody else could be meant.
   */
  adopter(resolved: ResolvedHit): Session | undefined {
    const { recipe, hit, groupKey, stream, namedBy } = resolved;
    if (!this.settings.aliases || !recipe.aliasable || groupKey === undefined || resolved.isConnection) {
      return undefined;
    }
    const mayTake = (session: Session): boolean => lacksWhatItBrings(session, hit);
    for (const kind of RANKS.slice(RANKS.indexOf(namedBy) + 1)) {
      const name = nameOf(hit, kind);
      if (name === undefined) continue;
      const adopter = this.registry.findOnly(recipe, stream, groupKey, kind, name, mayTake);
      if (adopter !== undefined) {
        resolved.arrives = true;
        return adopter;
      }
      // Its own weaker name belongs to somebody else.
      if (kind !== 'fingerprint' && this.registry.find(recipe, stream, groupKey, kind, name, true)) return undefined;
    }
    return undefined;
  }

  /** It went by this name (as `aliasKey` writes it) until now. */
  remember(session: Session, key: string): void {
    learnKey(session, key);
  }

  /** Most hits tell nothing new, and then this is a few comparisons. */
  note(session: Session, hit: HttpHit, ip: string, network: string): void {
    if (hit.protocol !== session.protocol) this.changeProtocol(session, hit.protocol);
    if (hit.userAgent !== session.userAgent && hit.userAgent) this.changeUserAgent(session, hit.userAgent);
    if (hit.token && session.namedBy !== 'token') this.takeName(session, 'token', hit.token);
    if (hit.sid && hit.sid !== session.sid) this.changeSid(session, hit.sid);
    if (hit.playerSessionId) this.seePlayer(session, hit.playerSessionId);
    this.place(session, hit.stream, ip, network);
  }

  /** It goes by this name from now on, if that is better than what it had. False: it is not, or names have to match. */
  private takeName(session: Session, kind: NamedBy, name: string): boolean {
    const isBetter = RANKS.indexOf(kind) < RANKS.indexOf(session.namedBy);
    const { aliases, recipes } = this.settings;
    if (!isBetter || !aliases || !recipes[session.kind].aliasable || session.group === undefined) return false;
    rename(session, ownCopy(name), this.sharedFields.share({ ...session.sharedFields, namedBy: kind }));
    if (kind === 'token') session.fingerprint = this.fingerprint(name);
    return true;
  }

  /** Where it is seen now. What its recipe already says is not compared again. */
  private place(session: Session, stream: string, ip: string, network: string): void {
    const { byAddress, byStream } = this.settings.recipes[session.sharedFields.kind];
    // a policy may have said that it goes on from elsewhere
    const sameAddress = byAddress && ip === network && network === session.network;
    if (!sameAddress && ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    if (!byStream && stream !== session.entry.code) this.registry.addStream(session, stream);
  }

  private changeProtocol(session: Session, raw: string): void {
    const protocol = this.texts.share(raw);
    const protocols = session.rare?.protocols ?? [session.protocol];
    session.changeProtocol(this.sharedFields.share({ ...session.sharedFields, protocol }), session.updatedAt);
    if (protocols.includes(protocol)) return;
    const gone = makeRoom(protocols);
    if (gone !== undefined) session.rare?.watchedMs?.delete(gone);
    protocols.push(protocol);
    session.rareFields.protocols = protocols;
  }

  /** Shows the latest, remembers all. */
  private changeUserAgent(session: Session, userAgent: string): void {
    learnName(session, 'fingerprint', session.userAgent ?? '');
    session.userAgent = this.texts.share(userAgent);
    sharedGroup(session)?.see(session, aliasKey('fingerprint', session.userAgent));
  }

  private changeSid(session: Session, sid: string): void {
    if (session.namedBy === 'cmcd') return learnName(session, 'cmcd', sid);
    if (session.sid === undefined && this.takeName(session, 'cmcd', sid)) return undefined;
    const rare = session.rareFields;
    if (rare.sid !== undefined) learnName(session, 'cmcd', rare.sid);
    rare.sid = ownCopy(sid);
    return sharedGroup(session)?.see(session, aliasKey('cmcd', sid));
  }

  private seePlayer(session: Session, id: string): void {
    if (session.playerSessionId === id) return undefined;
    if (session.namedBy === 'playback-session') return learnName(session, 'playback-session', id);
    if (session.playerSessionId === undefined && this.takeName(session, 'playback-session', id)) return undefined;
    const rare = session.rareFields;
    if (rare.playerSessionId !== undefined) learnName(session, 'playback-session', rare.playerSessionId);
    rare.playerSessionId = ownCopy(id);
    return sharedGroup(session)?.see(session, aliasKey('playback-session', id));
  }
}

/** What this hit gives as a name of that kind. */
function nameOf({ token, sid, playerSessionId, userAgent }: HttpHit, kind: NamedBy): string | undefined {
  if (kind === 'fingerprint') return userAgent ?? '';
  return (kind === 'token' ? token : kind === 'cmcd' ? sid : playerSessionId) || undefined;
}

/** Each name of the hit is one that the session has, or of a kind of which it has none. */
function lacksWhatItBrings(session: Session, { token, sid, playerSessionId }: HttpHit): boolean {
  return (
    (!token || session.token === undefined) &&
    (!sid || session.sid === undefined || session.sid === sid) &&
    (!playerSessionId || session.playerSessionId === undefined || session.playerSessionId === playerSessionId)
  );
}
