import type { KeyedHash } from '../identity/keyed-hash.js';
import type { Recipe } from '../identity/recipe.js';
import type { SessionKind } from '../types/kinds.js';
import type { NamedBy, SessionFilter } from '../types/play-session.js';
import { ownCopy } from '../support/strings.js';
import type { ClosedSessions, Row } from './closed-sessions.js';
import { MultiMap } from '../collections/multi-map.js';
import { OpeningTimes } from './opening-times.js';
import { setHot } from '../session/hot-fields.js';
import { makeRoom, type Session } from '../session/session.js';
import type { SharedFields } from '../session/shared-fields.js';
import type { SessionJournal } from './session-journal.js';
import { ShardedMap } from '../collections/sharded-map.js';
import { SessionList } from './session-list.js';
import { IdentityGroups } from './identity-group.js';
import type { Sources } from './listing.js';
import { changeProtocol } from '../session/watch-time.js';
import { LiveStreams } from './live-streams.js';
import type { StreamEntry } from './stream-entry.js';
import { SessionIndex } from './session-index.js';

/** The sole owner of live sessions, which it finds by id, identity, stream, address and user. Decides nothing. */
export class Registry {
  readonly live = new SessionList<Session>();
  /** Sessions to which nothing has been served yet. They can be found, but are in no list. */
  readonly unserved = new SessionIndex<Session>();
  readonly liveStreams = new LiveStreams();
  readonly openingTimes = new OpeningTimes();
  /** Undefined: nothing outlives the process. */
  journal: SessionJournal | undefined = undefined;
  /** Is told of the same changes, for a cluster. */
  onChange: ((session: Session, isNew: boolean) => void) | undefined = undefined;
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  private readonly ids = new ShardedMap<Session>();
  private readonly byNetwork = new MultiMap<Session>();
  private readonly byUser = new MultiMap<Session>();
  private readonly groups: Record<SessionKind, IdentityGroups>;

  constructor(
    readonly closed: ClosedSessions,
    private readonly hash: KeyedHash,
  ) {
    const groups = (): IdentityGroups => new IdentityGroups(hash);
    this.groups = { viewer: groups(), input: groups(), output: groups(), unspecified: groups() };
  }

  get(id: string): Session | undefined {
    return this.ids.get(id);
  }

  /** The session that this hit belongs to, if it is live. */
  find(
    recipe: Recipe,
    stream: string,
    groupKey: string,
    kind: NamedBy,
    name: string,
    aliases: boolean,
  ): Session | undefined {
    const { byStream, byName } = recipe;
    return this.groups[recipe.kind].find(byStream ? stream : '', groupKey, byName, kind, name, aliases);
  }

  /** The only session there that this name can mean, if it passes the test. */
  findOnly(
    recipe: Recipe,
    stream: string,
    groupKey: string,
    kind: NamedBy,
    name: string,
    test: (session: Session) => boolean,
  ): Session | undefined {
    return this.groups[recipe.kind].findOnly(recipe.byStream ? stream : '', groupKey, kind, name, test);
  }

  /**
   * @param groupKey The group according to the recipe; undefined for a connection that is a session of its own.
   * @param mayBeBack False: the id is fresh.
   */
  add(session: Session, recipe: Recipe, groupKey: string | undefined, mayBeBack = true): void {
    this.ids.set(session.id, session);
    if (session.rare?.userId !== undefined) this.byUser.add(session.rare.userId, session);
    for (const network of session.rare?.networks ?? [session.network]) this.byNetwork.add(network, session);
    if (session.isUnserved) this.unserved.insert(session);
    else this.enlist(session, mayBeBack);
    if (groupKey === undefined) return;
    const stream = recipe.byStream ? session.stream : '';
    this.groups[recipe.kind].enter(stream, groupKey, session, recipe.aliasable);
  }

  /** Something has been served to the session: from now on it is visible. */
  show(session: Session): void {
    this.unserved.delete(session);
    setHot(session, 'onServed', undefined);
    // another viewer may have made the stream live meanwhile
    session.entry = this.liveStreams.entryFor(session.stream);
    this.enlist(session);
  }

