import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { EventSink, SinkOptions } from '../types/event.js';
import type { WireEvent } from '../types/wire.js';
import { Queue } from '../collections/queue.js';
import { Delivery } from './delivery.js';
import { SpillFile } from './spill-file.js';

const MAX_BATCH = 1_000;
/** The most `updated`, `denied` and source events that wait. */
const MAX_PASSING = 10_000;
/** The most pairs of `opened` and `closed` that wait in memory. */
const DEFAULT_MAX_PAIRS = 10_000;
const DEFAULT_MAX_SPILL_BYTES = 1024 ** 3;

/** The rows that exist when a sink is added, made one by one as it takes them. */
export type Backlog = Iterator<WireEvent, unknown>;

/**
 * The queue in front of one sink. Batches go one at a time, in order.
 *
 * Passing events (`updated`, `denied`, sources) are bounded: a newer `updated` of a visit replaces the older one, and when there
 * are too many, the oldest is dropped. `opened` and `closed` are pairs: an `opened` that finds no room goes to the spill file, or
 * is lost with its `closed`; the `closed` of an `opened` that was taken always has a place.
 */
export class SinkQueue {
  dropped = 0;
  private readonly events = new Queue<WireEvent>();
  /** Positions of the latest `updated` of each session, and of the other passing events. */
  private readonly updates = new Map<string, number>();
  private readonly others = new Set<number>();
  private pairs = 0;
  /** Visits whose `opened` was lost. */
  private readonly lost = new Set<string>();
  private untold: { events: number; firstSeq: number; lastSeq: number } | undefined = undefined;
  private spill: SpillFile | undefined = undefined;
  private spilling = false;
  /** Set while the spill file is being opened: until then, everything waits in memory. */
  private opening: Promise<void> | undefined;
  private running: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private abandoned = false;
  /** Events handed to the sink but not yet confirmed by it. */
  private inFlight: readonly WireEvent[] = [];
  private roomWaiters: (() => void)[] = [];
  private readonly maxPairs: number;
  private readonly delivery: Delivery;

  constructor(
    private readonly sink: EventSink,
    options: SinkOptions,
    clock: Clock,
    private readonly logger: Logger,
    private backlog: Backlog | undefined,
  ) {
    this.maxPairs = options.maxPairs ?? DEFAULT_MAX_PAIRS;
    this.delivery = new Delivery(sink, options.retry, clock, logger);
    const { spillFile, maxSpillBytes = DEFAULT_MAX_SPILL_BYTES } = options;
    if (spillFile !== undefined) this.opening = this.openSpill(spillFile, maxSpillBytes);
    if (backlog !== undefined || this.opening !== undefined) this.start();
  }

  get name(): string {
    return this.sink.name;
  }

  /** Events that wait, including those in the file. */
  get queued(): number {
    return this.events.size + (this.spill?.size ?? 0);
  }

  /** The `seq` of the oldest event that a crash would lose here. Infinity: there is none. */
  get firstWaiting(): number {
    return (this.inFlight[0] ?? this.events.first())?.seq ?? Infinity;
  }

  push(event: WireEvent): void {
    if (isOfPair(event)) this.pushPair(event);
    else this.pushPassing(event);
    this.start();
  }

