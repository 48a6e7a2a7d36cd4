import type { CloseReason } from '../types/play-session.js';
import type { ConnHandle } from '../types/admission.js';
import { atOneInstant, systemClock, type Clock } from '../support/clock.js';
import { everyMs } from '../support/every-ms.js';
import type { ByteCounters } from './byte-counters.js';

/** How often every open connection is read and touched. */
export const SAMPLE_EVERY_MS = 1000;
/** So many are read in one go; then whoever else waits for this process has a turn. */
const AT_ONCE = 1000;
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
 * One timer for all of them, and none when there are none.
 */
export class Sampler {
  private readonly open: Entry[] = [];
  private stop: (() => void) | undefined = undefined;

  constructor(private readonly clock: Clock) {}

  add(connection: SampledConnection): Registration {
    const entry = new Entry(this, connection, this.clock.now());
    entry.place = this.open.push(entry) - 1;
    this.stop ??= everyMs(this.clock, SAMPLE_EVERY_MS, () => this.readSome(this.open.length, this.clock.now()));
    // Set last: an admission may have been ended before this, and then the cut runs at once.
    connection.handle.onCut((reason) => entry.cut(reason));
    return entry;
  }

  /** One reading of all, now. */
  sample(): void {
    atOneInstant(() => this.read(this.open.length, 0, this.clock.now()));
  }

  /** Those below this place, the timer's way: a thousand in one go. */
  private readSome(end: number, now: number): void {
    const start = Math.max(0, end - AT_ONCE);
    atOneInstant(() => this.read(end, start, now));
    if (start > 0) setImmediate(() => this.readSome(Math.min(start, this.open.length), now)).unref();
  }

  private read(end: number, start: number, now: number): void {
    // From the end: one that ends while it is read is replaced by the last, which has been read already.
    for (let i = end - 1; i >= start; i--) this.open[i]?.read(now);
  }

  /** For an entry that has ended. */
  remove(entry: Entry): void {
    const last = this.open.pop();
    if (last !== undefined && last !== entry) {
      this.open[entry.place] = last;
      last.place = entry.place;
    }
    if (this.open.length > 0) return;
    this.stop?.();
    this.stop = undefined;
  }
}

class Entry implements Registration {
  place = 0;
  private over = false;
  private sent = 0;
  private received = 0;
  private movedAt: number;

  // Fields of its own: ten thousand are read in a row, and each step to another object may be one to cold memory.
  private readonly handle: SampledConnection['handle'];
  private readonly counters: ByteCounters;
  private readonly stallTimeoutMs: number;

  constructor(
    private readonly sampler: Sampler,
    private readonly connection: SampledConnection,
    now: number,
  ) {
    this.handle = connection.handle;
    this.counters = connection.counters;
    this.stallTimeoutMs = connection.stallTimeoutMs ?? CONNECTION_STALL_MS;
    this.movedAt = now;
  }

  read(now: number): void {
    const { counters, stallTimeoutMs } = this;
    const added = this.newlySent();
    this.creditReceived();
    this.handle.touch(added);
    // A listener of what was just credited may have ended it.
    if (this.over) return;
    if (counters.isGone?.(now) === true) return this.lost('client_gone');
    if (stallTimeoutMs === 0) return;
    // A clock that was set back must not make anybody wait longer.
    if (added > 0 || now < this.movedAt || (counters.waiting?.() ?? 0) === 0) this.movedAt = now;
    else if (now - this.movedAt >= stallTimeoutMs) this.lost('stalled');
  }

  close(reason: CloseReason = 'client_gone'): void {
    if (!this.end()) return;
    this.creditReceived();
    const added = this.newlySent();
    this.counters.release?.();
    this.handle.close(reason, added);
  }

  /** The tracker has ended the session. Cut first: what the farewell took is counted too. */
  cut(reason: CloseReason): number {
    if (!this.end()) return 0;
    this.connection.destroy(reason);
    this.creditReceived();
    const added = this.newlySent();
    this.counters.release?.();
    return added;
  }

  private lost(reason: CloseReason): void {
    if (!this.end()) return;
    this.connection.destroy(reason);
    this.creditReceived();
    const added = this.newlySent();
    this.counters.release?.();
    this.handle.close(reason, added);
  }

  private end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.sampler.remove(this);
    return true;
  }

  /** A counter that goes backwards adds nothing, and what it then counts again is not counted twice. */
  private newlySent(): number {
    const sent = this.counters.sent();
    const added = sent - this.sent;
    if (!(added > 0)) return 0;
    this.sent = sent;
    return added;
  }

  private creditReceived(): void {
    const received = this.counters.received?.() ?? 0;
    if (!(received > this.received)) return;
    const added = received - this.received;
    this.received = received;
    this.handle.addReceived(added);
  }
}

const samplers = new WeakMap<Clock, Sampler>();

/** The one sampler of this clock. Default: the wall clock's, which all adapters of a process share. */
export function samplerOf(clock: Clock = systemClock): Sampler {
  let sampler = samplers.get(clock);
  if (sampler === undefined) samplers.set(clock, (sampler = new Sampler(clock)));
  return sampler;
}
