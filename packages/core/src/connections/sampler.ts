import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import { atOneInstant, monotonic, systemClock, type Clock } from '../support/clock.js';
import type { ByteCounters } from './byte-counters.js';
import { SamplerEntry, type EntryList } from './sampler-entry.js';

/** How often every open connection is read and touched. Milliseconds. */
export const SAMPLE_EVERY_MS = 1000;
/**
 * The number of connections read in one go, which takes a fraction of a millisecond; the others follow in the course of the
 * second.
 */
const AT_ONCE = 500;
/** With more than 50,000 connections, each part grows instead, because timers cannot be relied on to fire more often. */
const MAX_PARTS = 100;
/** A player that takes nothing for this long while media is waiting for it is `stalled`. Milliseconds. */
export const CONNECTION_STALL_MS = 15_000;

/** A connection to be sampled. */
export interface SampledConnection {
  /** The handle of an admitted connection. The sampler sets its `onCut`. */
  readonly handle: Pick<ConnHandle, 'onCut' | 'touch' | 'addReceived' | 'close'>;
  readonly counters: ByteCounters;
  /** Cuts the transport at once: the tracker has ended the session, or the client has stalled or is presumed gone. */
  destroy(reason: CloseReason): void;
  /** Milliseconds without a byte taken while some are waiting. Default 15_000; 0 = never. */
  readonly stallTimeoutMs?: number | undefined;
}

/** One connection under the sampler. */
export interface Registration {
  /**
   * The transport has lost or finished the connection, or the adapter releases it: reads the last bytes and closes the books.
   * Does not cut the transport. Safe to call twice. Default reason `client_gone`.
   */
  close(reason?: CloseReason): void;
}

/**
 * Reads the counters of every open connection once a second, even if nothing flowed: an open connection is present. Large numbers
 * are read in parts, so that nothing else waits for all of them. One timer serves all connections, and none runs when there are
 * none.
 */
export class Sampler implements EntryList {
  private readonly open: SamplerEntry[] = [];
  private timer: unknown = undefined;
  /** In this round: entries below this index have still to be read … */
  private unread = 0;
  /** … this many at once, followed by a pause of `pauseMs`. */
  private atOnce = 0;
  private pauseMs = 0;
  readonly epoch: number;

  constructor(private readonly clock: Clock) {
    this.epoch = this.now();
  }

  add(connection: SampledConnection): Registration {
    const entry = new Entry(connection);
    this.addEntry(entry);
    return entry;
  }

  /** The same for a connection that is its own entry, which saves one object per connection. */
  addEntry(entry: SamplerEntry): void {
    entry.joined(this, this.open.length, this.now());
    this.open.push(entry);
    this.timer ??= this.clock.setTimeout(this.readPart, SAMPLE_EVERY_MS);
    // Set last: the admission may already have ended, in which case the cut runs at once.
    entry.handle.onCut(entry);
  }

  /** Reads all connections once, now. */
  sample(): void {
    atOneInstant(() => this.read(this.open.length, 0));
  }

  /** Reads the next part of a round; called by the timer. */
  private readonly readPart = (): void => {
    if (this.unread === 0) this.beginRound();
    const end = Math.min(this.unread, this.open.length);
    this.unread = Math.max(0, end - this.atOnce);
    // Set before reading, which may end the last connection and with it the timer.
    this.timer = this.clock.setTimeout(this.readPart, this.pauseMs);
    atOneInstant(() => this.read(end, this.unread));
  };

  private beginRound(): void {
    const { length } = this.open;
    const parts = Math.min(Math.ceil(length / AT_ONCE), MAX_PARTS);
    this.unread = length;
    this.atOnce = Math.ceil(length / parts);
    this.pauseMs = SAMPLE_EVERY_MS / parts;
  }

  private read(end: number, start: number): void {
    const now = this.now();
    // From the end: an entry that ends while being read is replaced by the last one, which has been read already.
    for (let i = end - 1; i >= start; i--) this.open[i]?.read(now);
  }

  /** Nobody stalls because the wall clock is set. Whole milliseconds, which V8 keeps inline. */
  private now(): number {
    return Math.trunc(monotonic(this.clock));
  }

  /** Removes an entry that has ended. */
  remove(entry: SamplerEntry): void {
    const last = this.open.pop();
    if (last !== undefined && last !== entry) {
      this.open[entry.place] = last;
      last.place = entry.place;
    }
    if (this.open.length > 0) return;
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.unread = 0;
  }
}

/** The entry for a sampled connection that is not an entry itself. */
class Entry extends SamplerEntry implements Registration {
  readonly handle: SampledConnection['handle'];
  readonly counters: ByteCounters;
  readonly stallTimeoutMs: number;

  constructor(private readonly connection: SampledConnection) {
    super();
    this.handle = connection.handle;
    this.counters = connection.counters;
    this.stallTimeoutMs = connection.stallTimeoutMs ?? CONNECTION_STALL_MS;
  }

  destroy(reason: CloseReason): void {
    this.connection.destroy(reason);
  }
}

const samplers = new WeakMap<Clock, Sampler>();

/** The only sampler of this clock. Default: that of the wall clock, which all adapters of a process share. */
export function samplerOf(clock: Clock = systemClock): Sampler {
  let sampler = samplers.get(clock);
  if (sampler === undefined) samplers.set(clock, (sampler = new Sampler(clock)));
  return sampler;
}
