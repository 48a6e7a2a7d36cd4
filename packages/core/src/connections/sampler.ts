import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import { atOneInstant, systemClock, type Clock } from '../support/clock.js';
import type { ByteCounters } from './byte-counters.js';
import { SamplerEntry, type EntryList } from './sampler-entry.js';

/** How often every open connection is read and touched. */
export const SAMPLE_EVERY_MS = 1000;
/** So many are read in one go, which takes a fraction of a millisecond; the others follow in the course of the second. */
const AT_ONCE = 500;
/** Of more than 50,000 more are read in one go: a timer cannot be relied on more often. */
const MAX_PARTS = 100;
/** A player that takes nothing for this long while there is media for it is `stalled`. */
export const CONNECTION_STALL_MS = 15_000;

/** A connection to be sampled. */
export interface SampledConnection {
  /** Of an admitted connection. Its `onCut` is set by the sampler. */
  readonly handle: Pick<ConnHandle, 'onCut' | 'touch' | 'addReceived' | 'close'>;
  readonly counters: ByteCounters;
  /** Cuts the transport, now: the tracker has ended the session, or the client has stalled or is taken for gone. */
  destroy(reason: CloseReason): void;
  /** Milliseconds without a byte taken while some wait. Default 15_000; 0 = never. */
  readonly stallTimeoutMs?: number | undefined;
}

/** One connection under the sampler. */
export interface Registration {
  /**
   * The transport has lost or finished the connection, or the adapter lets go of it: reads the last bytes, and ends the
   * books. Does not cut. Harmless twice. Default reason `client_gone`.
   */
  close(reason?: CloseReason): void;
}

/**
 * Reads the counters of every open connection once a second, also when nothing flowed: an open connection is present.
 * Many are read part by part, so that nobody waits for all of them. One timer for all, and none when there are none.
 */
export class Sampler implements EntryList {
  private readonly open: SamplerEntry[] = [];
  private timer: unknown = undefined;
  /** Of this round: those below this place have still to be read … */
  private unread = 0;
  /** … so many at once, and then nobody for so long. */
  private atOnce = 0;
  private pauseMs = 0;
  readonly epoch: number;

  constructor(private readonly clock: Clock) {
    this.epoch = clock.now();
  }

  add(connection: SampledConnection): Registration {
    const entry = new Entry(connection);
    this.addEntry(entry);
    return entry;
  }

  /** The same for a connection that is its own entry: one object less for each. */
  addEntry(entry: SamplerEntry): void {
    entry.joined(this, this.open.length, this.clock.now());
    this.open.push(entry);
    this.timer ??= this.clock.setTimeout(this.readPart, SAMPLE_EVERY_MS);
    // Set last: an admission may have been ended before this, and then the cut runs at once.
    entry.handle.onCut(entry);
  }

  /** One reading of all, now. */
  sample(): void {
    atOneInstant(() => this.read(this.open.length, 0));
  }

  /** The next part of a round, the timer's way. */
  private readonly readPart = (): void => {
    if (this.unread === 0) this.beginRound();
    const end = Math.min(this.unread, this.open.length);
    this.unread = Math.max(0, end - this.atOnce);
    // Before it reads: that may end the last of them, and the timer with it.
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
    const now = this.clock.now();
    // From the end: one that ends while it is read is replaced by the last, which has been read already.
    for (let i = end - 1; i >= start; i--) this.open[i]?.read(now);
  }

  /** For an entry that has ended. */
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

/** What is sampled, and is no entry itself. */
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

/** The one sampler of this clock. Default: the wall clock's, which all adapters of a process share. */
export function samplerOf(clock: Clock = systemClock): Sampler {
  let sampler = samplers.get(clock);
  if (sampler === undefined) samplers.set(clock, (sampler = new Sampler(clock)));
  return sampler;
}
