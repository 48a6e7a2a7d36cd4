import { randomUUID } from 'node:crypto';
import { alreadyExists, badSession, conflict, notFound, stopped } from '../errors.js';
import {
  changeRecord,
  decodeRecord,
  encodeData,
  encodeRecord,
  isSame,
  type Changes,
  type SessionRecord,
} from '../record/record.js';
import { makeSession, restoreSession } from '../session/make-session.js';
import { changesOf, Session, setSaved, setStored, stateOf, type Holder, type SessionType } from '../session/session.js';
import { idOf, needId } from '../session/session-id.js';
import type { Storage, StoredSession } from '../storage/storage.js';
import { HeldSessions } from './held-sessions.js';
import type { ManagerSettings } from './options.js';
import { Sweep } from './sweep.js';

/** Attempts when others change the same session concurrently. */
const TRIES = 5;

/**
 * Sessions with a TTL, wherever they are stored. Each object returned is a copy of what is stored, except for one that has
 * something open on this node, such as an SSE client: that is always the same. While the storage is unreachable, every call
 * rejects with its error.
 */
export class SessionManager<S extends Session> {
  private readonly storage: Storage;
  private readonly held: HeldSessions;
  private readonly sweep: Sweep;
  private ending: Promise<void> | undefined;

  constructor(private readonly settings: ManagerSettings) {
    this.storage = settings.storage;
    this.held = new HeldSessions(settings.warn);
    this.sweep = new Sweep(settings, this.held, (id) => this.read(id));
  }

  async addWithId(id: string): Promise<S> {
    this.needRunning();
    const known = needId(id);
    const session = this.settings.make(known);
    if (!(session instanceof Session)) throw badSession('The factory has to return a session.');
    const now = this.settings.clock.now();
    Object.assign(stateOf(session), { createdAt: now, updatedAt: now });
    await this.addSession(session);
    return session as S;
  }

  async create(type?: SessionType): Promise<S> {
    if (type === undefined) return this.addWithId(randomUUID());
    const session = makeSession(randomUUID(), type, this.settings.clock.now());
    await this.addSession(session);
    return session as S;
  }

  async addSession(session: Session): Promise<void> {
    this.needRunning();
    const { text, record, ttlMs } = this.encode(session);
    if (!(await this.storage.create(record.id, text, ttlMs))) throw alreadyExists(record.id);
    this.adopt(session, record, text);
  }

  async upsertSession(session: Session): Promise<void> {
    this.needRunning();
    const { text, record, ttlMs } = this.encode(session);
    for (let tries = 0; tries < TRIES; tries++) {
      const isStored =
        (await this.storage.update(record.id, text, { ttlMs })) === 'updated' ||
        (await this.storage.create(record.id, text, ttlMs));
      if (isStored) return this.adopt(session, record, text);
    }
    throw conflict(record.id, TRIES);
  }

  async get(id: string): Promise<Session | undefined> {
    this.needRunning();
    const known = idOf(id);
    if (known === undefined) return undefined;
    const stored = await this.storage.load(known, this.settings.ttlMs);
    const record = stored && decode(known, stored);
    if (stored === undefined || record === undefined || this.isOver(record)) {
      await this.expire(known, stored);
      return undefined;
    }
    if (this.settings.maxLifetimeMs !== Infinity) await this.shorten(record, stored);
    const session = this.give(record, stored.text);
    session.touch();
    return session;
  }

  async getOrThrow(id: string): Promise<Session> {
    const session = await this.get(id);
    if (session === undefined) throw notFound();
    return session;
  }

  async peek(id: string): Promise<Session | undefined> {
    this.needRunning();
    const known = idOf(id);
    const found = known && (await this.read(known));
    return found ? this.give(found.record, found.text) : undefined;
  }

  async update(session: Session): Promise<boolean> {
    this.needRunning();
    const { id } = needSession(session);
    const changes = changesOf(session);
    const { record: base, text: baseText } = stateOf(session);
    let found = base && baseText !== undefined ? { record: base, text: baseText } : await this.read(id);
    for (let tries = 0; tries < TRIES; tries++) {
      // the session that was read is gone, or another one has replaced it: neither is overwritten
      if (found === undefined || (base !== undefined && !isSame(base, found.record))) return false;
      const text = changeRecord(found.text, found.record, changes);
      const ttlMs = this.ttlOf(found.record.createdAt);
      if (ttlMs <= 0) return false;
      const result = await this.storage.update(id, text, { expected: found.text, ttlMs });
      if (result === 'absent') return false;
      if (result === 'updated') {
        this.saved(session, changes, text);
        return true;
      }
      found = await this.read(id);
    }
    throw conflict(id, TRIES);
  }

