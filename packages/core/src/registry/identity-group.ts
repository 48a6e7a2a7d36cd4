import { aliasKey, nameKey } from '../identity/name.js';
import type { NamedBy } from '../types/play-session.js';
import { ownCopy } from '../support/strings.js';
import { GroupIndex } from '../collections/multi-map.js';
import { PlaceTable } from '../collections/hash-table.js';
import { MAX_LISTED, type Session } from '../session/session.js';
import type { Traits } from '../session/shared-fields.js';
import { ShardedMap } from '../collections/sharded-map.js';

/** So many of those who share a name are looked at: behind one address there may be thousands with one player. */
const MAX_LOOKED_AT = 16;

/** Several sessions that only their names tell apart: the viewers behind one address on one stream. */
export class Household {
  size = 0;
  private readonly named = new ShardedMap<Session>();
  /** Who was seen with which names; not kept where nobody is found by them. */
  private readonly seen: GroupIndex<Session> | undefined;

  constructor(
    private readonly stream: string,
    readonly key: string,
    private readonly aliasable: boolean,
  ) {
    this.seen = aliasable ? new GroupIndex<Session>() : undefined;
  }

  isAt(stream: string, household: string): boolean {
    return this.key === household && this.stream === stream;
  }

  add(session: Session): void {
    session.home = this;
    this.size++;
    this.named.set(nameKey(session.namedBy, ownName(session)), session);
    if (this.aliasable) for (const key of knownNames(session)) this.see(session, key);
  }

  delete(session: Session): void {
    this.size--;
    const key = nameKey(session.namedBy, ownName(session));
    if (this.named.get(key) === session) this.named.delete(key);
    if (this.aliasable) for (const name of knownNames(session)) this.forget(session, name);
  }

  members(): IterableIterator<Session> {
    return this.named.values();
  }

  find(kind: NamedBy, name: string, aliases: boolean): Session | undefined {
    const own = this.named.get(nameKey(kind, name));
    if (own !== undefined || !aliases || this.seen === undefined) return own;
    // Who plays is named by most of its requests: the one that was active last is not one that has gone.
    return this.seen.best(aliasKey(kind, name), MAX_LOOKED_AT, (one, other) => one.updatedAt >= other.updatedAt);
  }

  findOnly(kind: NamedBy, name: string, test: (session: Session) => boolean): Session | undefined {
    const own = this.named.get(nameKey(kind, name));
    return own !== undefined && test(own) ? own : this.seen?.only(aliasKey(kind, name), MAX_LOOKED_AT, test);
  }

  /** `key`: as `aliasKey` writes it. */
  see(session: Session, key: string): void {
    if (this.seen !== undefined) this.seen.add(this.seen.size(key) === 0 ? ownCopy(key) : key, session);
  }

  forget(session: Session, key: string): void {
    this.seen?.delete(key, session);
  }
}

/** The households of one kind. `stream` is '' throughout where the recipe leaves the stream out. */
export class HouseholdTable {
  private readonly homes = new PlaceTable<Session | Household>();

  /**
   * The session that answers to this name: the one named so, else (`aliases`) the one that was seen with it, of several
   * the one that was active last. Where the recipe has no names a household has one member, and that is it.
   */
  find(
    stream: string,
    household: string,
    byName: boolean,
    kind: NamedBy,
    name: string,
    aliases: boolean,
  ): Session | undefined {
    const home = this.homes.get(stream, household);
    if (home === undefined) return undefined;
    if (home instanceof Household) return home.find(kind, name, aliases);
    if (!byName) return home;
    if (home.namedBy === kind && ownName(home) === name) return home;
    return aliases && isSeenWith(home, kind, name) ? home : undefined;
  }

  /** The session named so, or the only one that was seen with this name, as far as they pass the test. */
  findOnly(
    stream: string,
    household: string,
    kind: NamedBy,
    name: string,
    test: (session: Session) => boolean,
  ): Session | undefined {
    const home = this.homes.get(stream, household);
    if (home instanceof Household) return home.findOnly(kind, name, test);
    return home !== undefined && isSeenWith(home, kind, name) && test(home) ? home : undefined;
  }

  enter(stream: string, household: string, session: Session, aliasable: boolean): void {
    const home = this.homes.get(stream, household);
    if (home instanceof Household) home.add(session);
    else if (home === undefined) {
      session.home = household;
      this.homes.set(stream, household, session);
    } else {
      const shared = new Household(stream, household, aliasable);
      // first: it is found by where its first member is
      this.homes.set(stream, household, shared);
      shared.add(home);
      shared.add(session);
    }
  }

  /** Also for one that is no longer found here, because its recipe has changed since. */
  leave(stream: string, session: Session): void {
    const { home } = session;
    if (home instanceof Household) {
      home.delete(session);
      if (home.size === 1) this.dissolve(stream, home);
    } else if (typeof home === 'string' && this.homes.get(stream, home) === session) this.homes.delete(stream, home);
  }

  /** The last member has the household for itself. */
  private dissolve(stream: string, household: Household): void {
    for (const last of household.members()) {
      const isFound = this.homes.get(stream, household.key) === household;
      household.delete(last);
      last.home = household.key;
      if (isFound) this.homes.set(stream, household.key, last);
    }
  }
}

/** The session goes by a better name from now on; it is still found by what it was seen with. */
export function rename(session: Session, name: string, traits: Traits): void {
  const home = sharedHome(session);
  home?.delete(session);
  const { sid, playerSessionId } = session;
  if (session.namedBy === 'cmcd') session.rarities.sid = sid;
  if (session.namedBy === 'playback-session') session.rarities.playerSessionId = playerSessionId;
  session.name = name;
  session.traits = traits;
  home?.add(session);
}

/** The household a session shares with others, if it does. */
export const sharedHome = (session: Session): Household | undefined =>
  session.home instanceof Household ? session.home : undefined;

/** The name it was opened under. */
const ownName = (session: Session): string => session.name ?? session.userAgent ?? '';

function isSeenWith(session: Session, kind: NamedBy, name: string): boolean {
  if (kind === 'fingerprint' && (session.userAgent ?? '') === name) return true;
  if (kind === 'cmcd' && session.sid === name) return true;
  if (kind === 'playback-session' && session.playerSessionId === name) return true;
  const names = session.rare?.names;
  return names !== undefined && names.includes(aliasKey(kind, name));
}

/** Every name it was seen with besides its own, as `aliasKey` writes them. */
export function knownNames(session: Session): string[] {
  const names = [aliasKey('fingerprint', session.userAgent ?? ''), ...(session.rare?.names ?? [])];
  if (session.sid !== undefined) names.push(aliasKey('cmcd', session.sid));
  if (session.playerSessionId !== undefined) names.push(aliasKey('playback-session', session.playerSessionId));
  return names;
}

/** Remembers another name for the session, the latest sixteen of them. */
export function learnName(session: Session, kind: NamedBy, name: string): void {
  learnKey(session, aliasKey(kind, name));
}

/** The same of a name as `aliasKey` writes it. */
export function learnKey(session: Session, key: string): void {
  const names = (session.rarities.names ??= []);
  if (names.includes(key)) return;
  names.push(ownCopy(key));
  sharedHome(session)?.see(session, key);
  if (names.length <= MAX_LISTED) return;
  const oldest = names.shift() as string;
  sharedHome(session)?.forget(session, oldest);
}
