import { nameKey } from '../identity/name.js';
import type { NamedBy } from '../model/play-session.js';
import { ownCopy } from '../support/strings.js';
import { GroupIndex } from './group-index.js';
import { MAX_LISTED, type Session } from './session.js';
import { ShardedMap } from './sharded-map.js';

/** Several sessions that only their names tell apart: the viewers behind one address on one stream. */
export class Household {
  readonly members = new Set<Session>();
  private readonly named = new Map<string, Session>();
  private readonly seen = new GroupIndex<Session>();

  add(session: Session): void {
    session.home = this;
    this.members.add(session);
    this.named.set(nameKey(session.namedBy, ownName(session)), session);
    for (const key of knownNames(session)) this.seen.add(key, session);
  }

  delete(session: Session): void {
    session.home = undefined;
    this.members.delete(session);
    const key = nameKey(session.namedBy, ownName(session));
    if (this.named.get(key) === session) this.named.delete(key);
    for (const name of knownNames(session)) this.seen.delete(name, session);
  }

  find(kind: NamedBy, name: string, aliases: boolean): Session | undefined {
    const key = nameKey(kind, name);
    const own = this.named.get(key);
    if (own !== undefined || !aliases) return own;
    return this.seen.size(key) === 1 ? this.seen.members(key)[0] : undefined;
  }

  see(session: Session, key: string): void {
    this.seen.add(key, session);
  }

  forget(session: Session, key: string): void {
    this.seen.delete(key, session);
  }
}

/** The households of one kind on one stream (or of one kind, where the recipe leaves the stream out). */
export class HouseholdTable {
  private readonly homes = new ShardedMap<Session | Household>();

  /**
   * The session that answers to this name: the one named so, else (`aliases`) the only one that was seen with it.
   * Where the recipe has no names a household has one member, and that is it.
   */
  find(household: string, byName: boolean, kind: NamedBy, name: string, aliases: boolean): Session | undefined {
    const home = this.homes.get(household);
    if (home === undefined) return undefined;
    if (home instanceof Household) return home.find(kind, name, aliases);
    if (!byName) return home;
    if (home.namedBy === kind) return ownName(home) === name ? home : undefined;
    return aliases && isSeenWith(home, kind, name) ? home : undefined;
  }

  add(household: string, session: Session): void {
    const home = this.homes.get(household);
    session.household = household;
    if (home === undefined) this.homes.set(household, session);
    else if (home instanceof Household) home.add(session);
    else {
      const shared = new Household();
      shared.add(home);
      shared.add(session);
      this.homes.set(household, shared);
    }
  }

  delete(session: Session): void {
    const household = session.household as string;
    const home = this.homes.get(household);
    if (session.home !== undefined) {
      const shared = session.home;
      shared.delete(session);
      if (shared.members.size !== 1) return;
      for (const last of shared.members) {
        shared.delete(last);
        if (home === shared) this.homes.set(household, last);
      }
    } else if (home === session) this.homes.delete(household);
  }
}

/** The name it was opened under. */
function ownName(session: Session): string {
  switch (session.namedBy) {
    case 'token':
      return session.token as string;
    case 'cmcd':
      return session.sid as string;
    case 'playback-session':
      return session.rare?.playerSessionId as string;
    default:
      return session.userAgent ?? '';
  }
}

function isSeenWith(session: Session, kind: NamedBy, name: string): boolean {
  if (kind === 'fingerprint' && (session.userAgent ?? '') === name) return true;
  if (kind === 'cmcd' && session.sid === name) return true;
  if (kind === 'playback-session' && session.rare?.playerSessionId === name) return true;
  return session.rare?.names?.includes(nameKey(kind, name)) ?? false;
}

/** Every name it was seen with. */
function knownNames(session: Session): string[] {
  const names = [nameKey('fingerprint', session.userAgent ?? ''), ...(session.rare?.names ?? [])];
  if (session.sid !== undefined) names.push(nameKey('cmcd', session.sid));
  if (session.rare?.playerSessionId !== undefined) {
    names.push(nameKey('playback-session', session.rare.playerSessionId));
  }
  return names;
}

/** Remembers another name for the session, the latest sixteen of them. */
export function learnName(session: Session, kind: NamedBy, name: string): void {
  const names = (session.rarities.names ??= []);
  const key = ownCopy(nameKey(kind, name));
  if (names.includes(key)) return;
  names.push(key);
  session.home?.see(session, key);
  if (names.length <= MAX_LISTED) return;
  const oldest = names.shift() as string;
  session.home?.forget(session, oldest);
}
