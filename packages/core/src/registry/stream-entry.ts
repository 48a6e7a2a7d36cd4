import type { Session, WatchedStream } from '../session/session.js';
import type { Protocol, SessionKind } from '../types/kinds.js';
import type { StreamSummary } from '../types/play-session.js';
import type { ActiveCount } from '../types/stats.js';
import { SessionList } from './session-list.js';

interface Active {
  readonly protocol: Protocol;
  readonly kind: SessionKind;
  active: number;
}

const NONE: readonly Active[] = Object.freeze([]);

/** A stream that is being watched or published now, with its session counts. */
export class StreamEntry implements WatchedStream {
  readonly visits = new SessionList<Session>();
  readonly counts: Record<SessionKind, number> = { viewer: 0, input: 0, output: 0, unspecified: 0 };
  bytes = 0;
  readonly codes: readonly string[];
  private dvr = 0;
  /** Sessions per protocol and kind; there are few combinations. */
  private active: readonly Active[] = NONE;

  constructor(readonly code: string) {
    this.codes = Object.freeze([code]);
  }

  enter(session: Session): void {
    this.visits.insert(session);
    this.counts[session.kind]++;
    this.count(session.kind, session.protocol, 1);
    if (session.dvr) this.countDvr(session, 1);
  }

  /** False: it was not here. */
  leave(session: Session): boolean {
    if (!this.visits.delete(session)) return false;
    this.counts[session.kind]--;
    this.count(session.kind, session.protocol, -1);
    if (session.dvr) this.countDvr(session, -1);
    return true;
  }

  /** Adds or removes one viewer of past content. */
  countDvr({ kind }: Session, change: 1 | -1): void {
    if (kind === 'viewer') this.dvr += change;
  }

  /** Adds or removes one session of this protocol. */
  count(kind: SessionKind, protocol: Protocol, change: 1 | -1): void {
    const same = this.active.find((cell) => cell.protocol === protocol && cell.kind === kind);
    // not pushed: that would allocate room for sixteen more, for every stream name that somebody makes up
    if (same === undefined) this.active = this.active.concat({ protocol, kind, active: change });
    else same.active += change;
  }

  /** Read at every scrape, hence plain loops: a thousand streams take a tenth of a millisecond. */
  addActive(all: ActiveCount[]): void {
    for (const { protocol, kind, active } of this.active) {
      if (active > 0) all.push({ stream: this.code, protocol, kind, active });
    }
  }

  get summary(): StreamSummary {
    const { code, counts, dvr, bytes } = this;
    return { stream: code, viewers: counts.viewer, dvr, inputs: counts.input, outputs: counts.output, bytes };
  }
}
