import type { KeyedHash } from '../identity/keyed-hash.js';
import { aliasKey, nameKey } from '../identity/name.js';
import type { NamedBy } from '../types/play-session.js';
import { ownCopy } from '../support/strings.js';
import { MultiMap } from '../collections/multi-map.js';
import { PairTable } from '../collections/pair-table.js';
import { MAX_LISTED, type Session } from '../session/session.js';
import type { SharedFields } from '../session/shared-fields.js';
import { ShardedMap } from '../collections/sharded-map.js';

/** The most sessions with the same name that are checked: behind one address there may be thousands with one player. */
const MAX_LOOKED_AT = 16;

/** Several sessions that only their names tell apart: the viewers behind one address on one stream. */
export class IdentityGroup {
  size = 0;
  private readonly named = new ShardedMap<Session>();
  /** Which sessions were seen with which names; undefined where sessions are not found by them. */
  private readonly seen: MultiMap<Session> | undefined;

  constructor(
    private readonly stream: string,
    readonly key: string,
    private readonly aliasable: boolean,
    private readonly hash: KeyedHash,
  ) {
    this.seen = aliasable ? new MultiMap<Session>() : undefined;
  }

  matches(stream: string, groupKey: string): boolean {
    return this.key === groupKey && this.stream === stream;
  }

  add(session: Session): void {
    session.group = this;
    this.size++;
    this.named.set(nameKey(session.namedBy, ownName(session)), session);
    if (this.aliasable) for (const key of knownNames(session, this.hash)) this.see(session, key);
  }

  delete(session: Session): void {
    this.size--;
    const key = nameKey(session.namedBy, ownName(session));
    if (this.named.get(key) === session) this.named.delete(key);
    if (this.aliasable) for (const name of knownNames(session, this.hash)) this.forget(session, name);
  }

  members(): IterableIterator<Session> {
    return this.named.values();
  }

  find(kind: NamedBy, name: string, aliases: boolean): Session | undefined {
    const own = this.named.get(nameKey(kind, name));
    if (own !== undefined || !aliases || this.seen === undefined) return own;
    // A viewer who is playing is named by most of its requests, so the session that was active last is not one whose viewer has
    // gone.
    return this.seen.best(
      aliasKey(kind, name, this.hash),
      MAX_LOOKED_AT,
      (one, other) => one.updatedAt >= other.updatedAt,
    );
  }

  findOnly(kind: NamedBy, name: string, test: (session: Session) => boolean): Session | undefined {
    const own = this.named.get(nameKey(kind, name));
    if (own !== undefined && test(own)) return own;
    return this.seen?.only(aliasKey(kind, name, this.hash), MAX_LOOKED_AT, test);
  }

  /** `key`: as returned by `aliasKey`. */
  see(session: Session, key: string): void {
    if (this.seen !== undefined) this.seen.add(this.seen.size(key) === 0 ? ownCopy(key) : key, session);
  }

  forget(session: Session, key: string): void {
    this.seen?.delete(key, session);
  }
}

/** The groups of one kind. `stream` is always '' where the recipe omits the stream. */
export class IdentityGroups {
  private readonly places = new PairTable<Session | IdentityGroup>();

  constructor(private readonly hash: KeyedHash) {}

  /**
   * The session that answers to this name: the one that bears it, otherwise (with `aliases`) the one that was seen with it, or
   * the most recently active of several. If the recipe has no names, the group's only member.
   */
  find(
    stream: string,
    groupKey: string,
    byName: boolean,
    kind: NamedBy,
    name: string,
    aliases: boolean,
  ): Session | undefined {
    const group = this.places.get(stream, groupKey);
    if (group === undefined) return undefined;
    if (group instanceof IdentityGroup) return group.find(kind, name, aliases);
    if (!byName) return group;
    if (group.namedBy === kind && ownName(group) === name) return group;
    return aliases && isSeenWith(group, kind, name, this.hash) ? group : undefined;
  }