  async touch(id: string): Promise<boolean> {
    const session = await this.peek(id);
    if (session === undefined) return false;
    session.touch();
    return this.update(session);
  }

  async delete(id: string): Promise<boolean> {
    this.needRunning();
    const known = needId(id);
    const wasThere = await this.storage.delete(known);
    this.held.close(known);
    return wasThere;
  }

  async count(): Promise<number> {
    this.needRunning();
    return this.storage.count();
  }

  async range(visit: (id: string, session: Session) => unknown): Promise<void> {
    this.needRunning();
    await this.storage.range((id, stored) => {
      const record = decode(id, stored);
      if (this.isOver(record)) return true;
      return visit(id, this.give(record, stored.text));
    });
  }

  stop(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private async end(): Promise<void> {
    this.held.closeAll();
    await this.sweep.stop();
    await this.storage.close();
  }

  private needRunning(): void {
    if (this.ending !== undefined) throw stopped();
  }

  /** What is stored, without refreshing it. */
  private async read(id: string): Promise<{ record: SessionRecord; text: string } | undefined> {
    const stored = await this.storage.peek(id);
    if (stored === undefined) return undefined;
    const record = decode(id, stored);
    return this.isOver(record) ? undefined : { record, text: stored.text };
  }

  /** Whether the session has reached its maximum lifetime. */
  private isOver({ createdAt }: SessionRecord): boolean {
    const { maxLifetimeMs, clock } = this.settings;
    return maxLifetimeMs !== Infinity && createdAt + maxLifetimeMs <= clock.now();
  }

  /** The object on this node that has something open, otherwise a new one. */
  private give(record: SessionRecord, text: string): Session {
    const held = this.held.get(record.id);
    const base = held && stateOf(held).record;
    if (held !== undefined && base !== undefined) {
      if (stateOf(held).text === text) return held;
      if (isSame(base, record)) {
        setStored(held, record, text);
        return held;
      }
      this.held.close(record.id, held);
    }
    const session = restoreSession(record, text, this.settings.factory);
    this.bind(session);
    return session;
  }

  private bind(session: Session): void {
    const state = stateOf(session);
    state.now = this.now;
    state.holder = this.holder;
  }

  private readonly holder: Holder = {
    hold: (session) => (this.ending === undefined ? this.held.add(session) : session.close()),
    release: (session) => this.held.release(session),
  };

  private readonly now = (): number => this.settings.clock.now();

  /** It was stored in this form: from now on it is the session with its id. */
  private adopt(session: Session, record: SessionRecord, text: string): void {
    const { metadata } = stateOf(session);
    setStored(session, record, text);
    setSaved(session, { metadata: metadata ?? new Map() });
    this.bind(session);
    // stopped while it was being stored
    if (this.ending === undefined) this.held.add(session);
    else session.close();
  }

  private saved(session: Session, changes: Changes, text: string): void {
    setStored(session, decodeRecord(session.id, text), text);
    setSaved(session, changes);
  }

  private encode(session: Session): { record: SessionRecord; text: string; ttlMs: number } {
    const { id, type, createdAt, updatedAt, metadata, data } = needSession(session);
    const ttlMs = this.ttlOf(createdAt);
    if (ttlMs <= 0) throw badSession(`Session ${id} is older than maxLifetimeMs allows: it has expired.`);
    const nonce = randomUUID();
    const text = encodeRecord({ id, type, createdAt, updatedAt, metadata, data: encodeData(data), nonce });
    return { record: decodeRecord(id, text), text, ttlMs };
  }

  /** The TTL from now on, limited by the maximum lifetime. */
  private ttlOf(createdAt: number): number {
    const { ttlMs, maxLifetimeMs, clock } = this.settings;
    return Math.min(ttlMs, createdAt + maxLifetimeMs - clock.now());
  }

  /** `load` has set a full TTL; near the end of its maximum lifetime, a session has less. */
  private async shorten(record: SessionRecord, { text }: StoredSession): Promise<void> {
    const ttlMs = this.ttlOf(record.createdAt);
    if (ttlMs < this.settings.ttlMs) await this.storage.update(record.id, text, { expected: text, ttlMs });
  }

  /**
   * Missing or expired: whatever it has open here ends, and a stored session beyond its end is deleted, unless it was replaced.
   */
  private async expire(id: string, stored: StoredSession | undefined): Promise<void> {
    this.held.close(id);
    if (stored !== undefined) await this.storage.update(id, stored.text, { expected: stored.text, ttlMs: 1 });
  }
}

function needSession(session: Session): Session {
  if (session instanceof Session) return session;
  throw badSession('session cannot be nil: it has to be a Session, or of a class that extends it.');
}

function decode(id: string, stored: StoredSession): SessionRecord {
  return (stored.decoded ??= decodeRecord(id, stored.text)) as SessionRecord;
}
