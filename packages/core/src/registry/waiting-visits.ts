import { TextIndex } from '../collections/text-index.js';
import { TextStore } from '../collections/text-store.js';
import type { KeyedHash } from '../identity/keyed-hash.js';
import { hashedName, type HashedName } from '../identity/name.js';
import { prefixed } from '../identity/recipe.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import type { HitFacts } from '../types/hit.js';
import type { NamedBy } from '../types/play-session.js';
import type { Session } from '../session/session.js';
import { WaitingRows, type Progress } from './waiting-rows.js';

/** The most visits checked per name: behind one address there may be thousands with one player, which nothing tells apart. */
const MAX_LOOKED_AT = 16;

/** The keys by which a visit of an earlier process is found again, as returned by `placed`. */
export interface FoundBy {
  /** By the name it goes by; undefined: it is a connection of its own, and several may share a name. */
  readonly own: string | undefined;
  /** By other names it was seen with. */
  readonly others: readonly string[];
}

/** The form in which a visit was stored. */
export interface VisitRecord {
  readonly id: string;
}

/** Reads such records. */
export interface VisitReader<R extends VisitRecord> {
  foundBy(record: R): FoundBy;
  toSession(record: R): Session;
  setProgress(session: Session, progress: Progress): void;
}

/**
 * The visits of an earlier process that may be continued. They are in no list. A hit that would open a session is first looked up
 * here, by the hashes of its names; a visit that was continued is still found by names it has not been seen with since.
 *
 * Until it is looked up, a visit remains the text it was stored as: a hundred thousand sessions at once would keep the garbage
 * collector busy for a second, and most are looked up one by one.
 */
export class WaitingVisits<R extends VisitRecord = VisitRecord> {
  size = 0;
  private readonly texts = new TextStore();
  private readonly rows = new WaitingRows();
  private readonly ids = new TextIndex();
  private readonly own = new TextIndex();
  private readonly any = new TextIndex(MAX_LOOKED_AT);
  /** Visits that have been looked up, by row. */
  private readonly sessions = new Map<number, Session>();

  constructor(
    private readonly hash: KeyedHash,
    private readonly reader: VisitReader<R>,
  ) {}

  add(record: R): void {
    const row = this.rowOf(record.id);
    this.texts.set(row, JSON.stringify(record));
    const { own, others } = this.reader.foundBy(record);
    if (own !== undefined) this.own.set(own, row);
    for (const key of others) this.any.add(key, row);
    this.rows.setWaiting(row, true);
    this.size++;
  }

  /** Sets the progress of a visit, which may be added later. */
  setProgress(id: string, progress: Progress): void {
    this.rows.setProgress(this.rowOf(id), progress);
  }

  get(id: string): Session | undefined {
    const row = this.ids.get(id);
    if (row === undefined || !this.rows.isWaiting(row)) return undefined;
    const session = this.sessions.get(row) ?? this.keep(row, this.recordOf(row));
    return session.id === id ? session : undefined;
  }

  has(session: Session): boolean {
    return this.get(session.id) === session;
  }

  /** The visit no longer waits. */
  release({ id }: Session): void {
    const row = this.ids.get(id);
    if (row === undefined || !this.rows.isWaiting(row)) return;
    this.rows.setWaiting(row, false);
    this.size--;
  }

  /** The waiting visits whose records contain each of the texts; without texts, all of them. */
  *mentioning(...texts: readonly string[]): Generator<Session> {
    const parts = texts.map((text) => Buffer.from(JSON.stringify(text).slice(1, -1)));
    for (let row = 0; row < this.rows.size; row++) {
      if (!this.rows.isWaiting(row) || !parts.every((part) => this.texts.includes(row, part))) continue;
      yield this.sessions.get(row) ?? this.make(row, this.recordOf(row));
    }
  }

  /** The visit, waiting or not, that had the name of this hit, or is the only one that was seen with it. */
  named(resolved: ResolvedHit, aliases: boolean): Session | undefined {
    const { hit, namedBy, name, isConnection } = resolved;
    if (isConnection && hit.id !== undefined) return this.get(hit.id);
    const key = placed(placeOf(resolved), [namedBy, hashedName(namedBy, nameIn(hit, name, namedBy), this.hash)]);
    if (resolved.groupKey === undefined) return this.onlyOf(key, (session) => this.has(session));
    const own = this.ownOf(key);
    if (own?.isClosed === false) return own;
    return aliases ? this.onlyOf(key, isOpen) : undefined;
  }

