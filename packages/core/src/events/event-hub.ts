import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import { badOption, checkBytes, checkDuration, checkMethods, checkOptions } from '../support/options.js';
import type { EventSink, SinkOptions, SinkStats, TrackerEvents } from '../types/event.js';
import { type Backlog, SinkQueue } from './sink-queue.js';
import type { WireEvent } from '../types/wire.js';
import { eventIds } from './event-id.js';
import { isPromise } from '../support/promises.js';

type EventName = keyof TrackerEvents;
type Listener = (event: TrackerEvents[EventName]) => void;

interface Queued {
  readonly name: EventName;
  readonly event: TrackerEvents[EventName];
  /** Undefined: all listeners of this event. */
  readonly only: Listener | undefined;
}

/**
 * Tells listeners and sinks what happened, in order, after it happened. Events that a listener causes are delivered after the one
 * it is handling. A listener that throws or rejects is logged and affects no other.
 */
export class EventHub {
  private readonly listeners: Record<EventName, readonly Listener[]> = {
    attached: [],
    opened: [],
    resumed: [],
    updated: [],
    changed: [],
    closed: [],
    denied: [],
    source: [],
  };
  private sinks: readonly SinkQueue[] = [];
  /** Sinks that were removed but are still taking what was queued. */
  private readonly leaving = new Set<SinkQueue>();
  private readonly queue: Queued[] = [];
  private delivering = false;
  private readonly idOf = eventIds();
  /** Sequence number of the latest event. */
  seq = 0;
  private droppedByRemoved = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** False when nobody listens to this event, so that it need not be made. */
  wants(name: EventName): boolean {
    return (this.sinks.length > 0 && name !== 'changed') || this.listeners[name].length > 0;
  }

  get dropped(): number {
    return [...this.sinks, ...this.leaving].reduce((sum, sink) => sum + sink.dropped, this.droppedByRemoved);
  }

  nextSeq(): number {
    return ++this.seq;
  }

  /** `first`: delivered to this listener at once, and to no other. */
  on<E extends EventName>(name: E, listener: (event: TrackerEvents[E]) => void, first?: TrackerEvents[E]): () => void {
    // The same function may listen twice; each call gets its own entry, so that each subscription ends only itself.
    if (!Object.hasOwn(this.listeners, name)) {
      throw badOption('the event of on()', `one of ${Object.keys(this.listeners).join(', ')}`, name);
    }
    if (typeof listener !== 'function') throw badOption('the listener of on()', 'a function', listener);
    const entry: Listener = (event) => listener(event as TrackerEvents[E]);
    if (first !== undefined) {
      this.enqueue({ name, event: first, only: entry });
      return () => undefined;
    }
    this.listeners[name] = [...this.listeners[name], entry];
    return () => {
      this.listeners[name] = this.listeners[name].filter((other) => other !== entry);
    };
  }

  /** `backlog`: what the sink receives before anything else. */
  addSink(sink: EventSink, options: SinkOptions, backlog: Backlog | undefined): () => void {
    checkMethods('a sink', sink, ['write']);
    const queue = new SinkQueue(sink, checked(options), this.clock, this.logger, backlog);
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

  /** `wire` is called only when a sink takes the event. */
  emit<E extends EventName>(
    name: E,
    event: TrackerEvents[E],
    wire: (event: TrackerEvents[E], id: string) => WireEvent,
  ): void {
    if (this.sinks.length > 0) {
      const envelope = wire(event, this.idOf(event.seq));
      for (const sink of this.sinks) sink.push(envelope);
    }
    this.tell(name, event);
  }

  /** Tells listeners only, not sinks. */
  tell<E extends EventName>(name: E, event: TrackerEvents[E]): void {
    if (this.listeners[name].length > 0) this.enqueue({ name, event, only: undefined });
  }

  private enqueue(queued: Queued): void {
    this.queue.push(queued);
    if (this.delivering) return;
    this.delivering = true;
    for (let i = 0; i < this.queue.length; i++) this.deliver(this.queue[i] as Queued);
    this.queue.length = 0;
    this.delivering = false;
  }

  /** Undefined: every sink has room for more. */
  room(): Promise<unknown> | undefined {
    const full = this.sinks.map((sink) => sink.room()).filter((room) => room !== undefined);
    return full.length > 0 ? Promise.all(full) : undefined;
  }

  /** Every event with a lower `seq` has been taken by every sink, or is lost to it. */
  get firstWaiting(): number {
    return this.sinks.reduce((first, sink) => Math.min(first, sink.firstWaiting), Infinity);
  }

  /** One entry per sink. */
  stats(): SinkStats[] {
    return this.sinks.map(({ name, queued, dropped }) => ({ name, queued, dropped }));
  }

  /** Delivers what the sinks take in time, then closes them. */
  async close(): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink.close()));
  }

  /** Gives up on what the sinks have not taken, and on anything that still comes. */
  abandon(): void {
    for (const sink of [...this.sinks, ...this.leaving]) sink.abandon();
  }

  /** Sends nothing more to the sinks. */
  async retire(): Promise<void> {
    await Promise.all(this.sinks.map((sink) => sink.retire()));
    this.droppedByRemoved = this.dropped;
    this.sinks = [];
    this.leaving.clear();
  }

  private deliver({ name, event, only }: Queued): void {
    for (const listener of only === undefined ? this.listeners[name] : [only]) {
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

/** @throws StreamSessionsError ERR_BAD_OPTION */
function checked(options: SinkOptions): SinkOptions {
  checkOptions('addSink()', options, ['maxPairs', 'spillFile', 'maxSpillBytes', 'retry']);
  const { maxPairs, spillFile, maxSpillBytes, retry } = options;
  if (maxPairs !== undefined && !(Number.isInteger(maxPairs) && maxPairs > 0)) {
    throw badOption('maxPairs', 'a positive integer', maxPairs);
  }
  if (spillFile !== undefined && (typeof spillFile !== 'string' || spillFile === '')) {
    throw badOption('spillFile', 'the path of a file', spillFile);
  }
  if (maxSpillBytes !== undefined) checkBytes('maxSpillBytes', maxSpillBytes, 1);
  if (retry !== undefined) {
    checkOptions('retry', retry, ['tries', 'delayMs']);
    if (!(Number.isInteger(retry.tries) && retry.tries > 0))
      throw badOption('tries', 'a positive integer', retry.tries);
    checkDuration('delayMs', retry.delayMs);
  }
  return options;
}