  /** Undefined: there is room for more pairs. */
  room(): Promise<void> | undefined {
    if (this.abandoned || this.pairs < 2 * this.maxPairs) return undefined;
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  /** Resolves when everything queued has been taken and the sink is closed. Never rejects. */
  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  /** Nothing more comes: what was given to the spill file is written, and the file is left to the next process. */
  async retire(): Promise<void> {
    await this.spill?.flushed().catch(() => undefined);
    this.spill?.giveUp();
  }

  /** What has not been taken is lost, except for the content of the spill file, which the next process finds there. */
  abandon(): void {
    this.abandoned = true;
    this.dropped += this.events.size;
    this.events.clear();
    this.updates.clear();
    this.others.clear();
    this.pairs = 0;
    this.backlog = undefined;
    this.delivery.giveUp();
    this.makeKnownRoom();
  }

  private pushPassing(event: WireEvent): void {
    const isUpdate = event.type === 'session.updated';
    if (isUpdate) this.takeOutOlder(event);
    // It would overtake the events in the file.
    if (this.abandoned || this.spilling) return this.lose(event);
    if (this.events.size - this.pairs >= MAX_PASSING && !this.makeRoom(isUpdate)) return this.lose(event);
    const position = this.events.push(event);
    if (isUpdate) this.updates.set(idOf(event), position);
    else this.others.add(position);
  }

  private pushPair(event: WireEvent): void {
    const isOpened = event.type === 'session.opened' || event.type === 'session.resumed';
    if (!isOpened && this.lost.delete(visitOf(event))) return this.lose(event);
    const isFull = this.spilling || this.abandoned || this.pairs >= 2 * this.maxPairs;
    if (this.spill !== undefined && isFull && !(isOpened && this.spill.isFull)) {
      this.spilling = true;
      if (this.spill.append(event)) return undefined;
    }
    if (this.abandoned) return this.lose(event);
    if (this.spilling || (isOpened && isFull && this.opening === undefined)) {
      if (isOpened) this.lost.add(visitOf(event));
      return this.lose(event);
    }
    this.pairs++;
    this.events.push(event);
    return undefined;
  }

  private async finish(): Promise<void> {
    while (this.running !== undefined) await this.running;
    try {
      await this.spill?.remove();
      await this.sink.close?.();
    } catch (error) {
      this.logger.error({ err: error, sink: this.sink.name }, 'a sink failed to close');
    }
  }

  private start(): void {
    this.running ??= this.run();
  }

  /** Starts in a microtask of its own, so that everything one call to the tracker causes goes into one batch. */
  private async run(): Promise<void> {
    await Promise.resolve();
    await this.opening;
    for (let batch = await this.next(); batch.length > 0; batch = await this.next()) {
      await this.tellGap();
      this.inFlight = batch;
      const isTaken = await this.delivery.write(Object.freeze(batch));
      this.inFlight = [];
      if (!isTaken) for (const event of batch) this.lose(event);
      this.makeKnownRoom();
    }
    this.running = undefined;
    await this.tellGap();
  }

  /**
   * The next batch: first what an earlier process left, then the backlog, then what came since, and last what did not fit into
   * memory.
   */
  private async next(): Promise<WireEvent[]> {
    while (this.spill !== undefined && this.spill.left > 0) {
      const leftOver = await this.spilled();
      // none: it was what a crash had cut short
      if (leftOver.length > 0 || this.abandoned) return leftOver;
    }
    if (this.backlog !== undefined) {
      const rows: WireEvent[] = [];
      while (rows.length < MAX_BATCH) {
        const { done, value } = this.backlog.next();
        if (done === true) {
          this.backlog = undefined;
          break;
        }
        rows.push(value);
      }
      if (rows.length > 0) return rows;
    }
    if (this.events.size > 0) return this.take();
    return this.spilling ? this.spilled() : [];
  }

  private async spilled(): Promise<WireEvent[]> {
    const spill = this.spill as SpillFile;
    try {
      await spill.settle();
      if (this.abandoned) return [];
      const events = await spill.take(MAX_BATCH);
      if (spill.size === 0) this.spilling = false;
      return events;
    } catch (error) {
      this.logger.error({ err: error, sink: this.sink.name, events: spill.size }, 'the spill file of a sink failed');
      this.dropped += spill.size;
      spill.giveUp();
      this.spill = undefined;
      this.spilling = false;
      return [];
    }
  }

  private async openSpill(path: string, maxBytes: number): Promise<void> {
    try {
      this.spill = await SpillFile.open(path, maxBytes);
    } catch (error) {
      this.logger.error({ err: error, sink: this.sink.name }, 'the spill file of a sink cannot be used');
    }
    this.opening = undefined;
  }

  private take(): WireEvent[] {
    const batch: WireEvent[] = [];
    while (batch.length < MAX_BATCH) {
      const event = this.events.shift();
      if (event === undefined) break;
      batch.push(event);
      this.forget(event, this.events.shifted);
    }
    return batch;
  }

  /** An event no longer waits. */
  private forget(event: WireEvent, position: number): void {
    if (isOfPair(event)) this.pairs--;
    else if (event.type !== 'session.updated') this.others.delete(position);
    else if (this.updates.get(idOf(event)) === position) this.updates.delete(idOf(event));
  }

  private makeKnownRoom(): void {
    if (this.roomWaiters.length === 0 || (!this.abandoned && this.pairs >= this.maxPairs)) return;
    for (const resolve of this.roomWaiters.splice(0)) resolve();
  }

  private lose({ seq }: WireEvent): void {
    this.dropped++;
    this.untold ??= { events: 0, firstSeq: seq, lastSeq: seq };
    this.untold.events++;
    this.untold.lastSeq = seq;
  }

  /** Before the next batch, tells the sink which events are missing in front of it. */
  private async tellGap(): Promise<void> {
    const gap = this.untold;
    if (gap === undefined || this.abandoned) return;
    this.untold = undefined;
    await this.delivery.tell(Object.freeze(gap));
  }

  private takeOutOlder(event: WireEvent): void {
    const id = idOf(event);
    const position = this.updates.get(id);
    if (position === undefined) return;
    this.updates.delete(id);
    // the last `updated` of an earlier visit is kept: it is that visit's final state
    if (this.events.at(position)?.payload['opened_at'] === event.payload['opened_at']) this.events.remove(position);
  }

  /**
   * Drops the oldest update; failing that, the new event if it is an update, otherwise the oldest of the others. False: the new
   * event is dropped.
   */
  private makeRoom(forUpdate: boolean): boolean {
    const [position] = this.updates.size > 0 ? this.updates.values() : forUpdate ? [] : this.others;
    const oldest = position === undefined ? undefined : this.events.remove(position);
    if (position === undefined || oldest === undefined) return false;
    this.forget(oldest, position);
    this.lose(oldest);
    return true;
  }
}

const PAIR: ReadonlySet<string> = new Set(['session.opened', 'session.resumed', 'session.closed']);
const isOfPair = ({ type }: WireEvent): boolean => PAIR.has(type);

const idOf = ({ payload }: WireEvent): string => payload['session_id'] as string;

const visitOf = ({ payload }: WireEvent): string => `${String(payload['session_id'])}@${String(payload['opened_at'])}`;
