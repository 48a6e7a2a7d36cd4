import type { Session, WatchedStream } from '../session/session.js';
import type { SessionKind } from '../types/kinds.js';
import type { StreamSummary } from '../types/play-session.js';
import { SessionList } from './session-list.js';

/** A stream that somebody watches or publishes now, and how many they are. */
export class StreamEntry implements WatchedStream {
  readonly visits = new SessionList<Session>();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  bytes = 0;
  readonly codes: readonly string[];
  private dvr = 0;

  constructor(readonly code: string) {
    this.codes = Object.freeze([code]);
  }

  enter(session: Session): void {
    this.visits.insert(session);
    this.counts[session.kind]++;
    if (session.dvr) this.countDvr(session, 1);
  }

  /** False: it was not there. */
  leave(session: Session): boolean {
    if (!this.visits.delete(session)) return false;
    this.counts[session.kind]--;
    if (session.dvr) this.countDvr(session, -1);
    return true;
  }

  /** One viewer of the past more, or one fewer. */
  countDvr({ kind }: Session, change: 1 | -1): void {
    if (kind === 'viewer') this.dvr += change;
  }

  get summary(): StreamSummary {
    const { code, counts, dvr, bytes } = this;
    return { stream: code, viewers: counts.viewer, dvr, inputs: counts.input, outputs: counts.output, bytes };
  }
}
