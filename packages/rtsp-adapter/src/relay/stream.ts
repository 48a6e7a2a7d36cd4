import type { Description } from '../protocol/sdp.js';
import { Batch, isRtcp } from './batch.js';

/** The sender of a stream's media. */
export interface Source {
  readonly description: Description;
  /** Another client is publishing now. */
  replaced(): void;
}

/** A receiver of the media. */
export interface Sink {
  take(batch: Batch): void;
  /** There is no more media, or it has changed. */
  ended(): void;
}

/** What arrives in one turn is passed on at its end; in a flood, as soon as there is this much. */
const MAX_BATCH_BYTES = 256 * 1024;

/** A sender report and what travels with it; longer ones are not kept. */
const MAX_REPORT_BYTES = 2048;

/** One publisher's media on its way to all players. */
export class Stream {
  readonly sinks = new Set<Sink>();
  private current: Source | undefined = undefined;
  private batch: Batch | undefined = undefined;
  /**
   * The latest sender report of each track, which synchronises their clocks: a late joiner would otherwise wait seconds for one.
   */
  private readonly reports: (Buffer | undefined)[] = [];

  constructor(
    private readonly onVacant: (stream: Stream) => void,
    private readonly onPublished: () => void = () => undefined,
  ) {}

  get source(): Source | undefined {
    return this.current;
  }

  /** Goes on air. A previous publisher is replaced, and players that cannot play this are ended. */
  publish(source: Source): void {
    const { current: before } = this;
    this.current = source;
    this.reports.length = 0;
    before?.replaced();
    if (before === undefined) this.onPublished();
    if (before !== undefined && before.description.shape !== source.description.shape) this.end();
  }

  /** Goes off air, unless another client is on air by now. */
  unpublish(source: Source): void {
    if (this.current !== source) return;
    this.flush();
    this.current = undefined;
    this.end();
    this.onVacant(this);
  }

  join(sink: Sink): void {
    if (this.sinks.has(sink)) return;
    this.flush(); // earlier data is not for it
    this.sinks.add(sink);
    const reports = new Batch();
    this.reports.forEach((report, component) => report !== undefined && reports.add(component, report));
    if (reports.packets.length > 0) sink.take(reports);
  }

  leave(sink: Sink): void {
    this.sinks.delete(sink);
  }

  push(source: Source, component: number, packet: Buffer): void {
    if (source !== this.current) return;
    if (isRtcp(component) && packet[1] === SENDER_REPORT && packet.length <= MAX_REPORT_BYTES) {
      this.reports[component] = Buffer.from(packet);
    }
    if (this.sinks.size === 0) return;
    if (this.batch === undefined) {
      this.batch = new Batch();
      setImmediate(this.flush);
    }
    this.batch.add(component, packet);
    if (this.batch.bytes >= MAX_BATCH_BYTES) this.flush();
  }

  private readonly flush = (): void => {
    const { batch } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    for (const sink of this.sinks) sink.take(batch);
  };

  private end(): void {
    for (const sink of [...this.sinks]) sink.ended();
    this.sinks.clear();
  }
}

/** RFC 3550 §6.4.1 */
const SENDER_REPORT = 200;
