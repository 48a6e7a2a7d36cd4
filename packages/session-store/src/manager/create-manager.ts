import type { Session, SessionType } from '../session/session.js';
import type { SseSession } from '../session/sse-session.js';
import type { StreamableSession } from '../session/streamable-session.js';
import { SessionManager } from './manager.js';
import { settingsOf, type ManagerOptions } from './options.js';

/**
 * Sessions with a TTL, wherever they are stored. Each object returned is a copy of what is stored, except for one that has
 * something open on this node, such as an SSE client: that is always the same object. Every call rejects while the storage is
 * unreachable, with an error that says so and has `status` 503, and with `ERR_MANAGER_STOPPED` after `stop()`.
 */
export interface Manager<S extends Session = Session> {
  /** Creates and stores a session with this id. Rejects with `ERR_BAD_SESSION_ID` or `ERR_SESSION_EXISTS`. */
  addWithId(id: string): Promise<S>;
  /** Creates and stores a session with a random id: of the manager's type, or of the given one. */
  create(): Promise<S>;
  create(type: SessionType): Promise<Session>;
  /** Stores a session that you have made. Rejects with `ERR_SESSION_EXISTS`, `ERR_BAD_SESSION` or `ERR_SESSION_TOO_LARGE`. */
  addSession(session: Session): Promise<void>;
  /** Stores a session, replacing the one with its id, if any; anything that one has open on this node is closed. */
  upsertSession(session: Session): Promise<void>;
  /** The session, refreshed: it now lasts for another TTL. Undefined if there is none. */
  get(id: string): Promise<Session | undefined>;
  /** The same; rejects with `ERR_SESSION_NOT_FOUND` (`status` 404) if there is none. */
  getOrThrow(id: string): Promise<Session>;
  /** The session, without refreshing it. */
  peek(id: string): Promise<Session | undefined>;
  /**
   * Stores what you have changed in a session: metadata by key, data as a whole, `updatedAt`. Changes by others are kept. False,
   * and nothing is stored, if the session was deleted or replaced meanwhile. Refreshes it. Rejects with `ERR_CONFLICT` if others
   * were faster five times.
   */
  update(session: Session): Promise<boolean>;
  /** Records that the session was used now, and refreshes it. False if there is none. */
  touch(id: string): Promise<boolean>;
  /** Deletes a session and ends what it has open: here at once, on other nodes at their next sweep. False if there was none. */
  delete(id: string): Promise<boolean>;
  /** The number of sessions on all nodes. On Redis, this examines each of them. */
  count(): Promise<number>;
  /** Calls `visit` for each session in turn, without refreshing it, until that returns or resolves to false. */
  range(visit: (id: string, session: Session) => unknown): Promise<void>;
  /**
   * Ends what sessions have open on this node, and closes the storage, which in memory ends the sessions themselves. Safe to call
   * twice.
   */
  stop(): Promise<void>;
}

/**
 * Makes a session manager.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_SESSION_TYPE
 * @example
 * const manager = createManager({ type: 'sse', ttlMs: 3_600_000 });
 * app.get('/events', async (req, res) => (await manager.create()).attach(res));
 */
export function createManager(options: ManagerOptions & { type: 'sse' }): Manager<SseSession>;
export function createManager(options: ManagerOptions & { type: 'streamable' }): Manager<StreamableSession>;
export function createManager<S extends Session = Session>(options?: ManagerOptions<S>): Manager<S>;
export function createManager<S extends Session>(options: ManagerOptions<S> = {}): Manager<S> {
  return new SessionManager<S>(settingsOf(options));
}
