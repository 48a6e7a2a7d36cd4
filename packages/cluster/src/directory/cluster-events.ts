import type { Logger, PlaySession, SessionTracker, TrackerEvents } from '@stream-sessions/core';

type Listener = (event: never) => void;

/**
 * The events of the cluster that this node tells: a visit has begun or ended, once, whichever nodes it was seen at. What else a
 * tracker tells is passed on as it is.
 */
export class ClusterEvents {
  private seq = 0;
  private readonly listeners = { opened: new Set<Listener>(), closed: new Set<Listener>() };

  constructor(
    private readonly tracker: SessionTracker,
    private readonly logger: Logger,
    private readonly now: () => number,
  ) {}

  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void {
    // Parts that open of visits that are known are nobody's news.
    if (event === 'resumed') return () => undefined;
    const told: string = event;
    if (told !== 'opened' && told !== 'closed') return this.tracker.on(event, listener);
    const listeners = this.listeners[told];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  opened(session: PlaySession): void {
    this.tell('opened', { session, viewers: this.viewersOf(session.stream) });
  }

  closed(session: PlaySession): void {
    this.tell('closed', { session, reason: session.closeReason ?? '', viewers: this.viewersOf(session.stream) });
  }

  /** Those that this node has seen. */
  private viewersOf(code: string): number {
    return this.tracker.count({ stream: code, kind: 'viewer', status: 'active' });
  }

  private tell(event: 'opened' | 'closed', facts: object): void {
    if (this.listeners[event].size === 0) return;
    const frozen = Object.freeze({ seq: ++this.seq, occurredAt: this.now(), ...facts });
    for (const listener of this.listeners[event]) {
      try {
        listener(frozen as never);
      } catch (error) {
        this.logger.error({ err: error, event }, 'a listener of the cluster threw');
      }
    }
  }
}
