import type { Session } from '../session/session.js';

/** Hears what has to be written down of the sessions that everybody sees. Never of a mere hit. */
export interface SessionJournal {
  /** It has opened, or is found or described by something else. */
  changed(session: Session): void;
  /** It has ended. */
  gone(session: Session): void;
}
