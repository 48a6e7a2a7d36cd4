import type { SessionKind } from '../types/kinds.js';
import type { Session, WatchedStream } from '../session/session.js';
import { SessionList } from './session-list.js';

/** A stream that somebody watches or publishes now. */
export class StreamEntry implements WatchedStream {
  readonly visits = new SessionList<Session>();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  bytes = 0;
  readonly codes: readonly string[];

  constructor(readonly code: string) {
    this.codes = Object.freeze([code]);
  }
}