  delete(session: Session, recipe: Recipe): void {
    this.ids.delete(session.id);
    const { rare } = session;
    this.byNetwork.delete(session.network, session);
    if (rare?.networks !== undefined) for (const network of rare.networks) this.byNetwork.delete(network, session);
    if (rare?.userId !== undefined) this.byUser.delete(rare.userId, session);
    if (session.group !== undefined) {
      this.groups[recipe.kind].leave(recipe.byStream ? session.stream : '', session);
    }
    if (session.isUnserved) this.unserved.delete(session);
    else this.delist(session);
  }

  /** What the session is found or described by has changed. */
  noteChange(session: Session): void {
    session.hasNewDetails = true;
    if (this.journal === undefined && this.onChange === undefined) return;
    if (session.isUnserved || session.isClosed) return;
    this.journal?.changed(session);
    this.onChange?.(session, false);
  }

  /** From now on the session is another visit, under which it is found and listed. */
  reopen(session: Session, id: string, openedAt: number): void {
    const { isUnserved } = session;
    const lists = isUnserved ? [this.unserved] : [this.live, ...[...this.liveStreams.of(session)].map(visitsOf)];
    for (const list of lists) list.delete(session);
    this.ids.delete(session.id);
    if (!isUnserved) this.journal?.gone(session);
    session.id = id;
    session.openedAt = openedAt;
    this.ids.set(id, session);
    for (const list of lists) list.insert(session);
    if (isUnserved) return;
    this.closed.supersede(id);
    this.journal?.changed(session);
  }

  /** The session has ended, but lists still show it for a while. `mayBeBack`: false if no transport was cut for it. */
  retire(visit: Row, mayBeBack = true): void {
    this.closed.add(visit, mayBeBack && this.ids.get(visit.id) !== undefined);
  }

  /** The session is seen on another stream, because its recipe omits the stream. */
  addStream(session: Session, stream: string): void {
    const { isUnserved, rareFields } = session;
    const streams = (rareFields.streams ??= [session.stream]);
    if (!streams.includes(stream)) {
      if (isUnserved) this.unserved.delete(session);
      const gone = makeRoom(streams);
      if (gone !== undefined && !isUnserved) this.liveStreams.leave(session, this.liveStreams.get(gone));
      const entry = this.liveStreams.entryFor(ownCopy(stream));
      streams.push(entry.code);
      if (isUnserved) this.unserved.insert(session);
      else this.liveStreams.enter(session, entry);
    }
    session.entry = this.liveStreams.entryFor(stream);
    this.noteChange(session);
  }

  /** The session uses another protocol from now on. */
  changeProtocol(session: Session, sharedFields: SharedFields): void {
    const { kind, protocol } = session;
    changeProtocol(session, sharedFields, session.updatedAt);
    if (session.isUnserved || session.isClosed) return; // in no list, and counted nowhere
    for (const entry of this.liveStreams.of(session)) {
      entry.count(kind, protocol, -1);
      entry.count(kind, session.protocol, 1);
    }
    this.noteChange(session);
  }

  /** The session is seen from another address, because its recipe omits the address. */
  addAddress(session: Session, ip: string, network: string): void {
    const { rareFields } = session;
    const ips = (rareFields.ips ??= [session.ip]);
    const networks = (rareFields.networks ??= [session.network]);
    session.ip = ip;
    this.noteChange(session);
    if (ips.includes(ip)) return;
    makeRoom(ips);
    const gone = makeRoom(networks);
    if (gone !== undefined && !networks.includes(gone)) this.byNetwork.delete(gone, session);
    ips.push(ip);
    networks.push(ownCopy(network));
    this.byNetwork.add(network, session);
  }

  /** Moves the session to another group, because it goes by another name. */
  moveToGroup(session: Session, recipe: Recipe, groupKey: string, rename: () => void): void {
    const stream = recipe.byStream ? session.stream : '';
    this.groups[recipe.kind].leave(stream, session);
    rename();
    this.groups[recipe.kind].enter(stream, groupKey, session, recipe.aliasable);
    this.noteChange(session);
  }

