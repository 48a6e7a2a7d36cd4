import { badOption } from '../support/options.js';
import type { Logger } from '../support/logger.js';
import type { EventSink, TrackerEvents } from '../types/event.js';
import { SinkQueue } from './sink-queue.js';
import type { WireEvent } from '../types/wire.js';
import { isPromise } from '../support/promises.js';

type EventName = keyof TrackerEvents;
type Listener = (event: TrackerEvents[EventName]) => void;

interface Queued {
  readonly name: EventName;
  readonly event: TrackerEvents[EventName];
}

/**
 * Tells listeners and sinks what happened, in order, after it happened. What a listener causes is told after the event
 * it is hearing. A listener that throws or rejects is logged and hurts nobody else.
 */
export class EventHub {
  private readonly listeners: Record<EventName, readonly Listener[]> = {
    opened: [],
    updated: [],
    closed: [],
    denied: [],
  };
  private sinks: readonly SinkQueue[] = [];
  /** Removed, but still taking what was queued. */
  private readonly leaving = new Set<SinkQueue>();
  private readonly queue: Queued[] = [];
  private delivering = false;
  private seq = 0;
  private droppedByRemoved = 0;

  constructor(private readonly logger: Logger) {}

  /** Nobody listens to this: do not make the event. */
  wants(name: EventName): boolean {
    return this.sinks.length > 0 || this.listeners[name].length > 0;
  }

  get dropped(): number {
    return [...this.sinks, ...this.leaving].reduce((sum, sink) => sum + sink.dropped, this.droppedByRemoved);
  }

  nextSeq(): number {
    return ++this.seq;
  }

  on<E extends EventName>(name: E, listener: (event: TrackerEvents[E]) => void): () => void {
    // The same function may listen twice; each call gets an own entry, so that each ends only itself.
    if (!Object.hasOwn(this.listeners, name)) {
      throw badOption('the event of on()', `one of ${Object.keys(this.listeners).join(', ')}`, name);
    }
    const entry: Listener = (event) => listener(event as TrackerEvents[E]);
    this.listeners[name] = [...this.listeners[name], entry];
    return () => {
      this.listeners[name] = this.listeners[name].filter((other) => other !== entry);
    };
  }

  addSink(sink: EventSink): () => void {
    if (typeof sink?.write !== 'function')
      throw badOption('a sink', 'an object with a name and a write function', sink);
    const queue = new SinkQueue(sink, this.logger);
    this.sinks = [...this.sinks, queue];
    return () => {
      if (!this.sinks.includes(queue)) return;
      this.sinks = this.sinks.filter((other) => other !== queue);
      this.leaving.add(queue);
      void queue.close().then(() => {
        if (this.leaving.delete(queue)) this.droppedByRemoved += queue.dropped;
      });
    };
  }

  /** `wire` is asked for only when a sink takes it. */
  emit<E extends EventName>(name: E, event: TrackerEvents[E], wire: (event: TrackerEvents[E]) => WireEvent): void {
    if (this.sinks.length > 0) {
      const envelope = wire(event);
      for (const sink of this.sinks) sink.push(envelope);
    }
    if (this.listeners[name].length === 0) return;
    this.queue.push({ name, event });
    if (this.delivering) return;
    this.delivering = true;
    for (let i = 0; i < this.queue.length; i++) this.deliver(this.queue[i] as Queued);
    this.queue.length = 0;
    this.delivering = false;
  }

  /** Delivers what the sinks take in time, then closes them. They get nothing more. */
  async close(): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink.close()));
    this.retire();
  }

  /** What the sinks have not taken is given up. */
  abandon(): void {
    for (const sink of this.sinks) sink.abandon();
    this.retire();
  }

  private retire(): void {
    this.droppedByRemoved = this.dropped;
    this.sinks = [];
    this.leaving.clear();
  }

  private deliver({ name, event }: Queued): void {
    for (const listener of this.listeners[name]) {
      try {
        const result: unknown = listener(event);
        if (isPromise(result)) result.then(undefined, (error: unknown) => this.failed(name, error));
      } catch (error) {
        this.failed(name, error);
      }
    }
  }

  private failed(name: EventName, error: unknown): void {
    this.logger.error({ err: error, event: name }, `a listener of "${name}" failed`);
  }
}
