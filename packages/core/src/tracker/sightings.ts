import { nameKey } from '../identity/name.js';
import type { HttpHit } from '../model/hit.js';
import type { NamedBy } from '../model/play-session.js';
import { learnKey, learnName, rename, sharedHome } from '../registry/household.js';
import type { Registry } from '../registry/registry.js';
import { makeRoom, type Session } from '../registry/session.js';
import type { TraitsPool } from '../registry/traits.js';
import { ownCopy, type StringPool } from '../support/strings.js';
import type { Settings } from './settings.js';

/** What another hit tells about a live session: the latest is shown, what was seen before is remembered. */
export class Sightings {
  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
    private readonly texts: StringPool,
    private readonly traits: TraitsPool,
  ) {}

  /**
   * Players tell their CMCD sid only from their second request on (hls.js 1.7, dash.js 5.2): a session that has had one
   * hit, of the same player, and knows no such name is the one that this name belongs to. False: it is not.
   */
  adopts(session: Session, namedBy: NamedBy, name: string): boolean {
    if (!session.traits.fresh) return false;
    if (session.namedBy === 'fingerprint') {
      rename(session, ownCopy(name), this.traits.share({ ...session.traits, namedBy }));
      return true;
    }
    return session.namedBy === 'token' && session.sid === undefined && session.playerSessionId === undefined;
  }

  /** It went by this name (as `nameKey` writes it) until now. */
  remember(session: Session, key: string): void {
    learnKey(session, key);
  }

  /** Most hits tell nothing new, and then this is a few comparisons. */
  note(session: Session, hit: HttpHit, ip: string, network: string): void {
    if (session.traits.fresh) session.traits = this.traits.share({ ...session.traits, fresh: false });
    if (hit.protocol !== session.protocol) this.changeProtocol(session, hit.protocol);
    if (hit.userAgent !== session.userAgent && hit.userAgent) this.changeUserAgent(session, hit.userAgent);
    if (hit.sid && hit.sid !== session.sid) this.changeSid(session, hit.sid);
    if (hit.playerSessionId) this.seePlayer(session, hit.playerSessionId);
    this.place(session, hit.stream, ip, network);
  }

  /** Where it is seen now. What its recipe already says is not compared again. */
  private place(session: Session, stream: string, ip: string, network: string): void {
    const { byAddress, byStream } = this.settings.recipes[session.traits.kind];
    // a policy may have said that it goes on from elsewhere
    const sameAddress = byAddress && ip === network && network === session.network;
    if (!sameAddress && ip !== session.ip) this.registry.addAddress(session, ownCopy(ip), network);
    if (!byStream && stream !== session.entry.code) this.registry.addStream(session, stream);
  }

  private changeProtocol(session: Session, raw: string): void {
    const protocol = this.texts.share(raw);
    const protocols = session.rare?.protocols ?? [session.protocol];
    session.changeProtocol(this.traits.share({ ...session.traits, protocol }), session.updatedAt);
    if (protocols.includes(protocol)) return;
    const gone = makeRoom(protocols);
    if (gone !== undefined) session.rare?.watchedMs?.delete(gone);
    protocols.push(protocol);
    session.rarities.protocols = protocols;
  }

  /** Shows the latest, remembers all. */
  private changeUserAgent(session: Session, userAgent: string): void {
    learnName(session, 'fingerprint', session.userAgent ?? '');
    session.userAgent = this.texts.share(userAgent);
    sharedHome(session)?.see(session, nameKey('fingerprint', session.userAgent));
  }

  private changeSid(session: Session, sid: string): void {
    if (session.namedBy === 'cmcd') return learnName(session, 'cmcd', sid);
    const rare = session.rarities;
    if (rare.sid !== undefined) learnName(session, 'cmcd', rare.sid);
    rare.sid = ownCopy(sid);
    sharedHome(session)?.see(session, nameKey('cmcd', sid));
  }

  private seePlayer(session: Session, id: string): void {
    if (session.playerSessionId === id) return;
    if (session.namedBy === 'playback-session') return learnName(session, 'playback-session', id);
    const rare = session.rarities;
    if (rare.playerSessionId !== undefined) learnName(session, 'playback-session', rare.playerSessionId);
    rare.playerSessionId = ownCopy(id);
    sharedHome(session)?.see(session, nameKey('playback-session', id));
  }
}
