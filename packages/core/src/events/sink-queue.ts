import type { Logger } from '../support/logger.js';
import type { WireEvent } from '../types/wire.js';
import type { EventSink } from '../types/event.js';

const MAX_QUEUED = 10_000;
const MAX_BATCH = 1_000;

/**
 * The bounded queue in front of one sink. A newer `updated` of a session replaces the older one; when the queue is
 * full `updated` events are given up first, then the oldest. Batches go one at a time, in order.
 */
export class SinkQueue {
  dropped = 0;
  /** By seq, in order. `updated` ones are also found by their visit. */
  private readonly events = new Map<number, WireEvent>();
  private readonly updates = new Map<string, number>();
  private running: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private abandoned = false;

  constructor(
    private readonly sink: EventSink,
    private readonly logger: Logger,
  ) {}

  push(event: WireEvent): void {
    if (this.abandoned) return;
    const isUpdate = event.type === 'session.updated';
    if (isUpdate) this.takeOutOlder(event);
    if (this.events.size >= MAX_QUEUED && !this.makeRoom(isUpdate)) return;
    this.events.set(event.seq, event);
    if (isUpdate) this.updates.set(visitOf(event), event.seq);
    this.running ??= this.run();
  }

  /** Resolves when everything queued has been taken and the sink is closed. Never rejects. */
  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  abandon(): void {
    this.abandoned = true;
    this.dropped += this.events.size;
    this.events.clear();
    this.updates.clear();
  }

  private async finish(): Promise<void> {
    while (this.running !== undefined) await this.running;
    try {
      await this.sink.close?.();
    } catch (error) {
      this.logger.error({ err: error, sink: this.sink.name }, 'a sink failed to close');
    }
  }

  /** Starts in a microtask of its own: what one call of the tracker causes goes in one batch. */
  private async run(): Promise<void> {
    await Promise.resolve();
    while (this.events.size > 0) {
      const batch = this.take();
      try {
        await this.sink.write(batch);
      } catch (error) {
        this.dropped += batch.length;
        this.logger.error(
          { err: error, sink: this.sink.name, events: batch.length },
          'a sink failed; its batch is lost',
        );
      }
    }
    this.running = undefined;
  }

  private take(): readonly WireEvent[] {
    const batch: WireEvent[] = [];
    for (const [seq, event] of this.events) {
      if (batch.length === MAX_BATCH) break;
      batch.push(event);
      this.events.delete(seq);
      if (event.type === 'session.updated') this.updates.delete(visitOf(event));
    }
    return Object.freeze(batch);
  }

  private takeOutOlder(event: WireEvent): void {
    const visit = visitOf(event);
    const older = this.updates.get(visit);
    if (older === undefined) return;
    this.events.delete(older);
    this.updates.delete(visit);
  }

  /** Something has to go: the oldest update, else the new event if it is one, else the oldest. False: the new one. */
  private makeRoom(forUpdate: boolean): boolean {
    this.dropped++;
    for (const [visit, seq] of this.updates) {
      this.events.delete(seq);
      this.updates.delete(visit);
      return true;
    }
    if (forUpdate) return false;
    for (const seq of this.events.keys()) {
      this.events.delete(seq);
      return true;
    }
    return true;
  }
}

const visitOf = ({ payload }: WireEvent): string => `${String(payload['session_id'])}@${String(payload['opened_at'])}`;
