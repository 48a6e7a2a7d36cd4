import type { Session } from '../session/session.js';

/** Is told what has to be stored about visible sessions. Never called for a mere hit. */
export interface SessionJournal {
  /** The session has opened, or what it is found or described by has changed. */
  changed(session: Session): void;
  /** The session has ended. */
  gone(session: Session): void;
}
