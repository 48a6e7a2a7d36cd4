import type {
  Clock,
  EventSink,
  Logger,
  PlaySession,
  SessionTracker,
  SinkOptions,
  TrackerEvents,
} from '@stream-sessions/core';
import { inTime, attachedEnvelope, EventHub, eventToWire, Queue, type ClusterPort } from '@stream-sessions/core/spi';
import type { LiveCounts } from '../visits/live-counts.js';

export interface ClusterEventsParts {
  readonly tracker: SessionTracker;
  /** With the times of the cluster. */
  readonly rowOf: (id: string) => PlaySession | undefined;
  readonly port: Pick<ClusterPort, 'hash' | 'ids'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counts: Pick<LiveCounts, 'keep' | 'viewersOf'>;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly now: () => number;
}

/**
 * How often it checks what all listeners have received by now; sinks that store events have done so within this time.
 * Milliseconds.
 */
const LOOK_MS = 250;
/** The most events that wait for sinks. Redis may forget older ones. */
const MAX_UNTAKEN = 50_000;
const CLOSE_MS = 10_000;

/** An event that was reported, but may not be where a crash cannot reach it. */
interface Untaken {
  readonly seq: number;
  readonly at: number;
  readonly told: () => void;
}

/** What a tracker sends to sinks besides visits. */
const PASSED_ON = ['updated', 'denied', 'source'] as const;

/**
 * The events of the cluster that this node reports: each visit begins and ends once, whichever nodes it was seen on. All other
 * events of the tracker are passed on unchanged.
 */
export class ClusterEvents {
  private readonly hub: EventHub;
  private readonly untaken = new Queue<Untaken>();
  private timer: unknown = undefined;
  private sinks = 0;
  private stopPassing: (() => void) | undefined;

  constructor(private readonly parts: ClusterEventsParts) {
    this.hub = new EventHub(parts.clock, parts.logger);
  }

  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void {
    // New parts of known visits are not reported.
    if (event === 'resumed') return () => undefined;
    if (event !== 'opened' && event !== 'closed') return this.parts.tracker.on(event, listener);
    return all(this.hub.on(event, listener), this.parts.counts.keep());
  }

  addSink(sink: EventSink, options: SinkOptions): () => void {
    const remove = all(this.hub.addSink(sink, options, this.backlog()), this.parts.counts.keep());
    if (this.sinks++ === 0) this.stopPassing = this.passOn();
    let isHere = true;
    return () => {
      if (!isHere) return;
      isHere = false;
      if (--this.sinks === 0) this.stopPassing?.();
      remove();
    };
  }

  /** @param told Called when all listeners have it, so that it need not be reported again. */
  opened(session: PlaySession, told: () => void): void {
    this.tell('opened', session, told);
  }

  closed(session: PlaySession, told: () => void): void {
    this.tell('closed', session, told);
  }

  /** Sinks get what they take in time; then everything counts as reported. */
  async close(): Promise<void> {
    const { clock } = this.parts;
    this.stopPassing?.();
    const isClosed = this.hub.close().then(() => true);
    if ((await inTime(isClosed, CLOSE_MS, clock)) !== true) this.hub.abandon();
    clock.clearTimeout(this.timer);
    for (let next = this.untaken.shift(); next !== undefined; next = this.untaken.shift()) next.told();
  }

  private tell(name: 'opened' | 'closed', session: PlaySession, told: () => void): void {
    const { hub, parts } = this;
    if (!hub.wants(name)) return told();
    const eventId = this.idOf(name, session);
    const seq = hub.nextSeq();
    const facts = { seq, occurredAt: parts.now(), session, eventId, viewers: this.viewersOf(session) };
    if (name === 'opened') hub.emit(name, Object.freeze(facts), (event) => eventToWire(name, event, eventId));
    else {
      const closed = Object.freeze(Object.assign(facts, { reason: session.closeReason ?? '' }));
      hub.emit(name, closed, (event) => eventToWire(name, event, eventId));
    }
    this.untaken.push({ seq, at: parts.clock.now(), told });
    this.timer ??= parts.clock.setTimeout(() => this.look(), LOOK_MS);
  }

  private look(): void {
    const { untaken, hub, parts } = this;
    this.timer = undefined;
    const { firstWaiting } = hub;
    const since = parts.clock.now() - LOOK_MS;
    for (let next = untaken.first(); next !== undefined; next = untaken.first()) {
      const isTaken = next.seq < firstWaiting && next.at <= since;
      if (!isTaken && untaken.size <= MAX_UNTAKEN) break;
      untaken.shift();
      next.told();
    }
    if (untaken.size > 0) this.timer = parts.clock.setTimeout(() => this.look(), LOOK_MS);
  }

  /** A UUID of version 8, the same whichever node reports it: when the visit began, and a hash. */
  private idOf(name: string, { id, openedAt }: PlaySession): string {
    const time = openedAt.toString(16).padStart(12, '0').slice(-12);
    const hex = Buffer.from(this.parts.port.hash(`${name} ${id}@${openedAt}`), 'base64url').toString('hex');
    const variant = ((parseInt(hex.charAt(0), 16) & 3) | 8).toString(16);
    const parts = [time.slice(0, 8), time.slice(8), `8${hex.slice(1, 4)}`, variant + hex.slice(4, 7), hex.slice(7, 19)];
    return parts.join('-');
  }

  /** On all nodes; while that is unknown, the viewers that this node has seen. */
  private viewersOf({ stream }: PlaySession): number {
    const { counts, tracker } = this.parts;
    return counts.viewersOf(stream) ?? tracker.count({ stream, kind: 'viewer', status: 'active' });
  }

  private passOn(): () => void {
    const { hub, parts } = this;
    const ends = PASSED_ON.map((name) =>
      parts.tracker.on(name, (event) => {
        const own = Object.freeze({ ...event, seq: hub.nextSeq() }) as TrackerEvents[typeof name];
        hub.emit(name, own, (it, id) => eventToWire(name, it as never, id));
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }

  /** The parts that are on this node now. If several nodes have a part of a visit, each reports it, under the same id. */
  private backlog(): Iterator<ReturnType<typeof attachedEnvelope>> | undefined {
    const { port, rowOf, now } = this.parts;
    const ids = port.ids();
    if (ids.length === 0) return undefined;
    const { seq } = this.hub;
    const envelope = (session: PlaySession): ReturnType<typeof attachedEnvelope> =>
      attachedEnvelope(seq, now(), session, this.viewersOf(session), this.idOf('attached', session));
    return (function* () {
      for (const id of ids) {
        const session = rowOf(id);
        if (session !== undefined && session.closedAt === undefined) yield envelope(session);
      }
    })();
  }
}

const all =
  (...ends: readonly (() => void)[]): (() => void) =>
  () => {
    for (const end of ends) end();
  };
