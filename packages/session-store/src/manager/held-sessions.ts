import { Session, stateOf } from '../session/session.js';
import type { Warn } from './options.js';

/** The sessions that have something open on this node, such as a response. */
export class HeldSessions {
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly warn: Warn) {}

  get(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  get ids(): string[] {
    return [...this.sessions.keys()];
  }

  /** Holds the session from now on, if its type has anything to close. Another object with its id is closed. */
  add(session: Session): void {
    const other = this.sessions.get(session.id);
    if (other === session) return;
    if (other !== undefined) this.close(session.id, other);
    if (session.close !== Session.prototype.close) this.sessions.set(session.id, session);
  }

  release(session: Session): void {
    if (this.sessions.get(session.id) === session) this.sessions.delete(session.id);
  }

  /** Closes what is open under this id; with a session, only if it is that one. */
  close(id: string, only?: Session): void {
    const session = this.sessions.get(id);
    if (session === undefined || (only !== undefined && session !== only)) return;
    this.sessions.delete(id);
    stateOf(session).holder = undefined;
    try {
      session.close();
    } catch (error) {
      this.warn({ err: error, id }, 'A session threw as it was closed');
    }
  }

  closeAll(): void {
    for (const id of this.ids) this.close(id);
  }
}