  /** The only waiting visit that was seen with a name of this kind, if it passes the test. */
  only(resolved: ResolvedHit, kind: NamedBy, name: string, test: (session: Session) => boolean): Session | undefined {
    const key = placed(placeOf(resolved), [kind, hashedName(kind, name, this.hash)]);
    const isMeant = (session: Session): boolean => this.has(session) && test(session);
    const own = this.ownOf(key);
    return own !== undefined && isMeant(own) ? own : this.onlyOf(key, isMeant);
  }

  /** True when some visit was seen with this name. */
  isTaken(resolved: ResolvedHit, kind: NamedBy, name: string): boolean {
    const key = placed(placeOf(resolved), [kind, hashedName(kind, name, this.hash)]);
    return this.own.get(key) !== undefined || this.any.get(key) !== undefined;
  }

  /** The only visit of this user there with this player, if it passes the test: its token has been renewed meanwhile. */
  ofUser(resolved: ResolvedHit, user: string, test: (session: Session) => boolean): Session | undefined {
    const key = placedUser(placeOf(resolved), user, resolved.userAgent ?? '');
    return this.onlyOf(key, (session) => this.has(session) && test(session));
  }

  private ownOf(key: string): Session | undefined {
    const row = this.own.get(key);
    return row === undefined ? undefined : this.at(row, key);
  }

  /** The only visit found by this key that passes the test; undefined if there are several, or could be. */
  private onlyOf(key: string, test: (session: Session) => boolean): Session | undefined {
    const rows = this.any.all(key);
    if (rows.length > MAX_LOOKED_AT) return undefined;
    const found = rows.map((row) => this.at(row, key)).filter((session) => session !== undefined && test(session));
    return found.length === 1 ? found[0] : undefined;
  }

  /** The visit of a row, if this key finds it; undefined also for one that is over. */
  private at(row: number, key: string): Session | undefined {
    const known = this.sessions.get(row);
    if (known === undefined && !this.rows.isWaiting(row)) return undefined;
    const record = this.recordOf(row);
    const { own, others } = this.reader.foundBy(record);
    if (own !== key && !others.includes(key)) return undefined;
    return known ?? this.keep(row, record);
  }

  private recordOf(row: number): R {
    return JSON.parse(this.texts.get(row)) as R;
  }

  private keep(row: number, record: R): Session {
    const session = this.make(row, record);
    this.sessions.set(row, session);
    return session;
  }

  private make(row: number, record: R): Session {
    const session = this.reader.toSession(record);
    const progress = this.rows.progressOf(row);
    if (progress !== undefined) this.reader.setProgress(session, progress);
    return session;
  }

  private rowOf(id: string): number {
    const known = this.ids.get(id);
    if (known !== undefined) return known;
    const row = this.rows.add();
    this.ids.set(id, row);
    return row;
  }
}

const isOpen = (session: Session): boolean => !session.isClosed;

/** The key by which a visit with this name is found. */
export const placed = (place: string, [kind, hashed]: HashedName): string => `${place} ${kind}:${hashed}`;

/** The key by which a visit whose token may have been renewed is found. */
export const placedUser = (place: string, user: string, userAgent: string): string =>
  `${place} renewed:${prefixed(user)}${userAgent}`;

function nameIn({ userId, userAgent = '' }: HitFacts, name: string | undefined, namedBy: NamedBy): string {
  return name ?? (namedBy === 'user' ? userId : userAgent) ?? '';
}

function placeOf({ kind, stream, protocol, network, groupKey, recipe }: ResolvedHit): string {
  if (groupKey === undefined) return connectionPlace(kind, stream, protocol, network);
  return groupPlace(kind, recipe.signature, recipe.byStream ? stream : '', groupKey);
}

/** The group of a session, as it is stored. */
export const groupPlace = (kind: string, signature: string, stream: string, groupKey: string): string =>
  `${kind} ${signature} ${prefixed(stream)}${groupKey}`;

/** The same for a connection that is a session of its own. */
export const connectionPlace = (kind: string, stream: string, protocol: string, network: string): string =>
  `${kind} connection ${prefixed(stream)}${prefixed(protocol)}${network}`;
