import type { SessionChangedEvent, SessionEvent, TrackerEvents } from '@stream-sessions/core';
import { RecentMap, type ClusterPort } from '@stream-sessions/core/spi';
import type { ClusterTime } from '../directory/cluster-time.js';
import { WATCHED, type Said } from './said.js';

/** Identity groups remembered, because determining that of a session takes a hash. */
const MAX_PLACES = 50_000;

interface Events {
  on<E extends keyof TrackerEvents>(event: E, listener: (event: TrackerEvents[E]) => void): () => void;
}

/** What happens on this node, for watchers on this or other nodes. Nothing is produced while nobody watches. */
export class Source {
  private readonly listeners = new Set<(said: Said) => void>();
  private readonly places = new RecentMap<string>({ max: MAX_PLACES });
  private stopListening: (() => void)[] = [];

  constructor(
    private readonly events: Events,
    private readonly port: Pick<ClusterPort, 'part'>,
    private readonly time: Pick<ClusterTime, 'row'>,
    /** The name of this node. */
    private readonly node: string,
  ) {}

  /** Returns a function that ends it. */
  listen(listener: (said: Said) => void): () => void {
    if (this.listeners.size === 0) this.stopListening = WATCHED.map((name) => this.hear(name));
    this.listeners.add(listener);
    return () => {
      if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
      for (const stop of this.stopListening.splice(0)) stop();
      this.places.clear();
    };
  }

  private hear(name: Said['name']): () => void {
    return this.events.on(name, (event) => {
      const place = name === 'changed' ? this.placeOf((event as SessionChangedEvent).progress.id) : undefined;
      const said = { name, event: this.asShown(name, event), place } as Said;
      for (const listener of this.listeners) listener(said);
    });
  }

  private asShown(name: Said['name'], event: TrackerEvents[Said['name']]): TrackerEvents[Said['name']] {
    if (name === 'opened') return this.withNode(event as SessionEvent) as TrackerEvents['opened'];
    if (name !== 'changed') return event;
    const { progress, session, ...rest } = event as SessionChangedEvent;
    return { ...rest, progress: this.time.row(progress), session: session && this.time.row(session) };
  }

  private withNode(event: SessionEvent): SessionEvent {
    return { ...event, session: { ...event.session, nodes: [this.node] } };
  }

  private placeOf(id: string): string | undefined {
    const known = this.places.get(id) ?? this.places.set(id, this.port.part(id)?.place ?? '');
    return known === '' ? undefined : known;
  }
}