  /** What counts as one network has changed for IPv6. Walks all live sessions. */
  placeAgain(networkOf: (ip: string) => string): void {
    for (const session of this.liveOf()) {
      const { ips, rare } = session;
      if (!ips.some((ip) => ip.includes(':'))) continue;
      for (const network of rare?.networks ?? [session.network]) this.byNetwork.delete(network, session);
      const networks = ips.map(networkOf);
      session.network = networks[0] as string;
      if (rare?.networks !== undefined) rare.networks = networks;
      for (const network of networks) this.byNetwork.add(network, session);
    }
  }

  setUser(session: Session, userId: string): void {
    const rare = session.rareFields;
    if (rare.userId === userId) return;
    if (rare.userId !== undefined) this.byUser.delete(rare.userId, session);
    rare.userId = userId;
    this.byUser.add(userId, session);
    this.noteChange(session);
  }

  /** Live sessions of this kind can no longer be found by the recipe they were made with. */
  forgetGroups(kind: SessionKind): void {
    this.groups[kind] = new IdentityGroups(this.hash);
  }

  countOfNetwork(network: string): number {
    return this.byNetwork.size(network);
  }

  liveOfNetwork(network: string): Session[] {
    return this.byNetwork.members(network);
  }

  liveOfUser(user: string): Session[] {
    return this.byUser.members(user);
  }

  /** The oldest live session, listed or not. */
  firstLive(): Session | undefined {
    return this.live.first() ?? this.unserved.of(undefined).first();
  }

  /** The live sessions that are visible. */
  listed(): Session[] {
    const found: Session[] = [];
    this.live.walk(undefined, (session) => void found.push(session));
    return found;
  }

  /** The live sessions of a stream, or all of them, listed or not. A copy, so that the caller may close them while iterating. */
  liveOf(stream?: string): Session[] {
    const listed = stream === undefined ? this.live : this.liveStreams.get(stream)?.visits;
    const found: Session[] = [];
    for (const visits of [listed, this.unserved.of(stream)]) {
      visits?.walk(undefined, (session) => void found.push(session));
    }
    return found;
  }

  /**
   * The lists that contain the rows for this filter. `unserved`: including sessions that are not listed yet; `few`: the live ones
   * to look at instead of all of them.
   */
  sources({ status, stream, visits }: SessionFilter, unserved: boolean, few?: SessionList<Session>): Sources {
    const live = few ?? (stream ? this.liveStreams.get(stream)?.visits : this.live);
    const chosen: (SessionList<Session> | SessionList<Row> | undefined)[] = [
      status === 'closed' ? undefined : live,
      status === 'active' ? undefined : this.closed.latest.of(stream),
      status === 'active' || visits !== 'all' ? undefined : this.closed.superseded.of(stream),
      few === undefined && unserved && status !== 'closed' && this.unserved.size > 0
        ? this.unserved.of(stream)
        : undefined,
    ];
    return chosen.filter((visits) => visits !== undefined);
  }

  private enlist(session: Session, mayBeBack = true): void {
    if (mayBeBack) this.closed.supersede(session.id);
    this.live.insert(session);
    this.counts[session.kind]++;
    const { streams } = session.rare ?? {};
    if (streams === undefined) this.liveStreams.enter(session, entryOf(session));
    else for (const stream of streams) this.liveStreams.enter(session, this.liveStreams.entryFor(stream));
    this.journal?.changed(session);
    this.onChange?.(session, true);
  }

  private delist(session: Session): void {
    this.live.delete(session);
    this.counts[session.kind]--;
    const { streams } = session.rare ?? {};
    if (streams === undefined) this.liveStreams.leave(session, entryOf(session));
    else for (const stream of streams) this.liveStreams.leave(session, this.liveStreams.get(stream));
    this.journal?.gone(session);
  }
}

/** Every session gets its stream from `liveStreams.entryFor`, whose full type only the registry needs. */
const entryOf = (session: Session): StreamEntry => session.entry as StreamEntry;

const visitsOf = ({ visits }: StreamEntry): SessionList<Session> => visits;