  /** The session that bears this name, or the only one that was seen with it, provided it passes the test. */
  findOnly(
    stream: string,
    groupKey: string,
    kind: NamedBy,
    name: string,
    test: (session: Session) => boolean,
  ): Session | undefined {
    const group = this.places.get(stream, groupKey);
    if (group instanceof IdentityGroup) return group.findOnly(kind, name, test);
    return group !== undefined && isSeenWith(group, kind, name, this.hash) && test(group) ? group : undefined;
  }

  enter(stream: string, groupKey: string, session: Session, aliasable: boolean): void {
    const group = this.places.get(stream, groupKey);
    if (group instanceof IdentityGroup) group.add(session);
    else if (group === undefined) {
      session.group = groupKey;
      this.places.set(stream, groupKey, session);
    } else {
      const shared = new IdentityGroup(stream, groupKey, aliasable, this.hash);
      // first: it is found where its first member is
      this.places.set(stream, groupKey, shared);
      shared.add(group);
      shared.add(session);
    }
  }

  /** Also works for a session that is no longer found here, because its recipe has changed since. */
  leave(stream: string, session: Session): void {
    const { group } = session;
    if (group instanceof IdentityGroup) {
      group.delete(session);
      if (group.size === 1) this.dissolve(stream, group);
    } else if (typeof group === 'string') this.places.delete(stream, group, session);
  }

  /** Gives the group to its last member alone. */
  private dissolve(stream: string, groupKey: IdentityGroup): void {
    for (const last of groupKey.members()) {
      const isFound = this.places.get(stream, groupKey.key) === groupKey;
      groupKey.delete(last);
      last.group = groupKey.key;
      if (isFound) this.places.set(stream, groupKey.key, last);
    }
  }
}

/** The session goes by a better name from now on; it is still found by the names it was seen with. */
export function rename(session: Session, name: string, sharedFields: SharedFields): void {
  const group = sharedGroup(session);
  group?.delete(session);
  const { sid, playerSessionId } = session;
  if (session.namedBy === 'cmcd') session.rareFields.sid = sid;
  if (session.namedBy === 'playback-session') session.rareFields.playerSessionId = playerSessionId;
  session.name = name;
  session.sharedFields = sharedFields;
  group?.add(session);
}

/** The group that a session shares with others, if any. */
export const sharedGroup = (session: Session): IdentityGroup | undefined =>
  session.group instanceof IdentityGroup ? session.group : undefined;

/** The name it was opened under. */
const ownName = (session: Session): string => session.name ?? session.userAgent ?? '';

function isSeenWith(session: Session, kind: NamedBy, name: string, hash: KeyedHash): boolean {
  if (kind === 'fingerprint' && (session.userAgent ?? '') === name) return true;
  if (kind === 'cmcd' && session.sid === name) return true;
  if (kind === 'playback-session' && session.playerSessionId === name) return true;
  const names = session.rare?.names;
  return names !== undefined && names.includes(aliasKey(kind, name, hash));
}

/** Every name it was seen with besides its own, as returned by `aliasKey`. */
export function knownNames(session: Session, hash: KeyedHash): string[] {
  const names = [aliasKey('fingerprint', session.userAgent ?? '', hash), ...(session.rare?.names ?? [])];
  if (session.sid !== undefined) names.push(aliasKey('cmcd', session.sid, hash));
  if (session.playerSessionId !== undefined) names.push(aliasKey('playback-session', session.playerSessionId, hash));
  return names;
}

/** Remembers another name of the session, as returned by `aliasKey`, up to the sixteen latest. False: it was known. */
export function learnKey(session: Session, key: string): boolean {
  const names = (session.rareFields.names ??= []);
  if (names.includes(key)) return false;
  names.push(ownCopy(key));
  sharedGroup(session)?.see(session, key);
  const oldest = names.length > MAX_LISTED ? names.shift() : undefined;
  if (oldest !== undefined) sharedGroup(session)?.forget(session, oldest);
  return true;
}
