import type { SessionRecord } from '../record/record.js';
import { markRestored, SseSession } from './sse-session.js';
import { markChecked, Session, setStored, type SessionType } from './session.js';
import { StreamableSession } from './streamable-session.js';

/** Creates the session for an id. */
export type SessionFactory<S extends Session = Session> = (id: string) => S;

/** A new session of a type, as an instance of the class for it. */
export function makeSession(id: string, type: SessionType, createdAt: number): Session {
  if (type === 'sse') return new SseSession(id, { createdAt });
  if (type === 'streamable') return new StreamableSession(id, createdAt);
  return new Session(id, type, createdAt);
}

/** The stored session: of the class that the factory makes for its type, otherwise of the built-in class. */
export function restoreSession(record: SessionRecord, text: string, factory: SessionFactory | undefined): Session {
  markChecked(record.id);
  const made = factory?.(record.id);
  const session = made?.type === record.type ? made : makeSession(record.id, record.type, record.createdAt);
  setStored(session, record, text);
  if (session instanceof SseSession) markRestored(session);
  if (session instanceof StreamableSession) session.disconnect();
  return session;
}
