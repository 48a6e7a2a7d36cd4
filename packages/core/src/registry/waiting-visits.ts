import { MultiMap } from '../collections/multi-map.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { hashedName, type HashedName } from '../identity/name.js';
import { prefixed } from '../identity/recipe.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { Session } from '../session/session.js';

/** Behind one address there may be thousands with one player: nobody can tell which of them this is. */
const MAX_LOOKED_AT = 16;

/** Where a visit of an earlier process is found again. */
export interface FoundBy {
  /** The group of its identity, and what names that group; undefined: a connection of its own. */
  readonly group: string | undefined;
  readonly own: HashedName;
  /** Other names it was seen with. */
  readonly names: readonly HashedName[];
}

/**
 * The visits of an earlier process that may go on. They are in no list. Whoever would open looks here first, by what
 * stands for its names; a visit that has gone on is still found by the names that it has not been seen with since.
 */
export class WaitingVisits {
  private readonly waiting = new Map<string, Session>();
  private readonly own = new Map<string, Session>();
  private readonly any = new MultiMap<Session>();

  constructor(private readonly hash: KeyedHash) {}

  get size(): number {
    return this.waiting.size;
  }

  add(session: Session, { group, own, names }: FoundBy): void {
    this.waiting.set(session.id, session);
    const { kind, firstStream, protocol, network, userAgent = '', rare } = session;
    const place = group ?? connectionPlace(kind, firstStream, protocol, network);
    // Of connections several may go by the same.
    if (group === undefined) this.any.add(placed(place, own), session);
    else this.own.set(placed(place, own), session);
    for (const name of names) this.any.add(placed(place, name), session);
    if (group === undefined || rare?.userId === undefined || !rare.vouched) return;
    this.any.add(placed(place, this.renewed(rare.userId, userAgent)), session);
  }

  get(id: string): Session | undefined {
    return this.waiting.get(id);
  }

  has(session: Session): boolean {
    return this.waiting.get(session.id) === session;
  }

  /** It waits no longer. */
  release(session: Session): void {
    if (this.has(session)) this.waiting.delete(session.id);
  }

  values(): IterableIterator<Session> {
    return this.waiting.values();
  }

  /** Waiting or not: who had the name that this hit comes with, or is the only one that was seen with it. */
  named(resolved: ResolvedHit, aliases: boolean): Session | undefined {
    const { hit, namedBy, name, isConnection } = resolved;
    if (isConnection && hit.id !== undefined) return this.waiting.get(hit.id);
    const key = placed(placeOf(resolved), [namedBy, hashedName(namedBy, nameIn(hit, name, namedBy), this.hash)]);
    const own = this.own.get(key);
    if (resolved.groupKey === undefined) return this.any.only(key, MAX_LOOKED_AT, (session) => this.has(session));
    if (own?.isClosed === false) return own;
    return aliases ? this.any.only(key, MAX_LOOKED_AT, isOpen) : undefined;
  }

  /** The only one that waits and was seen with a name of this kind, if it passes the test. */
  only(resolved: ResolvedHit, kind: NamedBy, name: string, test: (session: Session) => boolean): Session | undefined {
    const key = placed(placeOf(resolved), [kind, hashedName(kind, name, this.hash)]);
    const isMeant = (session: Session): boolean => this.has(session) && test(session);
    const own = this.own.get(key);
    return own !== undefined && isMeant(own) ? own : this.any.only(key, MAX_LOOKED_AT, isMeant);
  }

  /** Somebody was seen with this name. */
  isTaken(resolved: ResolvedHit, kind: NamedBy, name: string): boolean {
    const key = placed(placeOf(resolved), [kind, hashedName(kind, name, this.hash)]);
    return this.own.get(key) !== undefined || this.any.size(key) > 0;
  }

  /** The only one of this user there, with this player, if it passes the test: its token has been renewed meanwhile. */
  ofUser(resolved: ResolvedHit, user: string, test: (session: Session) => boolean): Session | undefined {
    const key = placed(placeOf(resolved), this.renewed(user, resolved.userAgent ?? ''));
    return this.any.only(key, MAX_LOOKED_AT, (session) => this.has(session) && test(session));
  }

  private renewed(user: string, userAgent: string): HashedName {
    return ['user', this.hash.once(prefixed(user) + userAgent)];
  }
}

const isOpen = (session: Session): boolean => !session.isClosed;

const placed = (place: string, [kind, hashed]: HashedName): string => `${place} ${kind}:${hashed}`;

function nameIn({ userId, userAgent = '' }: HitFacts, name: string | undefined, namedBy: NamedBy): string {
  return name ?? (namedBy === 'user' ? userId : userAgent) ?? '';
}

function placeOf({ kind, stream, protocol, network, groupKey, recipe }: ResolvedHit): string {
  if (groupKey === undefined) return connectionPlace(kind, stream, protocol, network);
  return groupPlace(kind, recipe.signature, recipe.byStream ? stream : '', groupKey);
}

/** The group of a session, as it is written down. */
export const groupPlace = (kind: string, signature: string, stream: string, groupKey: string): string =>
  `${kind} ${signature} ${prefixed(stream)}${groupKey}`;

const connectionPlace = (kind: string, stream: string, protocol: string, network: string): string =>
  `${kind} connection ${prefixed(stream)}${prefixed(protocol)}${network}`;
