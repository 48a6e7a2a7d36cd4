import type { SessionKind } from '../types/kinds.js';
import type { Session } from '../session/session.js';
import { SortedVisits } from './session-list.js';

/** A stream that somebody watches or publishes now. */
export class StreamEntry {
  readonly visits = new SortedVisits<Session>();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  /** Sent to anybody since the stream became live. */
  bytes = 0;
  /** The code as a list, for copies of sessions that have watched nothing else. */
  readonly codes: readonly string[];

  constructor(readonly code: string) {
    this.codes = Object.freeze([code]);
  }
}
